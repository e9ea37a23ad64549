"""What a study requires of a setting: which settings miss it, and what would have to be relaxed where all do."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from typing import Any

import pandas as pd

from embquant.study import NO_STORE
from embquant.study.study import Study

LIMITS = {
    "min_retention": "kept_low",
    "max_below_best_model": "below_best_model",
    "max_latency_p95_ms": "latency_p95_ms",
    "max_bytes_per_vector": "memory_bytes_per_vector",
    "max_usd_per_month": "usd_per_month",
}
"""A requirement → the column that it limits; :func:`column_of` has that of every metric in ``min_quality`` as well."""

MIN_QUALITY = "min_quality "
"""What the requirement of a metric's least value starts with; the metric's name follows."""


@dataclass(frozen=True)
class Relaxation:
    """Requirements that would have to be these, others staying as they are, for ``setting`` to meet them all."""

    requirements: dict[str, float]
    setting: pd.Series

    def __str__(self) -> str:
        """Name the requirements, their new limits and the setting."""
        limits = " and ".join(f"{name} to {limit:g}" for name, limit in self.requirements.items())
        return f"{limits} for {named(self.setting)}"


def limits_of(study: Study) -> dict[str, float]:
    """Return the requirements of a study that limit a column, those of each metric by themselves."""
    required = study.config.requirements
    qualities = {f"{MIN_QUALITY}{metric}": least for metric, least in (required.min_quality or {}).items()}
    limits = {name: getattr(required, name) for name in LIMITS}
    return qualities | {name: limit for name, limit in limits.items() if limit is not None}


def column_of(requirement: str) -> str:
    """Return the column that a requirement limits."""
    return LIMITS.get(requirement, f"{requirement.removeprefix(MIN_QUALITY)}_low")


def missed(settings: pd.DataFrame, limits: Mapping[str, float]) -> pd.DataFrame:
    """Return a bool per setting and requirement: whether the setting misses it. What wasn't measured is missed."""
    met = {
        name: settings[column_of(name)] >= limit if _is_least(name) else settings[column_of(name)] <= limit
        for name, limit in limits.items()
    }
    return ~pd.DataFrame(met, index=settings.index, dtype=bool)


def ranked(settings: pd.DataFrame) -> pd.DataFrame:
    """Order by price, then by candidates rescored, then by the lower bound; equals stay in the study's order.

    The lower bound is that of what is kept or, among models, of quality itself.
    """
    work = settings["rescore_multiplier"].where(settings["rescore_store"] != NO_STORE, 0)
    keys = pd.DataFrame({"price": settings["usd_per_month"], "work": work, "loss": -settings["bound"]})
    return settings.loc[keys.sort_values(list(keys), kind="stable").index]


def relaxations(settings: pd.DataFrame, limits: Mapping[str, float]) -> list[Relaxation]:
    """Return which ``limits`` to relax, how far, and for which setting, where no setting meets them all.

    Only the settings that miss the fewest requirements count, of those that something is known of. Usually that is one
    requirement, which is relaxed to the value of the setting that comes nearest to it. Where all settings miss more
    than one, these are relaxed together.
    """
    settings = settings.dropna(subset=["kept", *(column_of(name) for name in limits)])
    misses = missed(settings, limits)
    near = settings[misses.sum(axis=1) == misses.sum(axis=1).min()]
    found: dict[tuple[str, ...], list[Any]] = {}
    for label, missing in misses.loc[near.index].iterrows():
        found.setdefault(tuple(missing.index[missing]), []).append(label)
    order = sorted(found, key=lambda names: [name not in names for name in limits])
    return [_relaxed(near.loc[found[names]], {name: limits[name] for name in names}) for names in order]


def _relaxed(settings: pd.DataFrame, limits: Mapping[str, float]) -> Relaxation:
    """Relax ``limits``, which all ``settings`` miss, just enough for one to meet them; the largest step counts."""
    steps = pd.DataFrame(
        {
            name: limit / settings[column_of(name)] if _is_least(name) else settings[column_of(name)] / limit
            for name, limit in limits.items()
        }
    ).max(axis=1)
    nearest = ranked(settings[steps == steps.min()]).iloc[0]
    relaxed = {name: _admitting(name, nearest[column_of(name)]) for name in limits}
    return Relaxation(relaxed, ranked(settings[~missed(settings, relaxed).any(axis=1)]).iloc[0])


def _admitting(name: str, value: float) -> float:
    """Return the limit of at most four digits that ``value`` just meets."""
    rounding = ROUND_FLOOR if _is_least(name) else ROUND_CEILING
    return float(Context(prec=4, rounding=rounding).create_decimal(str(float(value))))


def _is_least(name: str) -> bool:
    return name.startswith("min_")


def named(setting: pd.Series) -> str:
    """Return a setting in words, its model first where those of several are compared."""
    words = f"{setting['model']} · {setting['method']}" if "model" in setting else str(setting["method"])
    if setting["rescore_store"] == NO_STORE:
        return words
    return f"{words} rescored by {setting['rescore_store']} ×{setting['rescore_multiplier']}"
