"""Tables of what stands beside vector searches, and of what settings keep once they are fused with it."""

import pandas as pd

from embquant.report.numbers.measurements import Measurements
from embquant.report.reports import Reports
from embquant.report.show.rendering import Column, TableView
from embquant.report.show.reranking import AS_WELL
from embquant.report.tables.base import SETTING, ReportTable, for_readers, p_column, place_columns

TESTS = {
    "difference": Column("difference", "+.4f", interval=True),
    "p_holm": p_column("settings of this dataset, model and top_k"),
    "verdict_words": Column("verdict", meaning="≈ noise: not distinguishable"),
    "differing": Column("queries that differ", ",.0f", detail=True),
    "least_detectable": Column(
        "least detectable", ".4f", "true difference that four of five studies would find", detail=True
    ),
}


class BesideBM25(ReportTable):
    """Every setting of judged datasets against BM25, a search by words."""

    optional = True
    section = "hybrid"

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per setting at the least ``top_k``."""
        return measured.bm25

    def view(self, reports: Reports) -> TableView | None:
        """Return all rows; None where nothing is judged."""
        rows = reports.table("bm25")
        if rows.empty:
            return None
        columns = {
            **place_columns(reports),
            **SETTING,
            "metric": Column("metric"),
            "bm25": Column("BM25", ".4f", interval=True),
            "mean": Column("this setting", ".4f", interval=True),
            **TESTS,
        }
        return TableView(
            "bm25",
            "Against BM25",
            "The difference is the setting's mean less BM25's. Paired randomization tests over queries.",
            for_readers(rows),
            columns,
            filters=("dataset", "model", "method", "store", "multiplier", "verdict_words"),
            short=rows["rescore_store"] == "none",
        )


class Fused(ReportTable):
    """Every setting once its list is fused with another search's, against float32's list fused likewise."""

    optional = True
    section = "hybrid"

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per setting that returns as many documents as are fused."""
        return measured.fusion

    def view(self, reports: Reports) -> TableView | None:
        """Return all rows; None without fusion."""
        rows, fusion = reports.table("fusion"), reports.study.config.fusion
        if rows.empty or fusion is None:
            return None
        columns = {
            **place_columns(reports),
            **SETTING,
            "metric": Column("metric"),
            "alone_kept": Column("alone: kept", ".4f", "share of float32's value, or agreement with it", interval=True),
            "alone_words": Column("alone", meaning="against float32, before fusion"),
            "mean": Column("fused", ".4f", "mean of the metric after fusion", interval=True),
            "kept": Column("fused: kept", ".4f", "share of what float32 has after fusion", interval=True),
            **TESTS,
        }
        other = "BM25" if fusion.run is None else "another search"
        lost, still = (int((rows[name] == "worse").sum()) for name in ("alone_verdict", "verdict"))
        return TableView(
            "fusion",
            "After fusion",
            f"The first {reports.study.fusion_depth} documents of each setting and of {other}, fused by reciprocal "
            f"rank (k = {fusion.k}). Settings worse than float32: {lost} of {len(rows)} alone, {still} once both are "
            "fused. Paired randomization tests over queries.",
            _with_words(rows, "alone"),
            columns,
            filters=("dataset", "model", "method", "store", "multiplier", "verdict_words"),
            short=rows["rescore_store"] == "none",
        )


class Reranked(ReportTable):
    """Every setting once a reranker has ranked what it returns, against float32 at equal and greatest ``top_k``."""

    optional = True
    section = "hybrid"

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per setting."""
        return measured.reranking

    def view(self, reports: Reports) -> TableView | None:
        """Return all rows; None without a reranker."""
        rows = reports.table("reranking")
        if rows.empty:
            return None
        deepest = f"float32 at top_k {rows['top_k'].max()}"
        columns = {
            **place_columns(reports),
            **SETTING,
            "metric": Column("metric"),
            "first_stage_recall": Column("recall", ".4f", "of the documents that are handed to the reranker", True),
            "alone_kept": Column("alone: kept", ".4f", "share of float32's value, or agreement with it", interval=True),
            "alone_words": Column("alone", meaning="against float32, before the reranker"),
            "mean": Column("reranked", ".4f", "mean of the metric after the reranker", interval=True),
            "kept": Column("reranked: kept", ".4f", "share of what float32 has after the reranker", interval=True),
            **TESTS,
            "deepest_difference": Column("to the deepest", "+.4f", f"difference to {deepest}, reranked", interval=True),
            "deepest_words": Column("against the deepest", meaning=f"against {deepest}, after the reranker"),
            "deepest_least_detectable": Column(
                "least detectable (deepest)", ".4f", "true difference that four of five studies would find", detail=True
            ),
        }
        as_well = rows[rows["verdict"].isin(AS_WELL)].groupby("top_k").size()
        words = ", ".join(f"{count} at top_k {top_k}" for top_k, count in as_well.items()) or "none"
        return TableView(
            "reranking",
            "After the reranker",
            "The reranker ranks the top_k documents that a setting returns. Settings that aren't distinguishable from "
            f"float32 at the same top_k then: {words}. Paired randomization tests over queries.",
            _with_words(rows, "alone", "deepest"),
            columns,
            filters=("dataset", "model", "top_k", "method", "store", "multiplier", "verdict_words"),
            short=rows["rescore_store"] == "none",
        )


def _with_words(rows: pd.DataFrame, *compared: str) -> pd.DataFrame:
    """Return what readers see of the rows of a stage: also ``NAME_words``, the verdict of each comparison NAME."""
    words = {
        f"{name}_words": for_readers(rows.assign(verdict=rows[f"{name}_verdict"]))["verdict_words"] for name in compared
    }
    return for_readers(rows).assign(**words)
