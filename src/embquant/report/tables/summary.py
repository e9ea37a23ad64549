"""All settings with all of their figures."""

import pandas as pd

from embquant.report.measure import Measure
from embquant.report.numbers.measurements import Measurements
from embquant.report.reports import Reports
from embquant.report.show.rendering import Column, TableView
from embquant.report.tables.base import (
    MOST_ROWS,
    PARETO,
    SETTING,
    VERDICT,
    ReportTable,
    for_readers,
    kept_column,
    place_columns,
)

FIGURES = {
    "bytes_per_vector": Column("B/vector", ",.0f", "size of a code"),
    "memory_bytes_per_vector": Column("B in memory", ",.0f", "what one more vector takes in memory", detail=True),
    "compression_vs_float32": Column("smaller", ".1f", "float32's bytes / the index file's"),
    "resident_bytes": Column("resident", ",.0f", "private memory that opening it took, in bytes", detail=True),
    "latency_p50_ms": Column("p50 ms", ".3f", "median time of a single query"),
    "latency_p95_ms": Column("p95 ms", ".3f", detail=True),
    "speedup_p50_vs_float32": Column("faster", ".2f", "float32's median latency / this one's"),
    "queries_per_second": Column("queries/s", ",.0f", "in batch"),
    "build_seconds": Column("build s", ".1f", detail=True),
}


class Summary(ReportTable):
    """Retrieval, memory and speed, joined: all columns of all settings."""

    section = "settings"

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per setting."""
        return measured.with_pareto(measured.summary)

    def view(self, reports: Reports) -> TableView:
        """Return all settings: quality, agreement, memory and time."""
        rows = reports.summary
        short = rows["in_summary"] | rows["pareto"]
        reduced = len(rows) > MOST_ROWS
        if reduced:
            rows, short = rows[short], short[short]
        top_k = reports.scopes[0].top_k
        columns = {
            **place_columns(reports),
            **SETTING,
            **PARETO,
            "kept": kept_column(reports, interval=True),
            "verdict_words": VERDICT,
            **_metrics(rows),
            **FIGURES,
        }
        note = f"{len(rows)} of {len(reports.summary)} settings, all are in summary.csv. " if reduced else ""
        return TableView(
            "settings",
            "All settings",
            f"{note}Brackets are confidence intervals.",
            for_readers(rows),
            columns,
            filters=("dataset", "model", "top_k", "method", "store", "pareto_mark", "verdict_words"),
            first={"top_k": str(top_k)},
            short=short & (rows["top_k"] == top_k),
        )


def _metrics(rows: pd.DataFrame) -> dict[str, Column]:
    """Return the columns of all metrics that have an interval; those that nothing is compared in are details."""
    compared = set(rows["compared_in"].dropna())
    found = {}
    for name in rows:
        measure = Measure.of_column(str(name))
        is_share = name == "kept" or (measure is not None and measure.is_retention)
        if f"{name}_low" in rows and not is_share:
            is_overlap = measure is not None and measure.is_overlap
            found[str(name)] = Column(str(name), ".4f", detail=not (name in compared or is_overlap))
    return found
