"""Exact search: all codes are scored, block by block, and the best of each query kept."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from embquant.codecs.base import Codec
from embquant.mapped import read_ahead, read_rows_ahead
from embquant.topk import TopK, rank, sort_by_score

Score = Callable[[np.ndarray, np.ndarray], np.ndarray]
Search = Callable[[np.ndarray, np.ndarray, int], tuple[np.ndarray, np.ndarray]]

SCORES_AT_ONCE = 1 << 21
"""Scores that a thread computes at once: 8 MiB, which are compared while still in the processor's cache."""

LEAST_DOCUMENTS = 1024
"""Documents of a block, however many queries share it."""

FIRST_DOCUMENTS = 16
"""Documents of the first block for each of the k: its k-th best score is then a bar that few later ones pass."""

MOST_DOCUMENTS = 1 << 16
"""Documents of a block, however few queries there are: 96 MiB of decoded vectors of 384 dimensions."""

WORTH_A_THREAD = 1 << 23
"""Bytes compared with bytes that are worth waking other threads for."""


class Scan:
    """Shares the documents of a search out to threads, so that each code is read once, from memory or disk."""

    def __init__(self, threads: int) -> None:
        """Search on ``threads`` threads."""
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads)

    def __call__(self, score: Score, queries: np.ndarray, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return scores and rows (queries, min(k, documents)), best first, ties by ascending row.

        ``score`` takes queries and a block of codes and returns int32 or float32 (queries, documents).
        """
        return self.share(partial(_blockwise, score), queries, codes, k)

    def share(self, search: Search, queries: np.ndarray, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Call ``search(queries, codes, k)`` for each thread's share of the codes; return the same, of all of them."""
        k, shares = min(k, len(codes)), self.shares(queries, codes)
        if shares == 1:
            return search(queries, codes, k)

        def search_from(first: int, end: int) -> tuple[np.ndarray, np.ndarray]:
            scores, rows = search(queries, codes[first:end], min(k, end - first))
            return scores, rows + first

        edges = np.linspace(0, len(codes), shares + 1, dtype=np.int64)
        found = self._pool.map(search_from, edges[:-1], edges[1:])
        scores, rows = (np.concatenate(own, axis=1) for own in zip(*found, strict=True))
        scores, rows = sort_by_score(scores, rows)
        return scores[:, :k], rows[:, :k]

    def shares(self, queries: np.ndarray, codes: np.ndarray) -> int:
        """Return how many threads a search of ``codes`` for ``queries`` is worth."""
        return self._threads if len(queries) * codes.nbytes >= WORTH_A_THREAD else 1

    def map(self, function: Callable[..., Any], *arrays: np.ndarray) -> Iterator[tuple[Any, ...]]:
        """Call ``function`` with each thread's share of the rows of ``arrays``; yield its results field by field."""
        shares = zip(*(np.array_split(array, self._threads) for array in arrays), strict=True)
        return zip(*self._pool.map(lambda own: function(*own), shares), strict=True)


SLACK = 128
"""Candidates beyond k whose order is settled in float64, at first."""

CANDIDATES_AT_ONCE = 1 << 22
"""Candidates of all queries together, of a search that goes deeper: some hundred MiB."""

TOLERANCE = 4e-6
"""What float32 sums may err by, of a unit score or of a greater one: nearer scores are as good as tied."""


class DecodedScan:
    """Compares float queries with codes by decoding them and multiplying matrices."""

    def __init__(self, codec: Codec, codes: np.ndarray, threads: int) -> None:
        """Search ``codes`` of ``codec`` on ``threads`` threads."""
        self._codec = codec
        self._codes = codes
        self._scan = Scan(threads)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return float32 scores and rows (queries, min(k, documents)), ties by ascending row.

        Equal vectors need not be tied: their sums may differ in the last bit with the place in a block.
        """
        with _blas().limit(limits=1):  # a thread of the scan computes its products itself
            return self._scan(self._codec.scan, queries, self._codes, k)

    def settled(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Search somewhat deeper than k, then settle the order by float64 scores, ties by ascending row.

        Queries for which that is not deep enough, because more documents are tied at the cut, are searched deeper. So
        nothing depends on the number of threads, or on which documents are searched together.
        """
        return self._settled(queries, k, k + SLACK)

    def _settled(self, queries: np.ndarray, k: int, depth: int) -> tuple[np.ndarray, np.ndarray]:
        scores, rows = self.search(queries, depth)
        found = self._scan.map(lambda *own: self._settle(k, *own), queries, rows)
        settled = tuple(np.concatenate(own) for own in found)
        undecided = np.flatnonzero(_undecided(scores, k)) if depth < len(self._codes) else np.zeros(0, np.int64)
        step = max(1, CANDIDATES_AT_ONCE // (4 * depth))
        for first in range(0, len(undecided), step):
            places = undecided[first : first + step]
            for whole, deeper in zip(settled, self._settled(queries[places], k, 4 * depth), strict=True):
                whole[places] = deeper
        return settled

    def _settle(self, k: int, queries: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scores = np.empty(rows.shape)
        for query, found in enumerate(rows):
            read_rows_ahead(self._codes, found)
            scores[query] = self._codec.score(queries[query : query + 1], self._codes[found][None])[0]
        order = rank(scores, rows, k)
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)


def _undecided(scores: np.ndarray, k: int) -> np.ndarray:
    """Say of each query, bool (queries,), whether the last of float32 ``scores`` may tie with the k-th, in truth."""
    cut = scores[:, k - 1]
    return scores[:, -1] >= cut - TOLERANCE * np.maximum(1, np.abs(cut))


@cache
def _blas() -> ThreadpoolController:
    """Find the process's BLAS libraries, which takes as long as a search of a small corpus."""
    return ThreadpoolController().select(user_api="blas")


def _blockwise(score: Score, queries: np.ndarray, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k best of ``codes`` on one thread."""
    best = TopK(len(queries), k)
    block = max(LEAST_DOCUMENTS, min(MOST_DOCUMENTS, SCORES_AT_ONCE // len(queries)))
    first_block = min(max(LEAST_DOCUMENTS, FIRST_DOCUMENTS * k), len(codes))  # no more: its scores are all sorted
    starts = [0, *range(first_block, len(codes), block)]
    for start, stop in pairwise([*starts, len(codes)]):
        read_ahead(codes, stop, stop + block)
        best.push(score(queries, codes[start:stop]), start)
    return best.result()
