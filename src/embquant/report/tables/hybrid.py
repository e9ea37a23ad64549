"""Tables of what stands beside vector searches, and of what settings keep once they are fused with it."""

import pandas as pd

from embquant.report.numbers.measurements import Measurements
from embquant.report.reports import Reports
from embquant.report.show.rendering import Column, TableView
from embquant.report.tables.base import SETTING, ReportTable, for_readers, place_columns

TESTS = {
    "difference": Column("difference", "+.4f", interval=True),
    "p_holm": Column("p (Holm)", ".3g", "adjusted for all settings of this dataset, model and top_k"),
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
        readable = for_readers(rows)
        alone = for_readers(rows[["alone_verdict"]].rename(columns={"alone_verdict": "verdict"}))["verdict_words"]
        other = "BM25" if fusion.run is None else "another search"
        lost, still = (int((rows[name] == "worse").sum()) for name in ("alone_verdict", "verdict"))
        return TableView(
            "fusion",
            "After fusion",
            f"The first {reports.study.fusion_depth} documents of each setting and of {other}, fused by reciprocal "
            f"rank (k = {fusion.k}). Of {len(rows)} settings {lost} are worse than float32 alone, {still} once "
            "both are fused. Paired randomization tests over queries.",
            readable.assign(alone_words=alone),
            columns,
            filters=("dataset", "model", "method", "store", "multiplier", "verdict_words"),
            short=rows["rescore_store"] == "none",
        )
