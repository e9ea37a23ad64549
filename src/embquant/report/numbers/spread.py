"""What a mean over queries hides: how far ties may move it, and the queries that lose everything.

:mod:`embquant.measure.ties` has the values per query; docs/statistics.md says when ties matter.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from embquant.measure.quality import OVER_TIES
from embquant.report.measure import Measure

EXPECTED, LEAST, GREATEST = OVER_TIES
LOST = "_lost"
EXACT = 1e-6
"""Means that are nearer than this are the same but for rounding."""


def split_ties(metrics: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the metrics, and apart from them the columns on ties, (settings, queries) each."""
    names = {f"{metric}{end}" for metric in metrics for end in OVER_TIES}
    plain = {name: values for name, values in metrics.items() if name not in names}
    return plain, {name: values for name, values in metrics.items() if name in names}


def hidden_by_means(
    metrics: Mapping[str, np.ndarray], over_ties: Mapping[str, np.ndarray], baseline: int, index: pd.Index
) -> dict[str, pd.Series]:
    """Return the columns beside the means of ``metrics``: means over orders of ties, and shares of lost queries."""
    columns = {name: pd.Series(values.mean(axis=1), index) for name, values in over_ties.items()}
    for name, values in metrics.items():
        whole = np.where(np.isnan(values[baseline]), 1.0, values[baseline])  # an exact twin finds all that it finds
        lost = ((values == 0) & (whole > 0)).mean(axis=1)
        columns[f"{name}{LOST}"] = pd.Series(np.where(np.isnan(values).any(axis=1), np.nan, lost), index)
    return columns


def ties_matter(rows: pd.DataFrame, metric: str) -> pd.Series:
    """Tell for each setting whether some order of ties takes the mean of ``metric`` out of its confidence interval."""
    if f"{metric}{LEAST}" not in rows:
        return pd.Series(False, rows.index)
    below = rows[f"{metric}{LEAST}"] < rows[f"{metric}_low"] - EXACT
    return (below | (rows[f"{metric}{GREATEST}"] > rows[f"{metric}_high"] + EXACT)) & rows[
        f"{metric}{EXPECTED}"
    ].notna()


def judged_by_expected(rows: pd.DataFrame, measure: Measure) -> pd.Series:
    """Tell for each setting whether what it keeps is that of the expected value over all orders of ties."""
    return rows.get(f"{measure.column}{EXPECTED}", pd.Series(np.nan, rows.index)).notna()
