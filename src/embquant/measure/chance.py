"""Whether the baseline itself finds more than chance does.

Vectors that are shifted by a row, or are another model's, give a baseline that finds nothing. What is left of nothing
says nothing about quantizing.
"""

from collections.abc import Iterator, Sequence
from itertools import permutations
from math import factorial, fsum

import numpy as np

from embquant.measure.judgements import Judgements
from embquant.measure.metrics import Metric, Ranking, Reference

PERMUTATIONS = 199
"""Permutations that are drawn where there are more; 4,000 queries take half a second."""

LEAST_LIKELY = 0.01
"""The greatest p at which a baseline is distinguishable from chance."""


def baseline_p(metrics: Sequence[Metric], rankings: Sequence[Ranking], judgements: Judgements | None) -> float | None:
    """Return the p of :func:`permutation_p` for the first judged metric that one of ``rankings`` has a value of.

    ``rankings`` are the baseline's, the shortest first. None if nothing is judged.
    """
    for metric in metrics:
        for ranking in rankings:
            if metric.judged and judgements is not None and not np.isnan(_mean(metric, ranking, judgements)):
                return permutation_p(metric, ranking, judgements)
    return None


def permutation_p(metric: Metric, ranking: Ranking, judgements: Judgements) -> float:
    """Return the chance of a mean as high as the ranking's if each query had another query's judgements.

    That is the share of all ways to deal the rankings out to the queries that reach it. Where there are more than
    PERMUTATIONS, as many are drawn, and the one that was observed counts as one of them (Phipson and Smyth 2010). So 5
    queries are the fewest that can be distinguished from chance.
    """
    queries = len(ranking.rows)
    observed = _mean(metric, ranking, judgements)
    drawn = factorial(min(queries, PERMUTATIONS)) > PERMUTATIONS
    means = [_mean(metric, _dealt(ranking, order), judgements) for order in _orders(queries, drawn)]
    return (np.count_nonzero(np.array(means) >= observed) + drawn) / (len(means) + drawn)


def _orders(queries: int, drawn: bool) -> Iterator[np.ndarray]:
    """Yield permutations of ``queries`` rows: all of them, or some that a fixed seed draws."""
    if drawn:
        rng = np.random.default_rng(0)
        yield from (rng.permutation(queries) for _ in range(PERMUTATIONS))
    else:
        yield from map(np.array, permutations(range(queries)))


def _dealt(ranking: Ranking, order: np.ndarray) -> Ranking:
    return Ranking(ranking.rows[order], ranking.exact_scores[order])


def _mean(metric: Metric, ranking: Ranking, judgements: Judgements) -> float:
    """Return the mean of a judged metric, which looks at no reference; the same whatever the order of the queries."""
    values = metric.compute(ranking, judgements, Reference(ranking.rows, ranking.exact_scores))
    return fsum(values) / len(values)
