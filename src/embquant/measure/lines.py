"""Lines: where the documents of a list stand by the number of growing documents that are expected above them.

Of a sample, this number is known by how many documents it has above a score, up to chance: the first, second, third …
of them stand where the arrivals of a Poisson process of density 1 do. Near the top chance is large, and scores tell
more: the largest of a sample are those of a generalised Pareto distribution (Pickands 1975, "Statistical inference
using extreme order statistics").
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

TAIL = 20
"""The best growing documents of a query from which its tail is estimated."""

HEAD = 10
"""The tail says where documents above this growing one are, ranks where the others are."""

TYPICAL = 10
"""How many spacings the mean of all queries counts for, beside a query's own."""

SHAPES = (-0.5, 0.3)
"""Between which the shape of the tail is looked for: thinner than −0.5 the largest score would be known."""

ALMOST_EXPONENTIAL = 1e-6
"""Shapes below this are those of the exponential distribution, to which the others converge."""

NEAR = 2
"""Ranks on either side of a drawn document among which the known one is chosen that it is taken to be like."""

FARTHER = 0.3
"""What is added to NEAR further down: this share of the rank."""

MEDIANS = 30
"""The ranks whose medians tell how first-stage ranks grow along a line."""


@dataclass(frozen=True)
class Tail:
    """Scores above the HEAD-th best growing document of each query, a generalised Pareto distribution.

    Of the documents expected above that one, the share (1 + shape · excess / scale)^(−1 / shape) is above a score that
    exceeds its score by ``excess``. ``scale`` is float64 (queries,), ``shape`` that of all queries.
    """

    scale: np.ndarray
    shape: float

    @classmethod
    def of(cls, best: np.ndarray) -> Self:
        """Estimate it from scores of growing documents, float64 (queries, documents), best first, NaN for none.

        The i-th best is further from the next by scale / i · (HEAD / i)^shape in expectation (Rényi 1953, "On the
        theory of order statistics"; for the shape: Beirlant et al. 2004, "Statistics of Extremes", chapter 5). The
        shape is fitted to the spacings of all queries, and a query's scale is drawn to the mean of all: as if TYPICAL
        spacings more were known.
        """
        count = min(TAIL, best.shape[1] - 1)
        ranks = np.arange(1, count + 1)
        spacings = ranks * (best[:, :count] - best[:, 1 : count + 1])
        known = np.isfinite(spacings)
        sums = np.where(known, spacings, 0)
        means = sums.sum(axis=0) / np.maximum(1, known.sum(axis=0))
        used = means > 0
        shape = -np.polyfit(np.log(ranks[used]), np.log(means[used]), 1)[0] if used.sum() > 1 else 0.0
        shape = float(np.clip(shape, *SHAPES))
        scaled = sums * (ranks / HEAD) ** shape
        typical = scaled.sum() / max(1, known.sum())
        scale = (scaled.sum(axis=1) + TYPICAL * typical) / (known.sum(axis=1) + TYPICAL)
        return cls(np.maximum(scale, np.finfo(float).tiny), shape)

    def share(self, excess: np.ndarray) -> np.ndarray:
        """Return the share of documents that is above scores of ``excess`` ≥ 0, float64 (queries, documents)."""
        exceeded = np.maximum(excess, 0) / self.scale[:, None]
        if abs(self.shape) < ALMOST_EXPONENTIAL:
            return np.exp(-exceeded)
        return np.maximum(1 + self.shape * exceeded, 0) ** (-1 / self.shape)


@dataclass(frozen=True)
class Line:
    """Lists of documents (queries, depth), best first, by how many growing documents are expected above them.

    ``growing_first`` int64 (queries, depth) are the places in the list of the growing documents in their order, then
    of the others; ``growing`` int64 (queries,) says how many there are. ``fixed`` int64 (queries, fixed documents of
    the query with most) are the places in the list of the others, with ``fixed_gains``; beyond a query's own
    ``is_fixed`` is False. ``above`` int64 counts the growing documents above each fixed one, and ``between`` float64
    says how far it is from the last of them to the next by its score, 0 to 1, NaN where scores don't tell.

    ``growing_shares`` float64 (queries, HEAD or less) and ``fixed_shares`` are what the tail says of documents above
    the HEAD-th growing one: their places as shares of its place, NaN where it says nothing.
    """

    growing_first: np.ndarray
    growing: np.ndarray
    fixed: np.ndarray
    is_fixed: np.ndarray
    fixed_gains: np.ndarray
    above: np.ndarray
    between: np.ndarray
    growing_shares: np.ndarray
    fixed_shares: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, grows: np.ndarray, gains: np.ndarray, there: np.ndarray) -> Self:
        """Take lists: all (queries, depth), best first; ``there`` tells where there is a document."""
        grows = grows & there
        growing_first = np.argsort(~grows, axis=1, kind="stable")
        growing = grows.sum(axis=1)
        best = np.where(np.arange(scores.shape[1]) < growing[:, None], take(scores, growing_first), np.nan)
        others = there & ~grows
        fixed = np.argsort(~others, axis=1, kind="stable")[:, : max(1, others.sum(axis=1).max(initial=0))]
        is_fixed = take(others, fixed)
        above = take(grows.cumsum(axis=1), fixed)
        own = np.where(is_fixed, take(scores, fixed), np.nan)
        last = np.where(above > 0, take(best, np.maximum(above - 1, 0)), np.nan)
        gap = last - take(best, np.minimum(above, scores.shape[1] - 1))
        between = np.divide(last - own, gap, out=np.full(own.shape, np.nan), where=gap > 0)
        tail, head = Tail.of(best), best[:, :HEAD]
        least = head[:, -1:] if head.shape[1] == HEAD else np.full((len(best), 1), np.nan)
        fixed_shares = np.where(above < HEAD, tail.share(own - least), np.nan)
        fixed_gains = np.where(is_fixed, take(gains, fixed), 0.0)
        shares = tail.share(head - least)
        return cls(growing_first, growing, fixed, is_fixed, fixed_gains, above, between, shares, fixed_shares)

    def part(self, queries: slice) -> Self:
        """Return the line of some of the queries."""
        return type(self)(*(values[queries] for values in vars(self).values()))

    def growing_places(self, seen: np.ndarray) -> np.ndarray:
        """Return the places of the growing documents, best first, float64 (queries, depth).

        ``seen`` are those that their ranks alone give, a draw of them.
        """
        places = seen.copy()
        width = self.growing_shares.shape[1]
        by_tail = seen[:, width - 1 : width] * self.growing_shares
        places[:, :width] = np.where(np.isnan(by_tail), seen[:, :width], by_tail)
        return places

    def fixed_places(self, seen: np.ndarray, split: np.ndarray) -> np.ndarray:
        """Return the places of the fixed documents, float64 of the shape of ``fixed``, ∞ for none.

        ``seen`` is that of :meth:`growing_places`; ``split``, as many numbers from 0 to 1, says where a document is
        between two that scores don't tell apart.
        """
        share = np.where(np.isnan(self.between), split[:, : self.fixed.shape[1]], self.between)
        lower = np.where(self.above > 0, take(seen, np.maximum(self.above - 1, 0)), 0.0)
        upper = take(seen, np.minimum(self.above, seen.shape[1] - 1))
        width = self.growing_shares.shape[1]
        by_tail = seen[:, width - 1 : width] * self.fixed_shares
        places = np.where(np.isnan(by_tail), lower + (upper - lower) * share, by_tail)
        in_order = np.maximum.accumulate(places, axis=1)  # of documents whose places were drawn between the same two
        return np.where(self.is_fixed, in_order, np.inf)

    def near(
        self, places_of_growing: np.ndarray, places: np.ndarray, choice: np.ndarray, queries: np.ndarray
    ) -> np.ndarray:
        """Return the number of a growing document that is near each of ``places`` (places,), int64, from 0.

        They are on the lines of ``queries`` int64 (places,). ``places_of_growing`` (queries, depth) are those of
        growing documents; ``choice``, numbers from 0 to 1, chooses among those near.
        """
        last = np.maximum(self.growing - 1, 0)[queries]
        next_below = np.minimum(_counted(places_of_growing, places, queries), last)
        reach = NEAR + (FARTHER * next_below).astype(np.int64)
        chosen = next_below - reach + np.floor(choice * (2 * reach + 1)).astype(np.int64)
        return np.minimum(np.where(chosen < 0, -chosen - 1, chosen), last)


@dataclass(frozen=True)
class Relevant:
    """The relevant documents among the fixed ones of a line, each in its place, for a draw.

    ``queries`` and ``columns`` int64 (relevant,) say whose they are, and where in ``fixed``; ``places`` and ``gains``
    float64 (relevant,) where on the line, and how relevant. The line has ``of_queries`` queries.
    """

    of_queries: int
    queries: np.ndarray
    columns: np.ndarray
    places: np.ndarray
    gains: np.ndarray

    @classmethod
    def of(cls, line: Line, fixed: np.ndarray) -> Self:
        """Take them from a line whose fixed documents are at ``fixed``, float64 (queries, fixed)."""
        queries, columns = np.nonzero(line.fixed_gains > 0)
        return cls(len(fixed), queries, columns, fixed[queries, columns], line.fixed_gains[queries, columns])

    def ahead(self, coming: np.ndarray) -> np.ndarray:
        """Return how many others, at ``coming`` (queries, n) in order, are above each of them, int64 (relevant,)."""
        return (coming[self.queries] < self.places[:, None]).sum(axis=1)

    def ranks_among(self, ahead: np.ndarray, chosen: np.ndarray, chosen_fixed: np.ndarray) -> np.ndarray:
        """Return the rank of each of them among the chosen documents, int64 (relevant,), from 0, −1 if it isn't one.

        ``ahead`` is that of :meth:`ahead`, ``chosen`` bool (queries, n) which of the others count, ``chosen_fixed``
        bool (queries, fixed) which of the fixed ones do.
        """
        others = chosen.cumsum(axis=1)[self.queries, ahead - 1]
        ranks = np.where(ahead > 0, others, 0) + chosen_fixed.cumsum(axis=1)[self.queries, self.columns] - 1
        return np.where(chosen_fixed[self.queries, self.columns], ranks, -1)

    def ranked(self, ranks: np.ndarray, count: int) -> np.ndarray:
        """Return the gains of each query's first ``count`` documents, float64 (queries, count)."""
        first = np.zeros((self.of_queries, count))
        within = (ranks >= 0) & (ranks < count)
        first[self.queries[within], ranks[within]] = self.gains[within]
        return first

    def among(self, ranks: np.ndarray, depth: int) -> np.ndarray:
        """Return how many of each query's first ``depth`` documents are relevant, int64 (queries,)."""
        return np.bincount(self.queries[ranks < depth], minlength=self.of_queries)


def arrivals_of(shape: tuple[int, int], seed: list[int]) -> np.ndarray:
    """Return the places of the documents of Poisson processes of density 1, ascending, float64 of ``shape``.

    The first of them are the same whatever the depth, so that lists of several methods are drawn alike.
    """
    return np.ascontiguousarray(np.random.default_rng(seed).standard_exponential(shape[::-1]).cumsum(axis=0).T)


def uniform(shape: tuple[int, int], seed: list[int]) -> np.ndarray:
    """Return numbers from 0 to 1, float64 of ``shape``; the first are the same whatever the depth."""
    return np.ascontiguousarray(np.random.default_rng(seed).random(shape[::-1]).T)


def climb(ranks: np.ndarray, growing: np.ndarray) -> float:
    """Return e where the first stage's rank of the i-th growing document of a store's line grows as i^e, 0 to 1.

    ``ranks`` float64 (queries, depth) count from 0, ∞ for documents that were not found; ``growing`` int64 (queries,)
    says how many of each query there are. Medians over queries are taken, which documents not found don't disturb.
    """
    count = min(MEDIANS, ranks.shape[1])
    known = np.where(np.arange(count) < growing[:, None], ranks[:, :count] + 1, np.inf)
    medians = np.median(known, axis=0)
    used = np.isfinite(medians)
    if used.sum() < 2:
        return 1.0
    places = np.log(np.arange(1, count + 1)[used])
    return float(np.clip(np.polyfit(places, np.log(medians[used]), 1)[0], 0, 1))


def positions(wanted: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return where each of the ``wanted`` rows is among each query's ``rows``, int64 (queries, wanted), −1: nowhere."""
    span = max(wanted.max(initial=0), rows.max(initial=0)) + 2
    offsets = np.arange(len(rows))[:, None] * span + 1
    order = np.argsort(rows, axis=1, kind="stable")
    keys = (take(rows, order) + offsets).ravel()
    found = np.searchsorted(keys, wanted + offsets).clip(max=keys.size - 1)
    return np.where(keys[found] == wanted + offsets, order.ravel()[found], -1)


def take(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return ``values`` (queries, n) at each query's ``places`` (queries, m)."""
    return np.take_along_axis(values, places, axis=1)


def _counted(ascending: np.ndarray, values: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Return how many of its query's ``ascending`` (queries, n) are at most each of ``values`` (values,), int64."""
    span = 1 + max(ascending.max(initial=0), values.max(initial=0))
    offsets = np.arange(len(ascending)) * span
    keys = values + offsets[queries]
    return np.searchsorted((ascending + offsets[:, None]).ravel(), keys, side="right") - queries * ascending.shape[1]
