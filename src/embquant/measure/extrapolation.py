"""Extrapolation: what settings are expected to keep in a larger corpus, with an interval that can be believed.

The expected values are those of :mod:`embquant.measure.crowding`. An interval holds what three things leave open: which
queries there are, which documents the larger corpus happens to have, and the form of the law. docs/growth.md says how
the constants were found, and how often intervals hold what is measured later.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from embquant.measure.crowding import REACH
from embquant.measure.statistics import percentile_interval, sample_means

CARRIED = 0.5
"""The share that is left in a larger corpus of what a query has by chance, beyond what the model expects of it."""

FORM = 1 / 12
"""Standard error of the law of retention per doubling of the corpus, as a share of the change that it predicts."""

RECALL_FORM = 1 / 50
"""The same of the law of recall, which no division by the baseline's quality disturbs."""

DOUBLING = 0.0005
"""Standard error of both per doubling of the corpus where they predict no change."""


@dataclass(frozen=True)
class Extrapolated:
    """``expected``, ``low`` and ``high``, each float64 (targets, settings), NaN where nothing can be said."""

    expected: np.ndarray
    low: np.ndarray
    high: np.ndarray


def extrapolated_retention(
    measured: np.ndarray,
    projected: np.ndarray,
    factors: np.ndarray,
    counts: np.ndarray,
    confidence: float = 0.95,
) -> Extrapolated:
    """Return what settings are expected to keep of the baseline's quality, with intervals.

    ``measured`` float64 (settings, queries) is the metric of each query at the largest size, the baseline's first.
    ``projected`` float64 (1 + targets, settings, queries) is what :func:`crowding.project` says from there: of the
    present size, then of each target, whose ``factors`` float64 (targets,) are how many times as many growing documents
    there are. ``counts`` are those of :func:`statistics.resample_counts`.
    """
    by_chance = measured - projected[0]
    moved = projected[1:] + CARRIED * by_chance
    now = _kept(measured, counts)[:, 0]
    kept = np.stack([_kept(values, counts) for values in moved])
    whole = moved[:, :1].mean(axis=2)
    paired = by_chance - kept[:, :, :1] * by_chance[0]
    chance = np.divide(_error(paired), whole, out=np.full_like(whole * paired[:, :, 0], np.nan), where=whole > 0)
    return _interval(kept, now, FORM, chance, factors, confidence)


def extrapolated_recall(
    measured: np.ndarray,
    projected: np.ndarray,
    factors: np.ndarray,
    counts: np.ndarray,
    confidence: float = 0.95,
) -> Extrapolated:
    """Return the expected recall of first stages; the arguments are those of :func:`extrapolated_retention`.

    There is no baseline among the settings, and values are between 0 and 1.
    """
    by_chance = measured - projected[0]
    means = np.stack([sample_means(values, counts) for values in projected[1:] + CARRIED * by_chance])
    found = _interval(means, measured.mean(axis=1), RECALL_FORM, _error(by_chance), factors, confidence)
    return Extrapolated(*(np.clip(values, 0, 1) for values in (found.expected, found.low, found.high)))


def least_multiplier(lows: Mapping[int, float], wanted: float) -> int | None:
    """Return the least multiplier from which on every lower bound of ``lows`` reaches ``wanted``; None if none does."""
    enough = None
    for multiplier in sorted(lows, reverse=True):
        if not lows[multiplier] >= wanted:
            break
        enough = multiplier
    return enough


def _kept(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the means of settings over that of the first one, float64 (settings, samples)."""
    means = sample_means(values, counts)
    return np.divide(means, means[:1], out=np.full_like(means, np.nan), where=means[:1] > 0)


def _error(values: np.ndarray) -> np.ndarray:
    """Return the standard error of the mean over queries, the last axis."""
    return values.std(axis=-1) / np.sqrt(values.shape[-1])


def _interval(
    samples: np.ndarray, now: np.ndarray, share: float, chance: np.ndarray, factors: np.ndarray, confidence: float
) -> Extrapolated:
    """Join the ends over resamples, ``samples`` (targets, settings, samples), with what chance and the law leave open.

    ``share`` is the law's error per doubling as a share of the change from ``now``, ``chance`` the standard error of
    what a corpus happens to have, (targets, settings) or (settings,).
    """
    from scipy.special import ndtri

    expected, low, high = np.stack([percentile_interval(target, confidence) for target in samples], axis=1)
    doublings = np.log2(np.maximum(factors, 1))[:, None]
    form = doublings * np.hypot(share * (expected - now), DOUBLING)
    unknown = ndtri((1 + confidence) / 2) * np.hypot(form, chance)
    believed = factors[:, None] <= REACH
    ends = (expected, expected - np.hypot(expected - low, unknown), expected + np.hypot(high - expected, unknown))
    return Extrapolated(*(np.where(believed, end, np.nan) for end in ends))
