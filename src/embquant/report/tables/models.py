"""Tables of all models side by side: every setting by its quality, and the tested differences between models."""

import pandas as pd

from embquant.report.numbers.measurements import Measurements
from embquant.report.reports import Reports
from embquant.report.show.rendering import Column, TableView
from embquant.report.tables.base import MOST_ROWS, PLACE, SETTING, USD, ReportTable, for_readers, p_column

QUALITY_PARETO = {"pareto_mark": Column("Pareto", meaning="✓: no other of any model takes fewer bytes and is as good")}


class Models(ReportTable):
    """Quality of every setting of every model beside its bytes, its latency and the cost of embedding."""

    optional = True
    section = "models"

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per dataset, or all, and setting.

        There are none where a study has a single model, unless it requires something of quality itself.
        """
        return measured.models.settings

    def view(self, reports: Reports) -> TableView | None:
        """Return all rows; None where there is a single model, or nothing is judged."""
        rows = reports.table("models")
        if len(reports.study.models) < 2 or rows.empty:
            return None
        columns = {
            **PLACE,
            "method": SETTING["method"],
            "store": SETTING["store"],
            "multiplier": SETTING["multiplier"],
            **QUALITY_PARETO,
            "quality": Column(rows["metric"].iloc[0], ".4f", "quality itself, not a share of float32's", True),
            "against_best": Column("− best model", "+.4f", "minus the quality of the best model's float32", True),
            "memory_bytes_per_vector": Column("B/vector", ",.0f", "what one more vector takes in memory"),
            "latency_p50_ms": Column("p50 ms", ".3f", "median time of a search, without embedding the query"),
            "query_embedding_p50_ms": Column("query ms", ".1f", "median time to embed a query", True),
            "texts_per_second": Column("texts/s", ",.1f", "embedded, by the cores of the run", True),
            "usd_per_million_texts": Column("USD per million texts", ",.4g", "to embed them"),
            "usd_per_month": USD,
        }
        price = reports.study.config.prices.embedding
        many = len(rows) > MOST_ROWS
        shown = rows[rows["pareto"]].reset_index(drop=True) if many else rows
        note = f"{len(shown)} of {len(rows)} settings, all are in models.csv. " if many else ""
        return TableView(
            "models",
            "All settings of all models",
            f"{note}Brackets are confidence intervals. The best model is chosen on the same queries, so that "
            "others look rather too far below it. A core that embeds costs "
            f"{price.usd_per_core_hour:g} USD an hour ({price.source}).",
            for_readers(shown),
            columns,
            filters=("dataset", "model", "method", "store", "pareto_mark"),
            short=shown["pareto"],
        )


class ModelDifferences(ReportTable):
    """Every setting of every model tested against float32 of every other model."""

    optional = True
    section = "models"

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per dataset, setting and other model."""
        return measured.models.differences

    def view(self, reports: Reports) -> TableView | None:
        """Return all rows; None where there is a single model, or nothing is judged."""
        rows = reports.table("model_differences")
        if rows.empty or len(rows) > MOST_ROWS:
            return None
        columns = {
            **PLACE,
            "method": SETTING["method"],
            "store": SETTING["store"],
            "multiplier": SETTING["multiplier"],
            "memory_bytes_per_vector": Column("B/vector", ",.0f"),
            "other_model": Column("other model", meaning="whose float32 it is compared with"),
            "other_memory_bytes_per_vector": Column("its B/vector", ",.0f"),
            "difference": Column("difference", "+.4f", "of means, the first minus the other", interval=True),
            "p_holm": p_column("comparisons on the dataset"),
            "verdict_words": Column("verdict", meaning="≈ noise: not distinguishable"),
        }
        return TableView(
            "model-differences",
            "Against float32 of the other models",
            "Paired randomization tests over queries; brackets are confidence intervals of the one comparison.",
            for_readers(rows),
            columns,
            filters=("dataset", "model", "other_model", "method", "store", "verdict_words"),
            short=rows["rescore_store"] == "none",
        )
