"""float32 in a FAISS flat inner-product index: the exact baseline."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, Self

import faiss
import numpy as np
from threadpoolctl import ThreadpoolController

from embquant.indexes.base import FlatIndex
from embquant.indexes.faiss_files import fill, read, view
from embquant.indexes.scan import Scan
from embquant.spec import NoParameters
from embquant.topk import rank

SLACK = 128
"""Candidates beyond k whose order is settled in float64; float32 sums err by about 1e-7 of a unit score."""


@dataclass(frozen=True)
class Engine:
    """Who scans."""

    engine: Literal["blas", "faiss"] = "blas"


class FlatFloat32(FlatIndex):
    """Scans all vectors, by one of two engines, of which the faster serves as the baseline.

    ``blas``: blocked matrix products with a running top k. ``faiss``: ``IndexFlatIP`` as it comes.
    """

    search_parameters = Engine

    def __init__(self, index: faiss.IndexFlatIP, threads: int, engine: Literal["blas", "faiss"]) -> None:
        """Search ``index`` with ``engine`` on ``threads`` threads."""
        self._index = index
        self._threads = threads
        self._scan = Scan(threads)
        self._alone = Scan(1)
        self._blas = ThreadpoolController().select(user_api="blas")
        self.engine = engine
        self.codes = view(index.codes, index.ntotal, index.d, np.float32)

    @classmethod
    def build(cls, codes: Iterable[np.ndarray], count: int, dim: int, path: Path, parameters: NoParameters) -> None:
        """Write a FAISS ``IndexFlatIP``."""
        index = faiss.IndexFlatIP(dim)
        fill(index, index.codes, codes, count, 4 * dim)
        faiss.write_index(index, str(path))

    @classmethod
    def open(cls, path: Path, dim: int, threads: int, parameters: Engine, mapped: bool = False) -> Self:
        """Open a FAISS ``IndexFlatIP``."""
        return cls(read(path, faiss.IndexFlatIP, faiss.read_index, dim, mapped), threads, parameters.engine)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return float32 inner products and rows."""
        if self.engine == "faiss":
            faiss.omp_set_num_threads(self._threads)
            return self._index.search(np.ascontiguousarray(queries), min(k, len(self.codes)))
        if len(queries) < self._threads:  # too few to share out: BLAS shares out each product
            return self._alone(_products, queries, self.codes, k)
        with self._blas.limit(limits=1):  # a thread of the scan computes its products itself
            return self._scan(_products, queries, self.codes, k)

    def candidates(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Search somewhat deeper than k, then settle the order by float64 inner products, ties by ascending row."""
        _, rows = self.search(queries, k + SLACK)
        return tuple(np.concatenate(own) for own in self._scan.map(partial(self._settle, k), queries, rows))

    def _settle(self, k: int, queries: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scores = np.empty(rows.shape)
        for query, found, score in zip(queries, rows, scores, strict=True):
            np.einsum("kd,d->k", self.codes[found], query, dtype=np.float64, out=score)
        order = rank(scores, rows, k)
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)


def _products(queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return queries @ codes.T


INDEX = FlatFloat32
