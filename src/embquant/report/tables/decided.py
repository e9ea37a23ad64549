"""What settings cost, and which one to deploy."""

import pandas as pd

from embquant.report.numbers.cost import cost_table
from embquant.report.numbers.measurements import Measurements
from embquant.report.numbers.recommendation import recommendation_table
from embquant.report.reports import Reports
from embquant.report.show.rendering import Column, TableView
from embquant.report.tables.base import (
    PARETO,
    PLACE,
    SETTING,
    USD,
    ReportTable,
    for_readers,
    kept_column,
    place_columns,
)


class Cost(ReportTable):
    """Bytes in memory and on disk and their price, for the corpus and for up to a billion vectors."""

    section = "cost"

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per method, store and number of vectors."""
        return cost_table(measured.summary, measured.study)

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
            "files.",
            for_readers(rows).assign(**megabytes),
            columns,
            filters=("dataset", "model", "vectors", "method", "store", "pareto_mark"),
            first={"vectors": f"{corpus[0]:,.0f}"} if len(reports.datasets) == 1 else {},
            short=rows["vectors"] == corpus,
        )


class Recommended(ReportTable):
    """The cheapest setting that meets the requirements, with configuration and Python to deploy it."""

    section = "memory"

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per model and dataset, or all datasets."""
        return recommendation_table(measured.recommendations)

    def view(self, reports: Reports) -> TableView | None:
        """Return the recommendation of each dataset and model; None where the verdict says it all."""
        rows = reports.table("recommendation")
        if len(rows) < 2:
            return None
        columns = {
            **PLACE,
            "top_k": SETTING["top_k"],
            "measure": Column("measure", meaning="retention: share of float32's value"),
            "fitting": Column("settings that meet all", ".0f"),
            "settings": Column("of", ".0f"),
            "method": SETTING["method"],
            "store": SETTING["store"],
            "multiplier": SETTING["multiplier"],
            "kept": Column("keeps", ".4f"),
            "kept_low": Column("at least", ".4f", "lower bound of the confidence interval"),
            "latency_p95_ms": Column("p95 ms", ".3f"),
            "memory_bytes_per_vector": Column("B/vector", ",.0f"),
            "usd_per_month": USD,
            "runner_up_method": Column("runner-up"),
            "relax": Column("to be relaxed", meaning="what would have to be relaxed where no setting fits"),
        }
        note = "The cheapest setting that meets the requirements. No other setting surpasses it."
        return TableView("recommendation", "Recommendations", note, for_readers(rows), columns)
