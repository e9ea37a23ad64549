"""The table of how results change as a corpus grows."""

import pandas as pd

from embquant.measure.crowding import COMPARED, REACH
from embquant.measure.evaluation import DOCUMENTS, FIRST_STAGE_RECALL
from embquant.report.numbers.growth import BASIS, EXACT_TWIN, INDEX_RETENTION, LEAST_MULTIPLIER
from embquant.report.numbers.measurements import Measurements
from embquant.report.numbers.quality import with_quality
from embquant.report.reports import Reports
from embquant.report.show.rendering import Column, TableView
from embquant.report.tables.base import SETTING, ReportTable, for_readers, kept_column, place_columns


class Growth(ReportTable):
    """Quality of every setting in nested subsets of the corpus, and in all of it, with intervals."""

    optional = True
    section = "growth"

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per setting and number of documents."""
        return measured.growth

    def view(self, reports: Reports) -> TableView | None:
        """Return all rows; None where no subset was measured."""
        rows = reports.table("growth")
        if rows.empty or rows.groupby(["dataset", "model"])[DOCUMENTS].nunique().max() < 2:
            return None
        rows = with_quality(rows)
        columns = {
            **place_columns(reports),
            **SETTING,
            DOCUMENTS: Column("documents", ",.0f"),
            BASIS: Column("basis", meaning="measured; expected of a larger corpus; unknown where nothing can be said"),
            "kept": kept_column(reports, interval=True),
            FIRST_STAGE_RECALL: Column(
                "candidates' recall", ".4f", "of the first stage; it bounds what rescoring can win"
            ),
            LEAST_MULTIPLIER: Column(
                "least × that is enough", ".0f", "least multiplier that meets min_retention at this size"
            ),
            EXACT_TWIN: Column("exact twin", meaning="the exact method that shows what its codes lose", detail=True),
            INDEX_RETENTION: Column("index keeps", ".4f", "its quality over that of an exact scan of its codes"),
        }
        return TableView(
            "growth",
            "As the corpus grows",
            "Random subsets of the corpus that have all judged documents, searched with the same codes, and what is "
            "expected of larger corpora. Brackets are confidence intervals. An approximate index was built for the "
            "whole corpus alone, so nothing is expected of it at another size, and verdicts on another size leave it "
            "out. What is expected was compared with measurements of up to "
            f"{COMPARED} times as many documents without judgements. Nothing is said of more than {REACH} times.",
            for_readers(rows),
            columns,
            filters=("dataset", "model", "method", "store", "multiplier", "documents"),
        )
