"""Which of a study's measures settings are judged by, and which settings none surpasses."""

import re

import pandas as pd

from embquant.study.settings import NO_STORE

JUDGED = re.compile(r"retention_[A-Za-z]+@\d+")
AGREEMENT = re.compile(r"overlap@\d+|rbo")


def measures(summary: pd.DataFrame) -> list[str]:
    """Return the columns that say what is left of float32's results, the one that counts most first.

    Retentions, in the order of the study's metrics; where nothing is judged, agreement: overlap, and ``rbo`` last.
    """
    judged = [name for name in summary.columns if JUDGED.fullmatch(name)]
    agreement = [name for name in summary.columns if AGREEMENT.fullmatch(name)]
    return judged + sorted(agreement, key="rbo".__eq__)


def with_quality(summary: pd.DataFrame) -> pd.DataFrame:
    """Append ``measure``, the first of :func:`measures` that a row has, its value ``kept`` and ``kept_low``.

    ``kept_low`` is the lower bound of the value's confidence interval, ``<measure>_low``, or the value itself where
    the table has no interval. All three are missing in a row that has none of the measures.
    """
    names = measures(summary)
    bounds = pd.DataFrame({name: summary.get(f"{name}_low", summary[name]).fillna(summary[name]) for name in names})
    values = summary[names]
    return summary.assign(
        measure=values.notna().idxmax(axis=1).where(values.notna().any(axis=1)),
        kept=values.bfill(axis=1).iloc[:, 0],
        kept_low=bounds.bfill(axis=1).iloc[:, 0],
    )


def decisive(rows: pd.DataFrame) -> pd.DataFrame:
    """Return those of ``rows`` (of :func:`with_quality`) that have the measure that counts most, at the least top_k."""
    order = {name: place for place, name in enumerate(measures(rows))}
    place = rows["measure"].map(order).fillna(len(order))
    rows = rows[place == place.min()]
    return rows[rows["top_k"] == rows["top_k"].min()]


def all_datasets(counted: int, among: int) -> str:
    """Name to a reader all datasets of a study, ``among``, or those of them that :func:`decisive` leaves."""
    return "all datasets" if counted == among else f"the {counted} of {among} datasets that are judged alike"


def shown(settings: pd.DataFrame, multipliers: list[int]) -> pd.DataFrame:
    """Return the settings without rescoring, or with the middle one of ``multipliers``."""
    multiplier = sorted(multipliers)[len(multipliers) // 2]
    return settings[(settings["rescore_store"] == NO_STORE) | (settings["rescore_multiplier"] == multiplier)]


def pareto(cost: pd.Series, quality: pd.Series) -> pd.Series:
    """Say of each row whether no other costs as little and is better, or is as good and costs less.

    Both series have the same index, the answer's (bool); a row without quality is not compared, and False.
    """
    costs, qualities = cost.to_numpy(), quality.to_numpy()
    no_worse = (costs[None] <= costs[:, None]) & (qualities[None] >= qualities[:, None])
    better = (costs[None] < costs[:, None]) | (qualities[None] > qualities[:, None])
    return quality.notna() & ~(no_worse & better).any(axis=1)
