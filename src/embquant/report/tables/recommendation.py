"""The table of what to deploy."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from embquant.report.numbers.growth import BASIS
from embquant.report.numbers.measurements import Measurements
from embquant.report.numbers.recommendation import CHOICE, WORST, Recommendation
from embquant.report.reports import Reports
from embquant.report.show.rendering import Column, TableView
from embquant.report.tables.base import PLACE, SETTING, USD, ReportTable, for_readers


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
            "deployed": Column("judged at", detail=True),
            "relax": Column("to be relaxed", meaning="what would have to be relaxed where no setting fits"),
            "more_queries": Column("more queries", meaning="what they would show of a cheaper setting", detail=True),
            "caveats": Column(
                "beware", meaning="ties, what a graph loses, queries that lose everything, drift", detail=True
            ),
            "chance": Column("chance", meaning="datasets whose baseline is not distinguishable from chance"),
        }
        note = "The cheapest setting that meets the requirements. No other setting surpasses it."
        return TableView("recommendation", "Recommendations", note, for_readers(rows), columns)


def recommendation_table(found: Sequence[Recommendation]) -> pd.DataFrame:
    """Return one row per model and dataset, or all datasets."""
    return pd.DataFrame([_row(recommendation) for recommendation in found])


def _row(recommendation: Recommendation) -> dict[str, Any]:
    nothing = pd.Series(dtype=object)
    best = nothing if recommendation.best is None else recommendation.best
    second = nothing if recommendation.runner_up is None else recommendation.runner_up
    return {
        "dataset": recommendation.dataset,
        "where": recommendation.where,
        "model": recommendation.model,
        **recommendation.settings[["measure", "top_k", "vectors", BASIS]].iloc[0],
        "settings": len(recommendation.settings),
        "fitting": len(recommendation.fitting),
        **{name: best.get(name) for name in [*CHOICE, *WORST] if name != "queries_needed"},
        **{f"runner_up_{name}": second.get(name) for name in [*CHOICE, "kept_low", "usd_per_month"]},
        "relax": "; or ".join(map(str, recommendation.relaxations)),
        "more_queries": recommendation.more_queries,
        "deployed": recommendation.deployed,
        "chance": "; ".join(recommendation.chance),
        "float32_bytes": recommendation.float32_bytes,
        "caveats": "\n".join(recommendation.caveats),
        "configuration": recommendation.configuration,
        "code": recommendation.deployment_code,
    }
