"""Laws for growth.py: what is kept in a larger corpus, predicted from smaller ones in several ways."""

from collections.abc import Mapping, Sequence

import numpy as np

from embquant.measure.extrapolation import extrapolated_retention
from embquant.measure.statistics import resample_counts

RESAMPLES = 500
LAW = "crowding"


def predictions(
    sizes: Sequence[int],
    measured: Sequence[np.ndarray],
    projected: np.ndarray,
    target: int,
    factor: float,
) -> Mapping[str, np.ndarray]:
    """Return what each law expects settings to keep, float64 (settings,), and the ends of crowding's interval.

    ``measured`` float64 (settings, queries) are the metrics at ascending ``sizes``, the baseline first; ``projected``
    float64 (2, settings, queries) is the model's at the last of them and at ``target``.
    """
    means = np.stack([values.mean(axis=1) for values in measured])
    kept = means / means[:, :1]
    counts = resample_counts(measured[-1].shape[1], RESAMPLES, seed=0)
    law = extrapolated_retention(measured[-1], projected, np.array([factor]), counts)
    model = projected.mean(axis=2)
    lines = _on_line(sizes, means, target)
    return {
        LAW: law.expected[0],
        "low": law.low[0],
        "high": law.high[0],
        "unchanged": kept[-1],
        "line of retention": _on_line(sizes, kept, target),
        "lines of means": lines / lines[:1],
        "model alone": model[1] / model[1, 0],
    }


def _on_line(sizes: Sequence[int], values: np.ndarray, target: int) -> np.ndarray:
    """Return what the line through ``values`` (sizes, settings) by the logarithm of the size has at ``target``."""
    if len(sizes) == 1:
        return values[0]
    slope, start = np.polyfit(np.log(sizes), values, 1)
    return start + slope * np.log(target)
