"""Tables of comparisons: tested differences, averages over datasets, and which queries lose."""

import pandas as pd

from embquant.report.numbers.explained import joined
from embquant.report.numbers.measurements import Measurements
from embquant.report.numbers.recommendation import EVERY
from embquant.report.reports import Reports, with_setting_name
from embquant.report.show.rendering import Column, TableView
from embquant.report.tables.base import (
    MOST_ROWS,
    PARETO,
    PLACE,
    SETTING,
    ReportTable,
    for_readers,
    p_column,
    place_columns,
    with_pareto_of,
)


class Significance(ReportTable):
    """Every setting tested against the baseline, and against the next best."""

    section = "significance"

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per comparison."""
        return measured.analysis.comparisons()

    def view(self, reports: Reports) -> TableView | None:
        """Return every comparison, at first those with the baseline at the top_k that decides."""
        rows = reports.table("significance")
        if rows.empty:
            return None
        columns = {
            **place_columns(reports),
            "metric": Column("metric"),
            "comparison": Column("with", meaning="baseline, or the neighbour whose mean is next below"),
            **SETTING,
            **PARETO,
            "other": Column("other", meaning="the setting that it is compared with"),
            "difference": Column("difference", "+.4f", "of means, the first minus the other", interval=True),
            "p_holm": p_column("comparisons of this family"),
            "verdict_words": Column("verdict", meaning="≈ noise: not distinguishable"),
            "differing": Column("queries that differ", ",.0f"),
            "least_detectable": Column(
                "least detectable", ".4f", "true difference that four of five studies would find"
            ),
        }
        rows = with_pareto_of(reports.summary, rows).assign(other=_other_settings(rows))
        top_k = reports.scopes[0].top_k
        decisive = (rows["comparison"] == "baseline") & (rows["top_k"] == top_k)
        note = ""
        if len(rows) > MOST_ROWS:
            rows = rows[decisive].reset_index(drop=True)
            decisive = pd.Series(True, rows.index)
            note = f"The {len(rows)} comparisons with the baseline; all are in significance.csv. "
        return TableView(
            "differences",
            "What is a difference, and what is noise",
            f"{note}Paired randomization tests over queries; brackets are confidence intervals of the one comparison.",
            for_readers(rows),
            columns,
            filters=("dataset", "model", "metric", "comparison", "top_k", "method", "pareto_mark", "verdict_words"),
            first={"comparison": "baseline", "top_k": str(top_k)},
            short=decisive,
        )


def _other_settings(rows: pd.DataFrame) -> pd.Series:
    """Return the names of the settings that others are compared with."""
    other = rows[[name for name in rows if name.startswith("other_")]]
    return with_setting_name(other.rename(columns=lambda name: name.removeprefix("other_")))["setting"]


class Macro(ReportTable):
    """Averages over datasets with equal weights, and wins, ties and losses against float32."""

    section = "retention"

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per model, setting and metric."""
        return measured.analysis.macro()

    def view(self, reports: Reports) -> TableView | None:
        """Return all averages; None where there is only one dataset."""
        rows = reports.table("macro")
        if len(reports.datasets) < 2 or rows.empty:
            return None
        columns = {
            "model": PLACE["model"],
            "metric": Column("metric"),
            **SETTING,
            **PARETO,
            "datasets": Column("datasets", ".0f"),
            "mean": Column("mean", ".4f", interval=True),
            "retention": Column("of float32", ".4f", interval=True),
            "wins": Column("better", ".0f", "datasets in which it is better than float32"),
            "ties": Column("noise", ".0f", "datasets in which it is not distinguishable from float32"),
            "losses": Column("worse", ".0f", "datasets in which it is worse than float32"),
        }
        means = pd.concat(scope.settings for scope in reports.scopes if scope.dataset == EVERY)
        pareto = means.set_index(["model", "top_k", "setting"])["pareto"]
        keys = pd.MultiIndex.from_frame(rows[["model", "top_k", "setting"]])
        rows = rows.assign(pareto=pareto.reindex(keys, fill_value=False).to_numpy())
        top_k = reports.scopes[0].top_k
        return TableView(
            "averages",
            "Averages over datasets",
            "Datasets count alike, whatever their size. ✓ is by the averages.",
            for_readers(rows),
            columns,
            filters=("model", "metric", "top_k", "method", "store", "pareto_mark"),
            first={"top_k": str(top_k)},
            short=rows["top_k"] == top_k,
        )


class WorstQueries(ReportTable):
    """The queries that lose most against float32, and a document that each of them loses."""

    optional = True
    section = "losses"

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per setting and query."""
        return joined(measured.losses, "worst_queries")

    def view(self, reports: Reports) -> TableView | None:
        """Return all rows; None where no query loses."""
        rows = reports.table("worst_queries")
        if rows.empty:
            return None
        columns = {
            "place": Column("place", ".0f", "1: the greatest loss of the setting"),
            "query": Column("query"),
            "document": Column("a document that is lost"),
            "reason": Column("why", meaning="not a candidate; lost in rescoring; ranked lower"),
            **place_columns(reports),
            **SETTING,
            **PARETO,
            "loss": Column("loss", ".3f"),
            "metric": Column("metric"),
            "baseline_value": Column("float32's value", ".3f"),
            "value": Column("its value", ".3f"),
            "baseline_rank": Column("float32's rank", ".0f"),
            "rank": Column("its rank", ".0f", "empty: not returned"),
            "query_id": Column("query's id"),
            "document_id": Column("document's id"),
        }
        return TableView(
            "worst-queries",
            "Worst queries",
            "Queries that lose most against float32.",
            for_readers(with_pareto_of(reports.summary, rows)),
            columns,
            filters=("dataset", "model", "method", "store", "multiplier", "top_k", "reason"),
        )


class Losses(ReportTable):
    """Mean loss by length of the query, and by the margin with which float32 decides."""

    optional = True

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per setting and quarter of the queries."""
        return joined(measured.losses, "losses")


class Examples(ReportTable):
    """Three queries of each recommended setting: what float32 finds for them, and what the setting finds."""

    optional = True

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per dataset, recommended setting, query and rank."""
        return measured.examples
