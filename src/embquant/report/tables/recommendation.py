"""The table of what to deploy."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from embquant.report.measure import Measure
from embquant.report.numbers.growth import BASIS
from embquant.report.numbers.measurements import Measurements
from embquant.report.numbers.recommendation import BELOW_BEST, CHOICE, WORST, Recommendation, others_required
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
            "chosen_model": Column("chosen model"),
            "top_k": SETTING["top_k"],
            "quality_low": Column("quality, at least", ".4f", "lower bound of the metric itself"),
            "below_best_model": Column("below the best", ".4f", "how far it may be below the best model's float32"),
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
            "news": Column("BM25", meaning="where a search by words beats a vector search"),
            "chance": Column("chance", meaning="datasets whose baseline is not distinguishable from chance"),
        }
        note = "The cheapest setting that meets the requirements. No other setting surpasses it."
        return TableView("recommendation", "Recommendations", note, for_readers(rows), columns)


def recommendation_table(found: Sequence[Recommendation]) -> pd.DataFrame:
    """Return one row per model and dataset, or all datasets."""
    return pd.DataFrame([_row(recommendation) for recommendation in found])


def _row(recommendation: Recommendation) -> dict[str, Any]:
    nothing = pd.Series(dtype=object)
    among = "model" in recommendation.settings
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
        **(_chosen_among_models(recommendation, best, second) if among else {}),
        **{f"runner_up_{name}": second.get(name) for name in [*CHOICE, "kept_low", "usd_per_month"]},
        "relax": "; or ".join(map(str, recommendation.relaxations)),
        "more_queries": recommendation.more_queries,
        "deployed": recommendation.deployed,
        "chance": "; ".join(recommendation.chance),
        "float32_bytes": recommendation.float32_bytes,
        "news": "\n".join(recommendation.news),
        "caveats": "\n".join(recommendation.caveats),
        "configuration": recommendation.configuration,
        "code": recommendation.deployment_code,
        **({} if recommendation.plain is None else recommendation.plain),
    }


def _chosen_among_models(recommendation: Recommendation, best: pd.Series, second: pd.Series) -> dict[str, Any]:
    """Return the models of the setting to deploy and of the runner-up, and what the first has of quality itself."""
    metric = Measure.of_settings(recommendation.settings["measure"].iloc[0]).metric
    return {
        "chosen_model": best.get("model"),
        "quality": best.get(metric),
        "quality_low": best.get(f"{metric}_low"),
        "others_required": ""
        if best.empty
        else "; ".join(f"{name} {low:.4f}" for name, low in others_required(best).items()),
        BELOW_BEST: best.get(BELOW_BEST),
        "runner_up_model": second.get("model"),
        "runner_up_quality_low": second.get(f"{metric}_low"),
    }
