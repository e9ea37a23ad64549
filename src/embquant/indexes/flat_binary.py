"""Bits in a FAISS flat binary index, compared by Hamming distance."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import faiss
import numkong
import numpy as np

from embquant.indexes.base import FlatIndex
from embquant.indexes.faiss_files import fill, read, view
from embquant.indexes.scan import Scan
from embquant.spec import NoParameters
from embquant.topk import sort_by_score

WORTH_PACKING = 32
"""Queries from which on to pack blocks of codes pays."""


class FlatBinary(FlatIndex):
    """Scans all codes; a score is the negative Hamming distance.

    FAISS compares a query with one code after the other; NumKong compares blocks of queries with packed blocks of
    codes, as matrix products are computed. The former is faster for few queries, the latter for many.
    """

    engine = "faiss alone, numkong in batch"

    def __init__(self, index: faiss.IndexBinaryFlat, threads: int) -> None:
        """Search ``index`` on ``threads`` threads."""
        self._index = index
        self._scan = Scan(threads)
        self.codes = view(index.xb, index.ntotal, index.code_size, np.uint8)

    @classmethod
    def build(cls, codes: Iterable[np.ndarray], count: int, dim: int, path: Path, parameters: NoParameters) -> None:
        """Write a FAISS ``IndexBinaryFlat``."""
        index = faiss.IndexBinaryFlat(_padded(dim))
        fill(index, index.xb, codes, count, index.code_size)
        faiss.write_index_binary(index, str(path))

    @classmethod
    def open(cls, path: Path, dim: int, threads: int, parameters: NoParameters, mapped: bool = False) -> Self:
        """Open a FAISS ``IndexBinaryFlat``."""
        return cls(read(path, faiss.IndexBinaryFlat, faiss.read_index_binary, _padded(dim), mapped), threads)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return negative distances and rows."""
        if len(queries) >= WORTH_PACKING:
            return self._scan(_negative_distances, queries, self.codes, k)
        faiss.omp_set_num_threads(self._scan.shares(queries, self.codes))
        distances, rows = self._index.search(np.ascontiguousarray(queries), min(k, len(self.codes)))
        # FAISS keeps the lowest rows of those tied for the k-th place, but returns ties in no set order.
        return sort_by_score(-distances, rows)


def _negative_distances(queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
    distances = np.asarray(numkong.hammings_packed(queries, numkong.hammings_pack(codes))).view(np.int32)
    return np.negative(distances, out=distances)


def _padded(dim: int) -> int:
    """FAISS counts whole bytes; the bits beyond ``dim`` are zero on both sides and never differ."""
    return -(-dim // 8) * 8


INDEX = FlatBinary
