"""The candidates of one search, each scored once by each store."""

from collections.abc import Sequence

import numpy as np

from embquant.exact.topk import rank
from embquant.measure.judgements import Judgements
from embquant.retrieve.rescoring import Scorer

SLOTS = 1 << 16
"""Size of the table in which a query's documents are looked up, by the last bits of their rows."""


class Pool:
    """The candidates of one search, each scored once by each store."""

    def __init__(
        self,
        rows: np.ndarray,
        found_scores: np.ndarray,
        queries: np.ndarray,
        threads: int = 1,
        others: Sequence["Pool"] = (),
    ) -> None:
        """Take the candidates of float32 ``queries`` (queries, dim).

        ``rows`` int64, −1 for none, and ``found_scores`` float64 (queries, depth) are what the first stage found, best
        first. ``others`` are pools of the same queries: a score that they have isn't computed again.
        """
        self.rows = rows
        self.found_scores = found_scores
        self._queries = queries
        self._threads = threads
        self._others = others
        self._scores: dict[int, np.ndarray] = {}
        self._places: dict[int, np.ndarray] = {}
        self._gains: tuple[Judgements, np.ndarray] | None = None

    def part(self, columns: slice) -> "PartOfPool":
        """Return some of the candidates, as a pool of their own."""
        return PartOfPool(self, columns)

    def scored(self, scorer: Scorer, scores: np.ndarray) -> "Pool":
        """Take a store's scores of all candidates, float64 (queries, depth), which something else has computed."""
        self._scores[id(scorer)] = scores
        return self

    def scores(self, scorer: Scorer) -> np.ndarray:
        """Return the scores of all candidates by a store, float64 (queries, depth)."""
        if id(scorer) not in self._scores:
            self._scores[id(scorer)] = self._scored_by(scorer)
        return self._scores[id(scorer)]

    def order(self, scorer: Scorer) -> np.ndarray:
        """Return the places of the candidates, int64 (queries, depth), best first, ties by ascending row."""
        return rank(self.scores(scorer), self.rows, self.rows.shape[1])

    def gains(self, judgements: Judgements) -> np.ndarray:
        """Return the relevance of all candidates, float64 (queries, depth), looked up once."""
        if self._gains is None or self._gains[0] is not judgements:
            self._gains = (judgements, judgements.gains(self.rows))
        return self._gains[1]

    def _scored_by(self, scorer: Scorer) -> np.ndarray:
        """Take the scores that other pools have, and compute the rest."""
        scores, unknown = np.full(self.rows.shape, -np.inf), self.rows >= 0
        for other in self._others:
            if id(scorer) in other._scores:
                places = self._places_in(other)
                known = unknown & (places >= 0)
                scores[known] = np.take_along_axis(other._scores[id(scorer)], places, axis=1)[known]
                unknown &= ~known
        if width := unknown.sum(axis=1).max(initial=0):
            columns = np.argsort(~unknown, axis=1, kind="stable")[:, :width]  # per query: the unknown, then others
            missing = np.take_along_axis(np.where(unknown, self.rows, -1), columns, axis=1)
            found = scorer.score(self._queries, missing, self._threads)
            scores[unknown] = found[np.take_along_axis(unknown, columns, axis=1)]
        return scores

    def _places_in(self, other: "Pool") -> np.ndarray:
        """Return where each candidate is among another pool's, int64 (queries, depth), −1 if it isn't found there.

        Of two documents in the same slot only one is found: the other one's scores are computed again.
        """
        if id(other) not in self._places:
            slots, places = np.zeros(SLOTS, np.int64), np.empty(self.rows.shape, np.int64)
            in_order = np.arange(other.rows.shape[1])
            for filled, wanted, found in zip(other.rows % SLOTS, self.rows % SLOTS, places, strict=True):
                slots[filled] = in_order
                slots.take(wanted, out=found)
            is_there = np.take_along_axis(other.rows, places, axis=1) == self.rows
            self._places[id(other)] = np.where(is_there, places, -1)
        return self._places[id(other)]


class PartOfPool(Pool):
    """Some candidates of a larger pool, which scores all of its candidates at once."""

    def __init__(self, whole: Pool, columns: slice) -> None:
        """Take the candidates in ``columns`` of ``whole``."""
        self.rows, self.found_scores = whole.rows[:, columns], whole.found_scores[:, columns]
        self._whole, self._columns = whole, columns

    def scores(self, scorer: Scorer) -> np.ndarray:
        """Return their scores by a store."""
        return self._whole.scores(scorer)[:, self._columns]

    def gains(self, judgements: Judgements) -> np.ndarray:
        """Return their relevance."""
        return self._whole.gains(judgements)[:, self._columns]
