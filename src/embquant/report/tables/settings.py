"""Tables with a row per setting, or per method: what was measured, what it costs, and what to deploy."""

import pandas as pd

from embquant.measure.quality import INDEX_OVERLAP
from embquant.report.measure import Measure
from embquant.report.numbers.cost import cost_table
from embquant.report.numbers.deployed import expected_cost
from embquant.report.numbers.measurements import Measurements
from embquant.report.numbers.spread import EXPECTED, GREATEST, LEAST, LOST, ties_matter
from embquant.report.reports import Reports
from embquant.report.show.rendering import Column, TableView
from embquant.report.tables.base import (
    MOST_ROWS,
    PARETO,
    PLACE,
    SETTING,
    USD,
    VERDICT,
    ReportTable,
    for_readers,
    kept_column,
    place_columns,
)

FIGURES = {
    "bytes_per_vector": Column("B/vector", ",.0f", "size of a code"),
    "memory_bytes_per_vector": Column("B in memory", ",.0f", "what one more vector takes in memory", detail=True),
    "compression_vs_float32": Column("smaller", ".1f", "bytes of 32-bit floats / the index file's"),
    "resident_bytes": Column("resident", ",.0f", "private memory that opening it took, in bytes", detail=True),
    "originals_bytes": Column("originals", ",.0f", "of a database: vectors that it keeps, bytes on disk", detail=True),
    "searched_bytes": Column("codes, graph", ",.0f", "of a database: codes, graph, lists, bytes on disk", detail=True),
    "latency_p50_ms": Column("p50 ms", ".3f", "median time of a single query"),
    "latency_p95_ms": Column("p95 ms", ".3f", detail=True),
    "speedup_p50_vs_float32": Column("faster", ".2f", "float32's median latency in the same rounds / this one's"),
    "queries_per_second": Column("queries/s", ",.0f", "in batch"),
    "plain_latency_p50_ms": Column("plain p50 ms", ".3f", "the same without this library", detail=True),
    "plain_queries_per_second": Column("plain queries/s", ",.0f", "the same without this library", detail=True),
    "build_seconds": Column("build s", ".1f", detail=True),
}


class Retrieval(ReportTable):
    """Quality of every setting and its agreement with float32, means over queries, with intervals."""

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per setting."""
        return measured.with_pareto(measured.retrieval)


class Memory(ReportTable):
    """Bytes of vectors and files, and what a process that searches them holds."""

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per method and store."""
        return measured.with_pareto(measured.memory.drop(columns="peak_rss_bytes"))


class Speed(ReportTable):
    """Latency of single queries, queries per second, and the time to build."""

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per setting."""
        return measured.with_pareto(measured.speed)


class Embedding(ReportTable):
    """The time to embed queries and documents."""

    section = "embedding"

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per dataset and model whose embedding was timed."""
        return measured.embedded

    def view(self, reports: Reports) -> TableView:
        """Return all rows; none where all embeddings were given."""
        columns = {
            **PLACE,
            "dim": Column("dimensions", ".0f"),
            "backend": Column("backend"),
            "device": Column("device"),
            "threads": Column("threads", ".0f"),
            "query_latency_p50_ms": Column("p50 ms per query", ".1f", interval=True),
            "query_latency_p95_ms": Column("p95 ms", ".1f"),
            "documents_per_second": Column("documents/s", ",.1f", interval=True),
        }
        note = "Time to embed, which no search above includes. Brackets are 95 % intervals."
        return TableView("embedding", "Embedding", note, reports.table("embedding"), columns)


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
            **_hidden_by_means(rows),
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


def _hidden_by_means(rows: pd.DataFrame) -> dict[str, Column]:
    """Return the columns on ties and lost queries of the metrics that settings are compared in."""
    columns = {}
    for metric in rows["compared_in"].dropna().unique():
        if (rows.get(f"{metric}{LOST}", pd.Series(dtype=float)) > 0).any():
            columns[f"{metric}{LOST}"] = Column(
                "lose all", ".1%", f"queries whose {metric} is 0 where float32's is not"
            )
        if ties_matter(rows, metric).any():
            meanings = {
                EXPECTED: "mean over all orders of tied documents",
                LEAST: "the least",
                GREATEST: "the greatest",
            }
            columns |= {f"{metric}{end}": Column(f"{metric}{end}", ".4f", means) for end, means in meanings.items()}
    return columns


def _metrics(rows: pd.DataFrame) -> dict[str, Column]:
    """Return the columns of all metrics that have an interval; those that nothing is compared in are details."""
    compared = set(rows["compared_in"].dropna())
    found = {}
    for name in rows:
        measure = Measure.of_column(str(name))
        is_share = name == "kept" or (measure is not None and measure.is_retention)
        if f"{name}_low" in rows and not is_share and name not in FIGURES:
            is_overlap = measure is not None and measure.is_overlap
            found[str(name)] = Column(
                str(name), ".4f", detail=not (name in compared or is_overlap or name == INDEX_OVERLAP)
            )
    return found


class Cost(ReportTable):
    """Bytes in memory and on disk and their price, for the corpus and for up to a billion vectors."""

    section = "cost"

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per method, store and number of vectors."""
        return expected_cost(cost_table(measured.summary, measured.study), measured.growth)

    def view(self, reports: Reports) -> TableView:
        """Return all rows, at first those of the corpus's size."""
        rows = reports.table("cost")
        sizes = reports.summary.groupby(["dataset", "model"])["vectors"].first()
        corpus = sizes.reindex(pd.MultiIndex.from_frame(rows[["dataset", "model"]])).to_numpy()
        columns = {
            **place_columns(reports),
            "vectors": Column("vectors", ",.0f"),
            "method": SETTING["method"],
            "store": SETTING["store"],
            **PARETO,
            "kept": kept_column(reports, interval=False),
            "expected_kept": Column(
                "the same at this size",
                ".4f",
                "what is kept of so many vectors: measured or expected; empty: can't be told",
                True,
            ),
            "memory_bytes_per_vector": Column("B/vector", ",.0f", "what one more vector takes in memory"),
            "memory_megabytes": Column("memory, MB", ",.1f"),
            "disk_megabytes": Column("disk, MB", ",.1f"),
            "usd_per_month": USD,
            "queries_per_second_per_core": Column("queries/s per core", ",.0f", "measured, at the corpus's size only"),
        }
        megabytes = {f"{place}_megabytes": rows[f"{place}_bytes"] / 1e6 for place in ("memory", "disk")}
        memory, disk = reports.study.config.prices.memory, reports.study.config.prices.disk
        return TableView(
            "cost",
            "Memory and cost",
            f"A GB (10⁹ bytes) of memory costs {memory.usd_per_gb_month:g} USD a month ({memory.source}), of "
            f"disk {disk.usd_per_gb_month:g} ({disk.source}). Sizes other than the corpus's follow from measured "
            "files. Of a database, what a search looks through is in memory, and all its files are on disk.",
            for_readers(rows).assign(**megabytes),
            columns,
            filters=("dataset", "model", "vectors", "method", "store", "pareto_mark"),
            first={"vectors": f"{corpus[0]:,.0f}"} if len(reports.datasets) == 1 else {},
            short=rows["vectors"] == corpus,
        )


class LeftOut(ReportTable):
    """The methods and the rescore stores that don't fit a dataset, and why."""

    optional = True
    section = "settings"

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per dataset, model and method, or a rescore store of it alone."""
        return measured.left_out

    def view(self, reports: Reports) -> TableView | None:
        """Return all rows; None where all methods fit."""
        rows = reports.table("left_out")
        if rows.empty:
            return None
        columns = {
            **PLACE,
            "method": SETTING["method"],
            "store": SETTING["store"],
            "reason": Column("why"),
        }
        note = "What can't be made of these vectors. No other table has it, and averages leave it out."
        return TableView("left-out", "Left out", note, rows.assign(store=rows["rescore_store"].fillna("")), columns)
