"""Tables of what stands beside vector searches: BM25."""

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
