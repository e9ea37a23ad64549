"""Rescoring: candidates are scored again, by the float query and a finer representation of the documents."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np

from embquant.exact.mapped import look_up
from embquant.indexes.base import FlatIndex
from embquant.indexes.manifest import open_store
from embquant.quantize.codecs import Codec

BYTES_AT_ONCE = 1 << 25
"""Size of the codes that are gathered at once, counted as float64: 32 MiB."""


class Scorer(Protocol):
    """Anything that scores candidates by the float query."""

    def score(self, queries: np.ndarray, rows: np.ndarray, threads: int = 1) -> np.ndarray:
        """Score candidates as :meth:`Store.score` does."""


@dataclass(frozen=True)
class Store:
    """A rescore store: the codes of a flat index, and the codec that scores them."""

    codec: Codec
    index: FlatIndex[Codec]

    @classmethod
    def open(cls, manifest: Path) -> Self:
        """Open the flat index of ``manifest`` as a store, mapped from disk."""
        return cls(*open_store(manifest))

    def score(self, queries: np.ndarray, rows: np.ndarray, threads: int = 1) -> np.ndarray:
        """Score candidates ``rows`` (queries, k), −1 for none, by float32 ``queries`` (queries, dim).

        Returns float64 (queries, k), −inf where there is no candidate.
        """
        slices = list(self._slices(rows.shape))
        if len(slices) == 1:
            return self._score(queries, rows)
        with ThreadPoolExecutor(threads) as pool:
            return np.concatenate(list(pool.map(lambda part: self._score(queries[part], rows[part]), slices)))

    def _score(self, queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return np.where(rows < 0, -np.inf, self.codec.score(queries, look_up(self.index.codes, rows)))

    def _slices(self, shape: tuple[int, int]) -> Iterator[slice]:
        queries, candidates = shape
        step = max(1, BYTES_AT_ONCE // max(1, 8 * candidates * self.codec.dim))
        return (slice(first, first + step) for first in range(0, max(1, queries), step))
