"""The k best of scores that arrive block by block, ties by ascending row."""

import numpy as np

ROWS_AT_ONCE = 16_384


class TopK:
    """Running top k of each query over blocks of documents.

    Only scores above a query's k-th best so far are kept for the next selection, so that after the first
    blocks a block costs little more than one comparison a score.
    """

    def __init__(self, queries: int, k: int) -> None:
        """Prepare for ``queries`` queries and ``k`` documents each."""
        self._queries = queries
        self._k = k
        self._held = 0
        self._threshold: np.ndarray | None = None
        self._kept: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._pending = 0

    def push(self, scores: np.ndarray, first_row: int) -> None:
        """Take the scores (documents, queries) of the documents from ``first_row`` on; blocks come in row order."""
        for start in range(0, len(scores), ROWS_AT_ONCE):
            self._push(scores[start : start + ROWS_AT_ONCE], first_row + start)

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Return scores and int64 rows (queries, min(k, documents)), best first, ties by ascending row."""
        _, rows, scores = self._select()
        shape = (self._queries, -1)
        return scores.reshape(shape), rows.reshape(shape)

    def _push(self, scores: np.ndarray, first_row: int) -> None:
        if self._threshold is not None:
            above = scores > self._threshold
        elif len(scores) > self._k:
            above = scores >= np.partition(scores, len(scores) - self._k, axis=0)[len(scores) - self._k]
        else:
            above = np.ones(scores.shape, dtype=bool)
        rows, queries = np.divmod(np.flatnonzero(above), self._queries)
        self._kept.append((queries, rows + first_row, scores[above]))
        self._pending += len(rows)
        self._held += len(scores)
        if self._pending > 2 * self._k * self._queries + ROWS_AT_ONCE or self._threshold is None:
            self._kept = [self._select()]
            self._pending = len(self._kept[0][0])
            if self._held >= self._k:
                self._threshold = self._kept[0][2].reshape(self._queries, -1)[:, -1]

    def _select(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        queries, rows, scores = (np.concatenate(parts) for parts in zip(*self._kept, strict=True))
        order = np.lexsort((rows, _descending(scores), queries))
        starts = np.searchsorted(queries[order], np.arange(self._queries))
        kept = min(self._k, self._held)
        order = order[(starts[:, None] + np.arange(kept)).reshape(-1)]
        return queries[order], rows[order], scores[order]


def _descending(scores: np.ndarray) -> np.ndarray:
    return -(scores.astype(np.int64) if np.issubdtype(scores.dtype, np.integer) else scores)


def rank(scores: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    """Return the positions (queries, min(k, n)) of the k best of ``scores`` (queries, n), ties by ascending row."""
    return np.lexsort((rows, -scores), axis=1)[:, :k]
