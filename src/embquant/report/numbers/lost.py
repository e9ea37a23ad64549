"""Why a query loses: which document it lost and where, and by how much float32 had decided."""

from dataclasses import dataclass

import numpy as np

from embquant.measure.judgements import Judgements
from embquant.measure.metrics import Metric
from embquant.retrieve.rescoring import Store

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


def lost_document(metric: Metric, before: Ranked, after: Ranked, candidates: np.ndarray) -> Lost:
    """Return the document by which a query lost most: the better ranked one of equals.

    Only documents that ``after`` ranks lower or doesn't return come into question: others may contribute less because
    these were lost. There is one wherever the metric of ``after`` is less. ``candidates`` are the rows, int64 (n,),
    that the first search found.
    """
    places = {row: place for place, row in enumerate(after.rows.tolist()) if row >= 0}
    gained, left = metric.contributions(before.gains), metric.contributions(after.gains)
    losses = {
        place: gained[place] - (left[places[row]] if row in places else 0.0)
        for place, row in enumerate(before.rows.tolist())
        if row >= 0 and before.gains[place] > 0 and places.get(row, np.inf) > place
    }
    place = max(losses, key=losses.__getitem__)
    row = int(before.rows[place])
    if row in places:
        return Lost(row, place + 1, places[row] + 1, RANKED_LOWER)
    return Lost(row, place + 1, None, LOST_IN_RESCORING if row in candidates else NOT_A_CANDIDATE)


def relevance_margins(
    queries: np.ndarray, judgements: Judgements, store: Store, rows: np.ndarray, scores: np.ndarray
) -> np.ndarray:
    """Return how far apart the best relevant document and the best other one score, float64 (queries,).

    ``rows`` and ``scores`` (queries, depth) are the exact ranking of float32 ``queries`` (queries, dim), ``store`` has
    the documents' float32 vectors. NaN where all of the ranking is relevant, or nothing is judged relevant. The gap
    counts whichever is ahead: one that is far behind has as little to lose as one that is far ahead.
    """
    others = np.where((rows >= 0) & (judgements.gains(rows) == 0), scores, -np.inf).max(axis=1)
    relevant = store.score(queries, _relevant_rows(judgements, len(store.index))).max(axis=1)
    known = np.isfinite(others) & np.isfinite(relevant)
    return np.abs(np.where(known, relevant, np.nan) - np.where(known, others, np.nan))


def cutoff_margins(scores: np.ndarray, cutoff: int) -> np.ndarray:
    """Return the k-th best exact score less the 2k-th, or the last there is, float64 (queries,).

    ``scores`` (queries, depth) are those of the exact ranking, best first. NaN where nothing follows the k-th.
    """
    depth = scores.shape[1]
    if depth <= cutoff:
        return np.full(len(scores), np.nan)
    return scores[:, cutoff - 1] - scores[:, min(2 * cutoff, depth) - 1]


def _relevant_rows(judgements: Judgements, corpus: int) -> np.ndarray:
    """Return the relevant documents of each query, int64 (queries, most of any query).

    −1 stands beyond a query's last one, and for those that the ``corpus``, a number of documents, lacks.
    """
    queries, documents = np.divmod(judgements.keys, judgements.rows)
    place = np.arange(len(queries)) - np.searchsorted(queries, queries)
    rows = np.full((judgements.queries, max(1, judgements.relevant.max(initial=0))), -1)
    rows[queries, place] = np.where(documents < corpus, documents, -1)
    return rows
