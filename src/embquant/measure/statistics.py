"""Chance: intervals, tests and power of means over queries, for many settings at once.

Values are float64 (settings, queries), of order 1, NaN where there is none. They are rounded to multiples of 2⁻³⁰, so
that sums of up to eight million of them are exact: equal sums compare as equal, and no result depends on the order in
which BLAS adds, hence on the number of cores. Every resample of every setting is one product of matrices, done a block
of resamples at a time.
"""

from collections.abc import Iterator
from math import ceil

import numpy as np

BLOCK = 1024
"""Resamples that are computed at once; part of what a seed means."""

DRAWN_AT_ONCE = 1 << 14
"""Random numbers that are drawn by one call: few calls for few queries, and no results larger than a cache."""

FEW = 30
"""Number of differing queries, as :func:`has_few_differences` counts them, below which percentiles are too narrow."""

WEIGHT = 16
"""What a weight of 1 is in :func:`sample_weights`; the greatest that fits is 255 / 16, which 1 in 8 million exceeds."""


def rounded(values: np.ndarray) -> np.ndarray:
    """Return ``values`` as all functions here take them: multiples of 2⁻³⁰, float64 of the same shape."""
    return np.round(values * 2.0**30) / 2.0**30


def resample_counts(queries: int, resamples: int, seed: int | list[int]) -> np.ndarray:
    """Return how often each sample has each query, uint8 (1 + resamples, queries).

    The first is the sample that there is, the others are as many queries drawn from it with replacement.
    """
    rng = np.random.default_rng(seed)
    counts = np.ones((1 + resamples, queries), np.uint8)
    for block in _blocks(counts[1:]):
        drawn = rng.integers(queries, size=block.shape)
        drawn += queries * np.arange(len(block))[:, np.newaxis]
        block[:] = np.bincount(drawn.reshape(-1), minlength=drawn.size).reshape(block.shape)
    return counts


def sample_means(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the means of ``values`` (settings, queries) in each sample of ``counts``, float64 (settings, samples).

    All settings are resampled alike, so that differences and ratios of the rows are those of paired samples.
    """
    values = rounded(values)
    means = np.empty((len(values), len(counts)))
    for start in range(0, len(counts), BLOCK):
        block = counts[start : start + BLOCK].T
        means[:, start : start + BLOCK] = values @ block.astype(np.float64)
    return means / values.shape[1]


def percentile_interval(samples: np.ndarray, confidence: float) -> np.ndarray:
    """Return what a statistic is and the ends of its bootstrap interval: value, low, high, float64 (3, settings).

    ``samples`` (settings, samples) is the statistic of the sample itself, then of each resample. The ends are
    percentiles of the latter: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13. Not BCa
    (chapter 14): its correction is undefined where a method changes no query's value and a matter of ties where it
    changes few; elsewhere the two hardly differ (docs/statistics.md).
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(samples[:, 1:], [tail, 1 - tail], axis=1)
    return np.stack([samples[:, 0], low, high])


def sample_weights(queries: int, resamples: int, seed: int | list[int]) -> np.ndarray:
    """Return random weights of queries and, last, of one that was not seen, uint8 (resamples, queries + 1).

    They are exponential variables in units of 1 / 16, so that a row over its sum is uniform over all shares.
    """
    rng = np.random.default_rng(seed)
    weights = np.empty((resamples, queries + 1), np.uint8)
    for block in _blocks(weights):
        block[:] = np.minimum(np.rint(WEIGHT * rng.standard_exponential(block.shape)), 255)
    return weights


def _blocks(samples: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the rows of ``samples`` (samples, queries), as many at once as fill the processor's cache."""
    rows = max(1, DRAWN_AT_ONCE // max(1, samples.shape[1]))
    for start in range(0, len(samples), rows):
        yield samples[start : start + rows]


def has_few_differences(differences: np.ndarray) -> np.ndarray:
    """Tell whether percentile intervals of ``differences`` (pairs, queries) are too narrow, bool (pairs,).

    Queries that differ are counted by how much they do, (Σ|d|)² / Σd²: a hundred that hardly differ and three that lose
    everything are about three (Kish 1965, "Survey Sampling", on unequal weights).
    """
    sizes, squares = np.abs(differences).sum(axis=1), (differences**2).sum(axis=1)
    return (squares == 0) | (sizes**2 < FEW * squares)


def kept_interval(
    values: np.ndarray,
    reference: np.ndarray,
    samples: np.ndarray,
    weights: np.ndarray,
    confidence: float,
    unseen_high: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return what settings keep, with its interval, (3, settings), and whether that is widened, (settings,).

    ``samples`` are the means of ``values`` over those of ``reference`` in the sample itself and in each resample; the
    other arguments are those of :func:`guarded_interval`. Intervals are percentiles where many queries differ, and
    guarded where few do. No low end is above that of a setting that changes nothing: the same queries can't tell more.
    """
    ends = percentile_interval(samples, confidence)
    known = ~np.isnan(ends[0])
    few = has_few_differences(values - reference) & known
    its_reference = np.broadcast_to(reference, values.shape)[few] if len(reference) > 1 else reference
    ends[1:, few] = guarded_interval(values[few], its_reference, weights, confidence, unseen_high)
    most = np.broadcast_to(guarded_interval(reference, reference, weights, confidence, unseen_high)[0], known.shape)
    above = known & (ends[1] > most)
    ends[1, above] = most[above]
    return ends, few | above


def guarded_interval(
    values: np.ndarray, reference: np.ndarray, weights: np.ndarray, confidence: float, unseen_high: float
) -> np.ndarray:
    """Return the ends of the interval of each mean over the reference's, low and high, float64 (2, settings).

    ``values`` (settings, queries) and ``reference``, as many or one (1, queries), are between 0 and 1. ``weights`` are
    those of :func:`sample_weights`. The ends hold whatever the distribution, so also where a sample has none of the
    queries that lose: they are quantiles of weighted means over the queries and one more, the worst that there could
    be. For the low end it has 1 in the reference and 0 in the setting; for the high end ``unseen_high`` and 1. Where
    queries keep all or lose all, these are the ends of Clopper and Pearson 1934. NaN where the reference may have a
    mean of 0.

    Gaffke 2005, "Three test statistics for a nonparametric one-sided hypothesis on the mean of a nonnegative variable";
    Learned-Miller and Thomas 2020, "A new confidence interval for the mean of a bounded random variable".
    """
    tail = (1 - confidence) / 2
    sums, whole = (sample_means(np.pad(known, ((0, 0), (0, 1))), weights) for known in (values, reference))
    unseen = weights[:, -1] / weights.shape[1]
    lows, highs = np.full_like(sums, np.nan), np.full_like(sums, np.nan)
    np.divide(sums, whole + unseen, out=lows, where=whole > 0)
    np.divide(sums + unseen, whole + unseen_high * unseen, out=highs, where=whole > 0)
    return np.stack([np.quantile(lows, tail, axis=1), np.quantile(highs, 1 - tail, axis=1)])


def difference_interval(
    differences: np.ndarray, samples: np.ndarray, weights: np.ndarray, confidence: float, most: float
) -> np.ndarray:
    """Return the mean of ``differences`` (pairs, queries) and the ends of its interval, float64 (3, pairs).

    ``samples`` (pairs, samples) are the means in the sample itself and in each resample. Where many queries differ, the
    ends are percentiles of these. Where few do, they are those of :func:`guarded_interval`: the query that was not seen
    differs by ``most``, the greatest difference that a query can have, down for the low end and up for the high one. No
    end is nearer to the mean than where no query differs: the same queries can't tell more.
    """
    ends = percentile_interval(samples, confidence)
    few, tail = has_few_differences(differences), (1 - confidence) / 2
    sums = sample_means(np.pad(differences[few], ((0, 0), (0, 1))), weights)
    unseen = most * weights[:, -1] / weights.shape[1]
    whole = np.maximum(weights.sum(axis=1), 1) / weights.shape[1]  # of one or two queries all weights may be 0
    ends[1, few] = np.quantile((sums - unseen) / whole, tail, axis=1)
    ends[2, few] = np.quantile((sums + unseen) / whole, 1 - tail, axis=1)
    least = np.quantile(unseen / whole, 1 - tail)
    return np.stack([ends[0], np.minimum(ends[1], ends[0] - least), np.maximum(ends[2], ends[0] + least)])


def queries_needed(
    queries: np.ndarray, distance: np.ndarray, wanted: np.ndarray, reference: np.ndarray, confidence: float
) -> np.ndarray:
    """Return of how many queries a lower bound is ``wanted`` below the value, float64 of the shape of ``queries``.

    With ``queries`` it is ``distance`` below. The part of it that stands for what was not seen, which is that of a
    setting that changes nothing where the baseline's mean is ``reference``, shrinks as 1 / queries; the rest of its
    square, which is sampling, as 1 / √queries.
    """
    lost = 1 - ((1 - confidence) / 2) ** (1 / queries)
    unseen = np.minimum(lost / (lost + (1 - lost) * reference), distance)
    sampled = distance**2 - unseen**2
    return queries * (sampled + np.sqrt(sampled**2 + 4 * unseen**2 * wanted**2)) / (2 * wanted**2)


def randomization_test(differences: np.ndarray, resamples: int, seed: int | list[int]) -> np.ndarray:
    """Return the two-sided p-values of a paired randomization test, float64 (pairs,).

    ``differences`` are (pairs, queries). If the two of a pair are alike, the difference of each query could as well
    have the other sign. p is the share of all assignments of signs whose sum is at least as far from zero as the
    observed one (Fisher 1935, "The Design of Experiments", section 21; for retrieval: Smucker, Allan and Carterette
    2007, "A comparison of statistical significance tests for information retrieval evaluation"). If few queries differ,
    so that there are no more than ``resamples`` assignments, p is exact. Otherwise they are drawn, and the observed one
    counts as one of them (Phipson and Smyth 2010). If none of them reaches it, p may be even smaller: at most
    3.18 times the tail of the normal distribution (Bentkus and Dzindzalieta 2015, "A tight Gaussian bound for
    weighted sums of Rademacher random variables"). So a large family can be corrected without millions of resamples.
    """
    differences = rounded(differences)
    enumerable = resamples.bit_length() - 1
    few = np.count_nonzero(differences, axis=1) <= enumerable
    p = np.empty(len(differences))
    p[few] = _exact(differences[few], enumerable)
    p[~few] = _drawn(differences[~few], resamples, seed)
    return p


def holm(p: np.ndarray) -> np.ndarray:
    """Return the p-values (tests,) of a family, adjusted for its size.

    Rejecting those of at most α keeps the chance of one false rejection in the family at α, however the tests depend
    on each other. Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return adjusted


def least_detectable_difference(differences: np.ndarray, level: float, power: float = 0.8) -> np.ndarray:
    """Return the true mean difference, float64 (pairs,), that a two-sided test at ``level`` finds with ``power``.

    By the normal approximation, (z(1 − level / 2) + z(power)) · s / √queries, from the standard deviations s of
    ``differences`` (pairs, queries); NaN where all are the same, as those of one query are, which says nothing of
    others. Cohen 1988, "Statistical Power Analysis for the Behavioral Sciences", chapter 2.
    """
    if differences.shape[1] == 1:
        return np.full(len(differences), np.nan)
    deviation = np.std(differences, axis=1, ddof=1)
    return np.where(deviation > 0, _deviations(level, power) * deviation / np.sqrt(differences.shape[1]), np.nan)


def queries_to_detect(deviation: float, loss: float, level: float = 0.05, power: float = 0.8) -> int:
    """Return how many queries a two-sided paired test at ``level`` needs to find a mean ``loss`` with ``power``.

    ``deviation`` is that of the differences per query, in the unit of ``loss``. The reverse of
    :func:`least_detectable_difference`: ((z(1 − level / 2) + z(power)) · deviation / loss)², rounded up.
    """
    return ceil((_deviations(level, power) * deviation / loss) ** 2)


def _deviations(level: float, power: float) -> float:
    """Return the true mean that a two-sided test at ``level`` finds with ``power``, in standard errors."""
    from scipy.special import ndtri  # the import takes longer than all else here

    return float(ndtri(1 - level / 2) + ndtri(power))


def _exact(differences: np.ndarray, enumerable: int) -> np.ndarray:
    sizes = np.sort(np.abs(differences), axis=1)[:, ::-1][:, :enumerable]  # the rest are zeros
    width = sizes.shape[1]
    signs = 1.0 - 2 * (np.arange(2**width) >> np.arange(width)[:, None] & 1)
    return (np.abs(sizes @ signs) >= np.abs(differences.sum(axis=1))[:, None]).mean(axis=1)


def _drawn(differences: np.ndarray, resamples: int, seed: int | list[int]) -> np.ndarray:
    from scipy.special import ndtr

    rng = np.random.default_rng(seed)
    observed = np.abs(differences.sum(axis=1))
    reached = np.zeros(len(differences), np.int64)
    for start in range(0, resamples, BLOCK):
        shape = (differences.shape[1], min(BLOCK, resamples - start))
        signs = 1.0 - 2 * rng.integers(2, size=shape, dtype=np.uint8)
        reached += (np.abs(differences @ signs) >= observed[:, None]).sum(axis=1)
    p = (1 + reached) / (1 + resamples)
    over_normal = 1 / (4 * ndtr(-np.sqrt(2)))  # the bound of the tail of randomly signed terms
    bound = 2 * over_normal * ndtr(-observed / np.sqrt((differences**2).sum(axis=1)))
    return np.where(reached == 0, np.minimum(p, bound), p)
