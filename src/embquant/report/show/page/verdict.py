"""What a study's page says first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from embquant.report.numbers.recommendation import LIMITS, usd
from embquant.report.show.figures.words import is_retention, metric_of
from embquant.report.study import Study, with_setting

TITLES = {
    "min_retention": "at least {:.2%} kept, at the lower bound",
    "max_latency_p95_ms": "p95 of at most {:g} ms",
    "max_bytes_per_vector": "at most {:,.0f} B a vector in memory",
    "max_usd_per_month": "at most {:g} USD a month",
}
"""A requirement, in words."""


@dataclass(frozen=True)
class Verdict:
    """A recommendation as the page shows it: ``setting`` is empty where none meets the requirements."""

    place: str
    setting: str
    figures: Sequence[tuple[str, str]]
    requirements: str
    fitting: str
    runner_up: str
    relax: str
    configuration: str
    code: str


def verdicts(study: Study) -> list[Verdict]:
    """Return each model's verdict: on all datasets together, where there are several."""
    rows = with_setting(study.tables["recommendation"])
    return [_verdict(study, own.iloc[0]) for _, own in rows.groupby("model", sort=False)]


def _verdict(study: Study, row: pd.Series) -> Verdict:
    limits = {name: limit for name, limit in study.config["requirements"].items() if name in LIMITS}
    there = isinstance(row["method"], str)
    return Verdict(
        place=f"{row['where']} · {row['model']}",
        setting=row["setting"] if there else "",
        figures=_figures(study, row) if there else [],
        requirements=" and ".join(TITLES[name].format(limit) for name, limit in limits.items()),
        fitting=f"{row['fitting']:,.0f} of {row['settings']:,.0f} settings",
        runner_up=_runner_up(row),
        relax=_text(row["relax"]),
        configuration=_text(row["configuration"]),
        code=_text(row["code"]),
    )


def _figures(study: Study, row: pd.Series) -> list[tuple[str, str]]:
    """Return the setting's figures and what they are."""
    measure = str(row["measure"])
    said = f"of float32's {metric_of(measure)}" if is_retention(measure) else f"agreement with float32 ({measure})"
    baseline = study.summary[
        (study.summary["method"] == study.config["baseline"]) & (study.summary["model"] == row["model"])
    ]
    smaller = baseline["memory_bytes_per_vector"].max() / row["memory_bytes_per_vector"]
    return [
        (f"{row['kept']:.2%}", f"{said}; at least {row['kept_low']:.2%} (lower bound)"),
        (f"{row['memory_bytes_per_vector']:,.0f} B", f"a vector in memory, {smaller:.3g}× less than float32"),
        (f"{row['latency_p95_ms']:.3g} ms", "for 95 % of single queries, as timed on this machine"),
        (f"{usd(row['usd_per_month'])} USD", f"a month for {row['vectors']:,.0f} vectors, memory and disk"),
    ]


def _runner_up(row: pd.Series) -> str:
    if not isinstance(row["runner_up_method"], str):
        return ""
    names = ["method", "rescore_store", "rescore_multiplier"]
    other: dict[str, Any] = {name: [row[f"runner_up_{name}"]] for name in names}
    setting = with_setting(pd.DataFrame(other))["setting"].iloc[0]
    kept, price = row["runner_up_kept_low"], row["runner_up_usd_per_month"]
    return f"{setting}, {kept:.2%} at the lower bound, {usd(price)} USD a month"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
