"""The k best of scores that arrive block by block, ties by ascending row.

A score and its row are one integer key, so that sorting keys sorts by score, best first, and then by row:
NumPy selects and sorts plain integers many times faster than pairs.
"""

import numpy as np

WORST = np.iinfo(np.int64).max
ROW_BITS = 32

GROUPS = 16
"""Groups of the first documents, times k, whose greatest scores tell which scores may be among the k best."""


class TopK:
    """Running top k of each query over blocks of documents.

    Once k documents are known, only scores above a query's k-th best are looked at, so that a block costs
    little more than one comparison per score.
    """

    def __init__(self, queries: int, k: int, dtype: type = np.float32) -> None:
        """Prepare for ``queries`` queries and ``k`` documents each; scores are float32, or with ``dtype`` int32."""
        self._k = k
        self._queries = np.arange(queries)
        self._keys = np.empty((queries, 0), np.int64)
        self._counts = np.zeros(queries, np.int64)
        self._least: np.ndarray | None = None
        self._dtype = np.dtype(dtype)

    def push(self, scores: np.ndarray, first_row: int) -> None:
        """Take scores (queries, documents) of the documents from ``first_row`` on, in row order.

        Scores of int32 may also come as float32, which has all integers up to 2²⁴. They may lie in memory query by
        query or document by document.
        """
        documents = scores.shape[1]
        if self._least is not None:
            above = scores > self._least.astype(scores.dtype)
        elif documents > self._k:
            above = scores >= _bar(scores, self._k)
        else:
            above = np.ones(scores.shape, dtype=bool)
        queries, rows = _true_by_query(above)
        if len(queries):
            counts = np.bincount(queries, minlength=len(scores))
            found = scores[queries, rows].astype(self._dtype)
            self._keep(_keys(found, rows + first_row), counts)
            if self._least is None or self._counts.max() >= 2 * self._k:  # to select costs more than to keep
                self._select()

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Return scores and int64 rows (queries, min(k, documents)), best first, ties by ascending row."""
        keys = np.sort(self._kept(), axis=1)[:, : self._k]
        return _scores(keys, self._dtype), keys & ((1 << ROW_BITS) - 1)

    def _keep(self, keys: np.ndarray, counts: np.ndarray) -> None:
        """Put ``keys``, of which the first query has ``counts[0]``, and so on, after those that each query has."""
        missing = (self._counts + counts).max() - self._keys.shape[1]
        if missing > 0:
            more = np.full((len(counts), missing + self._k), WORST)
            self._keys = np.concatenate([self._keys, more], axis=1)
        free = self._queries * self._keys.shape[1] + self._counts
        self._keys.reshape(-1)[np.arange(len(keys)) + np.repeat(free - np.cumsum(counts) + counts, counts)] = keys
        self._counts += counts

    def _kept(self) -> np.ndarray:
        """Return the keys (queries, most that a query has); those that a query lacks are WORST."""
        return self._keys[:, : self._counts.max(initial=0)]

    def _select(self) -> None:
        best = self._kept()
        if best.shape[1] > self._k:
            best = np.partition(best, self._k - 1, axis=1)[:, : self._k]
            self._keys[:, : self._k] = best
            self._keys[:, self._k :] = WORST
            self._counts[:] = self._k
        if best.shape[1] == self._k:
            self._least = _scores(best.max(axis=1), self._dtype)[:, None]


class TopKOfOne:
    """The same of a single query, in a fraction of the steps: with few documents, these take longer than the scores."""

    def __init__(self, k: int, dtype: type = np.float32) -> None:
        """Prepare for ``k`` documents; scores are float32, or with ``dtype`` int32."""
        self._k = k
        self._keys = np.empty(0, np.int64)
        self._least: np.ndarray | None = None
        self._dtype = np.dtype(dtype)

    def push(self, scores: np.ndarray, first_row: int) -> None:
        """Take scores (1, documents) of the documents from ``first_row`` on, in row order, as :class:`TopK` does."""
        own = scores.reshape(-1)
        if self._least is not None:
            above = own > self._least
        elif len(own) > self._k:
            width = min(len(own), GROUPS * self._k)
            greatest = own[: len(own) // width * width].reshape(-1, width).max(axis=0)
            above = own >= np.partition(greatest, width - self._k)[width - self._k]
        else:
            above = np.ones(len(own), dtype=bool)
        rows = np.flatnonzero(above)
        if len(rows):
            keys = np.concatenate([self._keys, _keys(own[rows].astype(self._dtype), rows + first_row)])
            self._keys = np.sort(keys)[: self._k]
            if len(self._keys) == self._k:
                self._least = _scores(self._keys[-1:], self._dtype)

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Return scores and int64 rows (1, min(k, documents)), best first, ties by ascending row."""
        return _scores(self._keys[None], self._dtype), self._keys[None] & ((1 << ROW_BITS) - 1)


def rank(scores: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    """Return the places (queries, min(k, n)) of the k best float64 ``scores`` (queries, n), ties by ascending row."""
    order = np.argsort(-scores, axis=1)
    ordered = _taken(scores, order)
    tied = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
    if len(tied):
        order[tied] = np.lexsort((rows[tied], -scores[tied]), axis=1)
    return order[:, :k]


def best(scores: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k best float64 ``scores`` (queries, n) and their ``rows``, ties by ascending row."""
    order = rank(scores, rows, k)
    return _taken(scores, order), _taken(rows, order)


def _taken(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return what ``np.take_along_axis(values, places, axis=1)`` does, sooner for a single query."""
    return values[np.arange(len(values))[:, None], places]


def without_rows(scores: np.ndarray, rows: np.ndarray, left_out: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first ``k`` of a ranking, ``scores`` and ``rows`` (queries, n), less one row per query.

    ``left_out`` is int64 (queries,), −1 for none. Row −1 with score −inf stands where nothing follows.
    """
    out = rows == left_out[:, None]
    order = np.argsort(out, axis=1, kind="stable")[:, :k]
    scores, rows = np.where(out, -np.inf, scores), np.where(out, -1, rows)
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)


def sort_by_score(scores: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return int32 or float32 ``scores`` and ``rows`` (queries, n) sorted best first, ties by ascending row."""
    keys = np.sort(_keys(scores, rows), axis=1)
    return _scores(keys, scores.dtype), keys & ((1 << ROW_BITS) - 1)


def nearest_by_faiss(distances: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what FAISS found by int32 Hamming ``distances``, as negative distances and ``rows`` (queries, n).

    FAISS's heaps compare equal distances by row, so they are in order already. Empty places (row −1) come last, with
    score −inf.
    """
    if -1 in rows[:, -1].tolist():
        return np.where(rows < 0, -np.inf, -distances), rows
    return -distances, rows


def found_by_faiss(scores: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what an approximate FAISS index found, float32 ``scores`` and ``rows``, sorted.

    Its empty places (row −1) come last, with score −inf.
    """
    if rows.min(initial=0) < 0:
        return best(np.where(rows < 0, -np.inf, scores), rows, rows.shape[1])
    if (scores[:, 1:] < scores[:, :-1]).all():  # as FAISS returns them unless some are tied
        return scores, rows
    return sort_by_score(scores, rows)


def _bar(scores: np.ndarray, k: int) -> np.ndarray:
    """Return for each query a score (queries, 1) that at least k of its ``scores`` (queries, documents) reach.

    The k-th best of the greatest scores of as many groups of documents is found sooner than that of all.
    """
    width = max(k, min(scores.shape[1], GROUPS * k))
    greatest = np.array(scores[:, :width], order="C")
    for first in range(width, scores.shape[1] - width + 1, width):
        np.maximum(greatest, scores[:, first : first + width], out=greatest)
    return np.partition(greatest, width - k, axis=1)[:, width - k, None]


def _true_by_query(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the queries and documents for which ``mask`` (queries, documents) is true, query by query.

    It is C-contiguous, or its transpose is.
    """
    if mask.flags.c_contiguous:
        places = _true(mask)
        queries = places // mask.shape[1]
        return queries, places - queries * mask.shape[1]
    places = _true(mask.T)
    rows = places // len(mask)
    queries = places - rows * len(mask)
    order = np.argsort(queries.astype(np.min_scalar_type(len(mask))), kind="stable")  # two bytes are sorted by radix
    return queries[order], rows[order]


def _true(mask: np.ndarray) -> np.ndarray:
    """Return the flat places where a C-contiguous ``mask`` is true, ascending: if few, twice as fast as flatnonzero."""
    flat = mask.reshape(-1)
    whole = len(flat) // 8 * 8
    eights = np.flatnonzero(flat[:whole].view(np.uint64) != 0)
    places = np.flatnonzero(flat[:whole].reshape(-1, 8)[eights])
    return np.append(eights[places >> 3] << 3 | places & 7, whole + np.flatnonzero(flat[whole:]))


def _keys(scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Put scores, inverted, before rows: the least key is the best score with the lowest row."""
    return (~_ordinal(scores).astype(np.int64) << ROW_BITS) | rows


def _scores(keys: np.ndarray, dtype: np.dtype) -> np.ndarray:
    ordinal = (~(keys >> ROW_BITS)).astype(np.int32)
    return ordinal if dtype.kind == "i" else _flip_negative(ordinal).view(np.float32)


def _ordinal(scores: np.ndarray) -> np.ndarray:
    """Return int32 that order as the scores do: those of IEEE floats do, once the negative ones are turned round."""
    if scores.dtype.kind == "i":
        return scores
    return _flip_negative((scores + np.float32(0)).view(np.int32))  # adding zero makes −0 and 0 the same


def _flip_negative(bits: np.ndarray) -> np.ndarray:
    return np.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits)
