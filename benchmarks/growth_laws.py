"""Laws for growth.py: what is kept in a larger corpus, predicted from smaller ones in several ways."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from embquant.measure.extrapolation import extrapolated_retention
from embquant.measure.lines import positions
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


def manifold_recalls(  # noqa: PLR0917 - two rankings, and where they are compared
    exact: np.ndarray,
    exact_rows: np.ndarray,
    coded: np.ndarray,
    coded_rows: np.ndarray,
    sizes: tuple[int, int],
    depths: Sequence[int],
    top_k: int = 10,
) -> np.ndarray:
    """Return the recall of the ``top_k`` nearest that Elasticsearch's calibration expects, float64 (2 sizes, depths).

    The logarithm of the score at rank r of N documents is a + b · log(r / N), the same for all queries, and codes add
    normal errors to scores: T. Veasey, "How Elasticsearch auto-tunes vector quantization to hit your recall target",
    www.elastic.co/search-labs/blog/vector-quantization-auto-calibration-elasticsearch. ``exact`` and ``coded`` are the
    scores of the best documents of the first size, (queries, depth), by exact vectors and by codes.
    """
    ranks = np.arange(1, exact.shape[1] + 1)
    slope, start = np.polyfit(np.log(ranks / sizes[0]), np.log(np.maximum(exact.mean(axis=0), 1e-6)), 1)
    places = positions(exact_rows, coded_rows)
    among = places >= 0
    of_codes = np.take_along_axis(coded, np.maximum(places, 0), axis=1)
    centred = [np.where(among, values - _mean_where(values, among), 0) for values in (exact, of_codes)]
    share = (centred[0] * centred[1]).sum() / (centred[0] ** 2).sum()
    error = (centred[1] - share * centred[0])[among].std() / share
    recalls = np.empty((2, len(depths)))
    for place, size in enumerate(sizes):
        for column, depth in enumerate(depths):
            scores = np.exp(start + slope * np.log(np.arange(1, min(size, 100 * depth) + 1) / size))
            cut = brentq(
                lambda cut: norm.sf((cut - scores) / error).sum() - depth,  # noqa: B023 - called in this round only
                scores[-1] - 9 * error,
                scores[0] + 9 * error,
            )
            recalls[place, column] = norm.sf((cut - scores[:top_k]) / error).mean()
    return recalls


def _mean_where(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    return np.where(there, values, 0).sum(axis=1, keepdims=True) / np.maximum(1, there.sum(axis=1, keepdims=True))
