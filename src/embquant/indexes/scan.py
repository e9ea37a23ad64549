"""Exact search by looking at every code, a block at a time."""

from collections.abc import Callable

import numpy as np

from embquant.codecs.base import Codec
from embquant.topk import TopK, rank

SCORES_AT_ONCE = 1 << 24
"""Scores of one block of documents: 64 MiB."""

ROWS_AT_ONCE = 1 << 16
"""Codes that are decoded at once, at most: 96 MiB as float32 of 384 dimensions."""

SLACK = 128
"""Candidates beyond k whose order is settled in float64; float32 sums err by about 1e-7 of a unit score."""


def scan(
    score: Callable[[np.ndarray, np.ndarray], np.ndarray], queries: np.ndarray, codes: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the k best scores and rows (queries, k) by ``score(queries, block of codes)``, ties by ascending row."""
    best = TopK(len(queries), min(k, len(codes)))
    block = max(1, min(ROWS_AT_ONCE, SCORES_AT_ONCE // len(queries)))
    for first in range(0, len(codes), block):
        best.push(score(queries, codes[first : first + block]), first)
    return best.result()


def settled(codec: Codec, queries: np.ndarray, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Scan somewhat deeper than k, then settle the order by float64 scores, ties by ascending row.

    So the result doesn't depend on the number of threads.
    """
    _, rows = scan(codec.scan, queries, codes, k + SLACK)
    scores = np.empty(rows.shape)
    for query, found in enumerate(rows):
        scores[query] = codec.score(queries[query : query + 1], codes[found][None])[0]
    order = rank(scores, rows, k)
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)
