"""Which queries lose: the worst ones, and losses by kinds of queries."""

import pandas as pd

from embquant.report.numbers.losses import LOSSES, WORST_QUERIES, joined
from embquant.report.numbers.measurements import Measurements
from embquant.report.reports import Reports
from embquant.report.show.rendering import Column, TableView
from embquant.report.tables.base import PARETO, SETTING, ReportTable, for_readers, place_columns, with_pareto_of


class WorstQueries(ReportTable):
    """The queries that lose most against float32, and a document that each of them loses."""

    optional = True
    section = "losses"

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per setting and query."""
        return joined([folder / "worst_queries.parquet" for folder in measured.losses], WORST_QUERIES)

    def view(self, reports: Reports) -> TableView | None:
        """Return all rows; None where no query loses."""
        rows = reports.table("worst_queries")
        if rows.empty:
            return None
        columns = {
            **place_columns(reports),
            **SETTING,
            **PARETO,
            "place": Column("place", ".0f", "1: the greatest loss of the setting"),
            "query": Column("query"),
            "metric": Column("metric"),
            "baseline_value": Column("float32's value", ".3f"),
            "value": Column("its value", ".3f"),
            "loss": Column("loss", ".3f"),
            "document": Column("a document that is lost"),
            "baseline_rank": Column("float32's rank", ".0f"),
            "rank": Column("its rank", ".0f", "empty: not returned"),
            "reason": Column("why", meaning="not a candidate; lost in rescoring; ranked lower"),
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
    """Mean loss of queries that are alike in length, or in how sure float32 is of them."""

    optional = True

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per setting and quarter of the queries."""
        return joined([folder / "losses.parquet" for folder in measured.losses], LOSSES)
