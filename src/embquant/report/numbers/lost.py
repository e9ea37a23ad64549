"""Which document a query lost by a setting, and where: among the candidates, in rescoring, or to better ranked ones."""

from dataclasses import dataclass

import numpy as np

from embquant.measure.metrics import Metric

NOT_A_CANDIDATE = "not a candidate"
LOST_IN_RESCORING = "lost in rescoring"
RANKED_LOWER = "ranked lower"


@dataclass(frozen=True)
class Ranked:
    """The documents returned for one query: ``rows`` int64 (k,), −1 for none, and their ``gains`` float64 (k,).

    A gain is a document's relevance, 0 where it has none; for agreement, 1 if it counts as one of the exact k best.
    """

    rows: np.ndarray
    gains: np.ndarray


@dataclass(frozen=True)
class Lost:
    """A document, its ranks from 1 before and after, None where it isn't returned, and why it lost."""

    row: int
    baseline_rank: int
    rank: int | None
    reason: str


def lost_document(metric: Metric, baseline: Ranked, own: Ranked, candidates: np.ndarray) -> Lost:
    """Return the document that contributes less than in ``baseline``, most so, the better ranked of equals.

    Only documents that ``own`` ranks lower or doesn't return come into question: others may contribute less for the
    loss of these. There is one wherever the metric of ``own`` is less. ``candidates`` are the rows, int64 (n,), that
    the first search found for ``own``.
    """
    place = {row: at for at, row in enumerate(own.rows.tolist()) if row >= 0}
    before, after = metric.contributions(baseline.gains), metric.contributions(own.gains)
    fell = [
        (at, row)
        for at, row in enumerate(baseline.rows.tolist())
        if row >= 0 and baseline.gains[at] > 0 and place.get(row, np.inf) > at
    ]
    at, row = max(fell, key=lambda one: before[one[0]] - (after[place[one[1]]] if one[1] in place else 0.0))
    if row in place:
        return Lost(row, at + 1, place[row] + 1, RANKED_LOWER)
    return Lost(row, at + 1, None, LOST_IN_RESCORING if row in candidates else NOT_A_CANDIDATE)
