"""A matrix that is too large for memory, read batch by batch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import numpy as np

ROWS_AT_ONCE = 16_384
"""Rows of a batch of chosen rows."""


@dataclass(frozen=True)
class Batches:
    """A matrix of ``rows`` rows and ``dim`` columns: the embeddings of a corpus, or its codes.

    ``source`` starts to read it: it returns an iterator over arrays (rows of a batch, ``dim``), in corpus order. It may
    be called any number of times. ``seen`` tells of each row whether something may be fitted on it, bool (rows,); None
    stands for all rows.
    """

    source: Callable[[], Iterator[np.ndarray]]
    rows: int
    dim: int
    seen: np.ndarray | None = None

    def __iter__(self) -> Iterator[np.ndarray]:
        """Read the matrix from its first row."""
        return self.source()

    def map(self, function: Callable[[np.ndarray], np.ndarray], dim: int) -> Self:
        """Return the matrix of what ``function`` makes of each batch: as many rows, ``dim`` columns."""
        return replace(self, source=lambda: map(function, self), dim=dim)

    @property
    def sample(self) -> Self:
        """The rows that something may be fitted on, as a matrix of their own."""
        if self.seen is None:
            return self
        return type(self)(partial(self._chosen, self.seen), int(self.seen.sum()), self.dim)

    def _chosen(self, seen: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the rows ``seen``, bool (rows,), in batches that don't depend on which other rows there are."""
        waiting: list[np.ndarray] = []
        first = 0
        for batch in self:
            joined = np.concatenate([*waiting, batch[seen[first : first + len(batch)]]])
            first += len(batch)
            whole = len(joined) - len(joined) % ROWS_AT_ONCE
            yield from (joined[start : start + ROWS_AT_ONCE] for start in range(0, whole, ROWS_AT_ONCE))
            waiting = [joined[whole:]]
        yield from (rows for rows in waiting if len(rows))

    def draw(self, count: int, seed: int) -> np.ndarray:
        """Return ``count`` rows drawn with ``seed``, or all rows if there are no more, float32, in corpus order."""
        if count >= self.rows:
            return np.concatenate([np.empty((0, self.dim), np.float32), *self])
        chosen = np.sort(np.random.default_rng(seed).choice(self.rows, count, replace=False))
        drawn, first = [], 0
        for batch in self:
            stop = first + len(batch)
            drawn.append(batch[chosen[(chosen >= first) & (chosen < stop)] - first])
            first = stop
        return np.concatenate(drawn)

    def mean(self) -> np.ndarray:
        """Return the mean row, float64 (dim,), summed in corpus order."""
        total = np.zeros(self.dim)
        for batch in self:
            total += batch.sum(axis=0, dtype=np.float64)
        return total / self.rows
