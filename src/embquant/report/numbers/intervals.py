"""Confidence intervals of what settings measure and keep, from resamples of a dataset's queries."""

from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np

from embquant.measure.statistics import (
    difference_interval,
    kept_interval,
    percentile_interval,
    resample_counts,
    sample_means,
    sample_weights,
)

INTERVAL = ["", "_low", "_high"]
"""The ends of the names of an interval's columns: the value, its low end, its high end."""


@dataclass(frozen=True)
class Chance:
    """How chance is estimated: number and seed of resamples, and the confidence of intervals (1 − level of tests)."""

    seed: int
    resamples: int
    confidence: float


@dataclass(frozen=True)
class Resamples:
    """Resamples of the ``queries`` of a dataset. They depend on its name alone, so that no dataset changes another."""

    dataset: str
    queries: int
    chance: Chance

    @property
    def seed(self) -> list[int]:
        """What their random numbers start from."""
        return [self.chance.seed, crc32(self.dataset.encode())]

    @cached_property
    def counts(self) -> np.ndarray:
        """How often each resample has each query, as :func:`resample_counts` returns it."""
        return resample_counts(self.queries, self.chance.resamples, self.seed)

    @cached_property
    def weights(self) -> np.ndarray:
        """Weights of the queries and one more, as :func:`sample_weights` returns them."""
        return sample_weights(self.queries, self.chance.resamples, self.seed)

    def means(self, values: np.ndarray) -> np.ndarray:
        """Return the means of ``values`` (settings, queries), float64 (settings, 1 + resamples)."""
        return sample_means(values, self.counts)

    def difference(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return the means of one − other, each (pairs, queries), and the ends of their intervals, (3, pairs)."""
        most = max(one.max(initial=1), other.max(initial=1))
        return difference_interval(
            one - other, self.means(one - other), self.weights, self.chance.confidence, float(most)
        )

    def kept(
        self, values: np.ndarray, samples: np.ndarray, baseline: int, is_retention: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what settings keep, with its interval, (3, settings), and whether that is widened, (settings,).

        ``samples`` are retentions or, as agreement, means of ``values`` (settings, queries); see :func:`kept_interval`.
        What the baseline keeps of itself is no estimate. A metric whose values exceed 1 is taken as a share of the
        greatest.
        """
        if not len(values):
            return np.empty((3, 0)), np.empty(0, bool)
        values = values / values.max(initial=1)
        reference = values[baseline : baseline + 1] if is_retention else np.ones((1, values.shape[1]))
        unseen_high = 0.0 if is_retention else 1.0
        ends, widened = kept_interval(values, reference, samples, self.weights, self.chance.confidence, unseen_high)
        ends[1:, baseline] = percentile_interval(samples[baseline : baseline + 1], self.chance.confidence)[1:, 0]
        widened[baseline] = False
        return ends, widened
