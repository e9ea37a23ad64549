"""Ties: a deployed engine may return documents of the same score in any order, and a metric depends on it.

McSherry and Najork 2008, "Computing information retrieval performance measures efficiently in the presence of tied
scores". For a random order every document of a group of tied ones is as likely at each of the group's places. So what a
place adds to a metric is, in expectation, a mean over the group.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

EPSILON = 1e-6
"""How far apart two scores may be and count as tied, relative to their magnitude."""


def reached(least: np.ndarray) -> np.ndarray:
    """Return the scores from which on a document counts as tied with ``least``, float64: EPSILON of each below it."""
    return least - EPSILON * np.abs(least)


@dataclass(frozen=True)
class TiedGains:
    """The gains of ranked documents, and which of them are tied.

    ``gains`` float64 (queries, places); ``starts`` bool (queries, places): whether a document is not tied with the one
    before it. All documents of a group are there, those beyond the last place that counts among them.
    """

    gains: np.ndarray
    starts: np.ndarray

    @classmethod
    def of_scores(cls, gains: np.ndarray, scores: np.ndarray) -> Self:
        """Take the ``gains`` of documents whose ``scores`` float64 (queries, places) descend."""
        return cls(gains, ~follows_tied(scores))

    @property
    def before(self) -> np.ndarray:
        """Number of places before the group of each place, int64 (queries, places)."""
        places = np.arange(self.gains.shape[1])
        return np.maximum.accumulate(np.where(self.starts, places, 0), axis=1)

    @cached_property
    def sizes(self) -> np.ndarray:
        """Number of documents in the group of each place, float64 (queries, places)."""
        return self.total(np.ones(self.gains.shape))

    def total(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of ``values`` (queries, places) over the group of each place, float64 (queries, places)."""
        return np.bincount(self._groups, weights=values.ravel())[self._groups].reshape(values.shape)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Return the mean of ``values`` (queries, places) over the group of each place, float64 (queries, places)."""
        return self.total(values) / self.sizes

    @cached_property
    def worst(self) -> np.ndarray:
        """The gains of the worst ranking that ties allow: each group's ascending."""
        return self._sorted_gains(1)

    @cached_property
    def best(self) -> np.ndarray:
        """The gains of the best ranking that ties allow: each group's descending."""
        return self._sorted_gains(-1)

    def _sorted_gains(self, sign: int) -> np.ndarray:
        if not len(self._mixed):
            return self.gains
        gains, groups = self.gains[self._mixed], self._groups.reshape(self.gains.shape)[self._mixed]
        in_order = self.gains.copy()
        in_order[self._mixed] = np.take_along_axis(gains, np.lexsort((sign * gains, groups), axis=1), axis=1)
        return in_order

    @cached_property
    def _mixed(self) -> np.ndarray:
        """The queries that have tied documents of different gains, int64; those of others are in order."""
        return np.flatnonzero((~self.starts[:, 1:] & (self.gains[:, 1:] != self.gains[:, :-1])).any(axis=1))

    @cached_property
    def _groups(self) -> np.ndarray:
        starts = self.starts.copy()
        starts[:, :1] = True
        return np.cumsum(starts.ravel()) - 1


def follows_tied(scores: np.ndarray) -> np.ndarray:
    """Tell for each of descending ``scores`` (queries, places) whether it is tied with the one before it, bool.

    Two scores are tied if they differ by no more than EPSILON of their magnitude: sums in float32 don't tell them
    apart. Scores of −∞, where there is no document, are tied with nothing.
    """
    tied = np.zeros(scores.shape, bool)
    finite = np.where(np.isneginf(scores), np.nan, scores)
    tied[:, 1:] = finite[:, :-1] - finite[:, 1:] <= EPSILON * np.abs(finite[:, :-1])
    return tied


def last_tied(scores: np.ndarray, count: int) -> int:
    """Return how many places of descending ``scores`` (queries, places) the groups of each first ``count`` reach."""
    beyond = follows_tied(scores)[:, count:]
    return min(count, scores.shape[1]) + int(np.logical_and.accumulate(beyond, axis=1).sum(axis=1).max(initial=0))
