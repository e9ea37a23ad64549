"""Fusion: the list of a vector search and that of another search, joined as hybrid searches do."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from embquant.exact.topk import best
from embquant.measure.judgements import Judgements
from embquant.measure.lists import list_values
from embquant.measure.metrics import Metric, Reference

DIGITS = 15
"""Decimals of a fused score: sums of fractions that are equal stay equal whichever order they are added in."""


def reciprocal_rank_fusion(one: np.ndarray, other: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scores float64 and rows int64 (queries, documents of both) of two lists, best first, ties by row.

    ``one`` and ``other`` are rows int64 (queries, documents), −1 for none, best first, each document once. A document's
    score is the sum of 1 / (k + rank) over the lists that have it (Cormack, Clarke and Büttcher 2009). Where nothing
    follows, the row is −1 and the score −inf.
    """
    rows = np.concatenate([one, other], axis=1)
    ranks = np.concatenate([np.arange(1, one.shape[1] + 1), np.arange(1, other.shape[1] + 1)])
    order = np.argsort(rows, axis=1, kind="stable")
    rows = np.take_along_axis(rows, order, axis=1)
    scores = 1 / (k + ranks[order])
    twice = rows[:, 1:] == rows[:, :-1]
    scores[:, :-1] += np.where(twice, scores[:, 1:], 0)
    rows[:, 1:][twice] = -1
    scores = np.where(rows < 0, -np.inf, np.round(scores, DIGITS))
    return best(scores, rows, rows.shape[1])


@dataclass(frozen=True)
class Fusion:
    """The lists of another search, with which those of settings are fused, and how the results are measured.

    ``other`` int64 (queries, depth), −1 for none, are its documents, ``float32`` those of the exact float32 search: the
    agreement of a setting is that of its fused lists with float32's, fused likewise.
    """

    other: np.ndarray
    float32: np.ndarray
    k: int
    metrics: Sequence[Metric]
    judgements: Judgements | None

    def values(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return the metrics of the lists ``rows`` (queries, depth) once they are fused, as :func:`list_values` does.

        As many documents are returned as each list has.
        """
        scores, fused = reciprocal_rank_fusion(rows, self.other, self.k)
        return list_values(fused, scores, rows.shape[1], self.metrics, self.judgements, self._reference)

    @cached_property
    def _reference(self) -> Reference:
        scores, rows = reciprocal_rank_fusion(self.float32, self.other, self.k)
        return Reference(rows, scores)
