"""Exact search: all codes are scored, block by block, and the best of each query kept."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from embquant.errors import InapplicableError
from embquant.exact.mapped import look_up, read_ahead
from embquant.exact.threads import limit_blas_threads
from embquant.exact.topk import TopK, TopKOfOne, best, sort_by_score
from embquant.exact.ways import Score, Ways


class Decodes(Protocol):
    """What a scan needs of a codec."""

    @property
    def scans(self) -> tuple[Score, ...]:
        """The ways to score all codes, quickly: float32 (queries, documents)."""

    def score(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Score each query's own codes, in float64: (queries, candidates)."""

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the float32 vectors (rows, dim) that ``codes`` stand for."""


Search = Callable[[np.ndarray, np.ndarray, int], tuple[np.ndarray, np.ndarray]]
QuickSearch = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]

WORTH_A_THREAD = 1 << 23
"""Bytes of codes, times queries, from which on it pays to wake other threads."""

ENOUGH_QUERIES = 128
"""Queries per thread from which on threads share the queries and not the documents. Fewer scores pass a bar that all
documents have raised than one that a share of them has raised."""

READ_BY_EACH = 1 << 30
"""Bytes of codes that each thread may read for itself. More of them may lie on a disk, which is to be read once."""


class Scan:
    """Shares a search among threads: the documents, so that each is read once, or the queries where that is faster."""

    def __init__(self, threads: int) -> None:
        """Search on ``threads`` threads."""
        self._threads = threads
        self._others = ThreadPoolExecutor(max(1, threads - 1))

    def __call__(self, ways: Ways, queries: np.ndarray, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return scores and rows (queries, min(k, documents)), best first, ties by ascending row."""
        return self.share(partial(_blockwise, ways), queries, codes, k)

    def share(self, search: Search, queries: np.ndarray, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Call ``search(queries, codes, k)`` for each thread's share of the codes or queries, and join the results."""
        k, shares = min(k, len(codes)), self.shares(queries, codes)
        if shares == 1:
            return search(queries, codes, k)
        if len(queries) >= shares * ENOUGH_QUERIES and codes.nbytes <= READ_BY_EACH:
            found = self.map(lambda share: search(share, codes, k), queries)
            scores, rows = (np.concatenate(parts) for parts in found)
            return scores, rows

        def search_from(first: int, end: int) -> tuple[np.ndarray, np.ndarray]:
            scores, rows = search(queries, codes[first:end], min(k, end - first))
            return scores, rows + first

        parts = self._do(search_from, pairwise(len(codes) * share // shares for share in range(shares + 1)))
        scores, rows = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
        scores, rows = sort_by_score(scores, rows)
        return scores[:, :k], rows[:, :k]

    def shares(self, queries: np.ndarray, codes: np.ndarray) -> int:
        """Return how many threads a search of ``codes`` for ``queries`` is worth."""
        return self._threads if len(queries) * codes.nbytes >= WORTH_A_THREAD else 1

    def map(self, function: Callable[..., Any], *arrays: np.ndarray) -> Iterator[tuple[Any, ...]]:
        """Call ``function`` with each thread's share of the rows of ``arrays``; yield its results field by field."""
        shares = zip(*(np.array_split(array, self._threads) for array in arrays), strict=True)
        return zip(*self._do(function, shares), strict=True)

    def _do(self, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Call ``function`` with each task, the first on this thread, so that one thread fewer has to wake."""
        first, *others = tasks
        running = [self._others.submit(function, *task) for task in others]
        return [function(*first), *(future.result() for future in running)]


OVERFLOW = "scores are no finite numbers: products of these queries and codes overflow"

SLACK = 128
"""Candidates beyond k that are settled in float64 at first."""

CANDIDATES_AT_ONCE = 1 << 22
"""Candidates of all queries together in a deeper search: some hundred MiB."""

TOLERANCE = 4e-6
"""The error of float32 sums, relative to the lengths of the two vectors. Nearer scores count as tied."""

SAMPLED = 256
"""Codes whose decoded length is looked at to know about how long the longest is."""

SPARE = 4
"""Documents beyond k that a quick search finds, so that most ties for the last place are seen as a whole."""

GATHERED = 1 << 12
"""Codes that are looked up at a time. With fewer, checking for them in memory would take longer than reading."""


class DecodedScan:
    """Compares float queries with codes by decoding them and multiplying matrices."""

    def __init__(self, codec: Decodes, threads: int) -> None:
        """Search codes of ``codec`` on ``threads`` threads."""
        self._codec = codec
        self._ways = Ways(*codec.scans)
        self._scan = Scan(threads)
        self._longest: float | None = None

    def search(self, queries: np.ndarray, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return float32 scores and rows (queries, min(k, documents)), ties by ascending row.

        Equal vectors need not be tied: their sums may differ in the last bit with the place in a block.
        """
        with limit_blas_threads(1):  # a thread of the scan computes its products itself
            scores, rows = self._scan(self._ways, queries, codes, k)
        if scores.shape[1] < min(k, len(codes)):  # NaN is above no score, so it is never found
            raise InapplicableError(OVERFLOW)
        return scores, rows

    def ranked(
        self, search: QuickSearch, queries: np.ndarray, codes: np.ndarray, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what ``search(queries, k)`` finds, ordered as :meth:`settled` orders it: float64 scores and rows.

        ``search`` returns float32 scores and rows, best first, which may order equal documents in any way, and keep any
        of those that are tied for the last place. Only queries with scores too near to tell apart are settled.
        """
        scores, rows = search(queries, k + SPARE)
        tolerance = self._tolerance(queries, codes, scores[:, :k][:, -1])
        pairs = min(k, scores.shape[1] - 1)
        gaps = scores[:, :pairs] - scores[:, 1 : pairs + 1]
        unsure = np.flatnonzero(gaps.min(axis=1, initial=np.inf) <= tolerance)
        found = (scores[:, :k].astype(np.float64), rows[:, :k])
        if len(unsure):
            last = scores[unsure, k - 1 :]
            is_tied = last[:, :-1] - last[:, 1:] <= tolerance[unsure, None]
            is_open = is_tied.all(axis=1) & (rows.shape[1] < len(codes))
            for places, settle in ((unsure[~is_open], self._settle_rows), (unsure[is_open], self._settle_all)):
                if len(places):
                    for whole, settled in zip(found, settle(queries[places], codes, k, rows[places]), strict=True):
                        whole[places] = settled
        return found

    def settled(self, queries: np.ndarray, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Search somewhat deeper than k, then settle the order by float64 scores, ties by ascending row.

        Queries for which that is not deep enough, because more documents are tied at the cut, are searched deeper. So
        nothing depends on the number of threads, or on which documents are searched together.
        """
        return self._settled(queries, codes, k, k + SLACK)

    def _settled(self, queries: np.ndarray, codes: np.ndarray, k: int, depth: int) -> tuple[np.ndarray, np.ndarray]:
        scores, rows = self.search(queries, codes, depth)
        cut = scores[:, :k][:, -1]
        among = scores >= (cut - self._tolerance(queries, codes, cut))[:, None]
        found = self._scan.map(lambda *share: self._settle(codes, k, *share), queries, rows, among.sum(axis=1))
        settled_scores, settled_rows = (np.concatenate(shares) for shares in found)
        settled = (settled_scores, settled_rows)
        undecided = np.flatnonzero(among[:, -1]) if depth < len(codes) else np.zeros(0, np.int64)
        step = max(1, CANDIDATES_AT_ONCE // (4 * depth))
        for first in range(0, len(undecided), step):
            places = undecided[first : first + step]
            for whole, deeper in zip(settled, self._settled(queries[places], codes, k, 4 * depth), strict=True):
                whole[places] = deeper
        return settled

    def _settle(
        self, codes: np.ndarray, k: int, queries: np.ndarray, rows: np.ndarray, counts: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Order the first of each query's ``rows``, at least ``counts`` of them, by their scores in float64."""
        rows = rows[:, : counts.max(initial=k)]
        scores = np.full(rows.shape, -np.inf)
        step = max(1, GATHERED // rows.shape[1])
        for batch in (slice(first, first + step) for first in range(0, len(rows), step)):
            found = rows[batch, : counts[batch].max()]
            scores[batch, : found.shape[1]] = self._codec.score(queries[batch], look_up(codes, found))
        return best(scores, rows, k)

    def _settle_rows(
        self, queries: np.ndarray, codes: np.ndarray, k: int, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Order each query's ``rows`` by their scores in float64."""
        return self._settle(codes, k, queries, rows, np.full(len(rows), rows.shape[1]))

    def _settle_all(
        self, queries: np.ndarray, codes: np.ndarray, k: int, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Search anew, for there may be further documents as good as the last of ``rows``."""
        return self.settled(queries, codes, k)

    def _tolerance(self, queries: np.ndarray, codes: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return how far from each query's score, ``scores`` (queries,), another must be to be told apart, (queries,).

        The lengths of a few documents stand for those of all; a score that is greater than they allow counts instead.
        """
        if self._longest is None:
            some = codes[np.linspace(0, len(codes) - 1, min(SAMPLED, len(codes)), dtype=np.int64)]
            self._longest = float(np.sqrt((self._codec.decode(some) ** 2).sum(axis=1)).max(initial=0))
        lengths = np.sqrt(np.vecdot(queries, queries))
        return TOLERANCE * np.maximum(lengths * self._longest, np.abs(scores))


def _blockwise(ways: Ways, queries: np.ndarray, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k best of ``codes`` on one thread."""
    best = TopKOfOne(k, ways.dtype) if len(queries) == 1 else TopK(len(queries), k, ways.dtype)
    trial = ways.trial(queries, codes)
    way, start, stop = trial.next(), 0, min(trial.first_block(k), len(codes))
    while start < len(codes):
        read_ahead(codes, stop, stop + way.documents)
        is_usual = start > 0 and stop - start == way.documents
        with trial.timed(way) if is_usual else nullcontext():
            best.push(way.score(queries, codes[start:stop]), start)
        way = trial.next()
        start, stop = stop, min(stop + way.documents, len(codes))
    return best.result()
