"""Which measure settings are judged by, which settings the summary lists, and which ones no other surpasses."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from embquant.measure.chance import LEAST_LIKELY
from embquant.report.measure import Measure, measures
from embquant.report.numbers.spread import EXPECTED, judged_by_expected
from embquant.study import NO_STORE

KEPT = ["kept", "kept_low", "kept_high"]
"""The value of a setting's measure, and the ends of its confidence interval."""


def at_chance(rows: pd.DataFrame) -> pd.Series:
    """Tell for each row of a summary whether its baseline isn't distinguishable from chance."""
    return rows.get("baseline_p", pd.Series(np.nan, rows.index)) > LEAST_LIKELY


def with_quality(summary: pd.DataFrame) -> pd.DataFrame:
    """Append ``measure``, the column of the first measure that a row has, and ``kept``, ``kept_low``, ``kept_high``.

    The last three are its value and the ends of its confidence interval, missing where it has no interval. All four are
    missing in a row without any measure, and where the baseline is at chance.
    """
    names = [measure.column for measure in measures(summary.columns)]
    known = summary[names].notna() & ~at_chance(summary).to_numpy()[:, None]
    measured = known.idxmax(axis=1).where(known.any(axis=1))
    return summary.assign(
        measure=measured,
        **{f"kept{end}": _of_measure(summary, measured, end) for end in ("", "_low", "_high")},
    )


def _of_measure(summary: pd.DataFrame, measured: pd.Series, end: str) -> pd.Series:
    """Return for each row the value of the column that ``measured`` names with this ending, NaN if there is none.

    Where ties matter, it is that of the expected value over their orders.
    """
    values = pd.Series(np.nan, summary.index)
    for name in measured.dropna().unique():
        by_expected = judged_by_expected(summary, Measure.of_settings(name))
        for column, rows in ((name, ~by_expected), (f"{name}{EXPECTED}", by_expected)):
            if f"{column}{end}" in summary:
                values = values.mask((measured == name) & rows, summary[f"{column}{end}"])
    return values


def decisive(rows: pd.DataFrame) -> pd.DataFrame:
    """Return those ``rows`` of :func:`with_quality` that have the measure that counts most, at the least ``top_k``."""
    order = {measure.column: place for place, measure in enumerate(measures(rows.columns))}
    place = rows["measure"].map(order).fillna(len(order))
    rows = rows[place == place.min()]
    return rows[rows["top_k"] == rows["top_k"].min()]


def all_datasets(counted: int, among: int) -> str:
    """Name to a reader all datasets of a study, ``among``, or those of them that :func:`decisive` leaves."""
    return "all datasets" if counted == among else f"the {counted} of {among} datasets that are judged alike"


def in_summary(settings: pd.DataFrame, multipliers: Sequence[int]) -> pd.DataFrame:
    """Return the settings that the summary lists: without rescoring, or with the middle one of ``multipliers``."""
    multiplier = sorted(multipliers)[len(multipliers) // 2]
    return settings[(settings["rescore_store"] == NO_STORE) | (settings["rescore_multiplier"] == multiplier)]


def pareto(cost: pd.Series, quality: pd.Series) -> pd.Series:
    """Tell for each row whether no other costs as little and is better, or is as good and costs less.

    Both series have the same index, which is that of the answer (bool). A row without quality is not compared: False.
    """
    costs, qualities = cost.to_numpy(), quality.to_numpy()
    no_worse = (costs[None] <= costs[:, None]) & (qualities[None] >= qualities[:, None])
    better = (costs[None] < costs[:, None]) | (qualities[None] > qualities[:, None])
    return quality.notna() & ~(no_worse & better).any(axis=1)
