"""Metrics of ranked lists that no store rescores: BM25's, fused ones, and those of a reranker."""

from collections.abc import Sequence

import numpy as np

from embquant.measure.judgements import Judgements
from embquant.measure.metrics import Metric, Ranking, Reference
from embquant.measure.pool import Pool
from embquant.measure.quality import Best, values_over_ties
from embquant.study import NO_STORE, Setting


def list_values(
    rows: np.ndarray,
    scores: np.ndarray,
    top_k: int,
    metrics: Sequence[Metric],
    judgements: Judgements | None,
    reference: Reference | None = None,
) -> dict[str, np.ndarray]:
    """Return the metrics of the first ``top_k`` documents of lists, float64 (queries,) by column, ties included.

    ``rows`` int64, −1 for none, and ``scores`` float64, −inf for none, are (queries, documents), best first. What
    agreement is measured against, ``reference``, has lists of the same scores, from which a document may be missing;
    without it there is none.
    """
    best = Best(Pool(rows, scores, np.empty((len(rows), 0)), 1), Setting(NO_STORE, 1, top_k))
    values = {}
    if judgements is not None:
        judged = Ranking(best.rows, best.found_scores)
        nothing = Reference(best.rows[:, :0], best.found_scores[:, :0])
        values = {str(metric): metric.compute(judged, judgements, nothing) for metric in metrics if metric.judged}
        values |= values_over_ties(best, judgements, metrics)
    if reference is not None:
        ranking = Ranking(best.rows, scores_in(reference, best.rows))
        first = reference.first(top_k)
        agreement = [metric for metric in metrics if not metric.judged]
        values |= {str(metric): metric.compute(ranking, judgements, first) for metric in agreement}
    return values


def scores_in(reference: Reference, rows: np.ndarray) -> np.ndarray:
    """Return the scores that documents ``rows`` (queries, k) have in ``reference``, float64; −inf if it lacks one."""
    scores = np.full(rows.shape, -np.inf)
    for query, (found, known) in enumerate(zip(rows, reference.rows, strict=True)):
        order = np.argsort(known)
        places = order[np.searchsorted(known, found, sorter=order).clip(max=len(known) - 1)]
        is_known = (known[places] == found) & (found >= 0)
        scores[query, is_known] = reference.scores[query, places[is_known]]
    return scores
