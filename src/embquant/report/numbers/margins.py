"""By how much the exact float32 search decides for a query: the gap of scores that errors have to bridge."""

import numpy as np

from embquant.measure.judgements import Judgements
from embquant.retrieve.rescoring import Store


def relevance_margins(
    queries: np.ndarray, judgements: Judgements, store: Store, rows: np.ndarray, scores: np.ndarray
) -> np.ndarray:
    """Return how far apart the best relevant document and the best other one score, float64 (queries,).

    ``rows`` and ``scores`` (queries, depth) are the exact ranking of float32 ``queries`` (queries, dim), ``store`` has
    the documents' float32 vectors. NaN where all of the ranking is relevant, or nothing is judged relevant. The gap
    counts whichever is ahead: one that is far behind has as little to lose as one that is far ahead.
    """
    others = np.where((rows >= 0) & (judgements.gains(rows) == 0), scores, -np.inf).max(axis=1)
    relevant = store.score(queries, _relevant_rows(judgements)).max(axis=1)
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


def _relevant_rows(judgements: Judgements) -> np.ndarray:
    """Return the relevant documents of each query, int64 (queries, most of any query), −1 beyond."""
    queries, documents = np.divmod(judgements.keys, judgements.documents)
    place = np.arange(len(queries)) - np.searchsorted(queries, queries)
    rows = np.full((judgements.queries, max(1, judgements.relevant.max(initial=0))), -1)
    rows[queries, place] = documents
    return rows
