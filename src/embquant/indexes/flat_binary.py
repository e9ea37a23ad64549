"""Bits in a FAISS flat binary index, compared by Hamming distance, or with float queries."""

from pathlib import Path
from typing import Self

import faiss
import numpy as np

from embquant.codecs.binary import Binary
from embquant.indexes.base import Codes, FlatIndex
from embquant.indexes.faiss_files import fill, padded, read, view
from embquant.indexes.scan import scan, settled
from embquant.spec import NoParameters
from embquant.topk import sort_by_score


class FlatBinary(FlatIndex):
    """Scans all codes; a score is the negative Hamming distance or, for float queries, their product with ±1."""

    engine = "faiss"

    def __init__(self, index: faiss.IndexBinaryFlat, codec: Binary, threads: int) -> None:
        """Search ``index`` on ``threads`` threads."""
        self._index = index
        self._codec = codec
        self._threads = threads
        self.codes = view(index.xb, index.ntotal, index.code_size, np.uint8)

    @classmethod
    def build(cls, codec: Binary, codes: Codes, path: Path, parameters: NoParameters) -> None:
        """Write a FAISS ``IndexBinaryFlat``."""
        index = faiss.IndexBinaryFlat(padded(codec.dim))
        fill(index, index.xb, codes, index.code_size)
        faiss.write_index_binary(index, str(path))

    @classmethod
    def open(cls, path: Path, codec: Binary, threads: int, parameters: NoParameters, mapped: bool = False) -> Self:
        """Open a FAISS ``IndexBinaryFlat``."""
        index = read(path, faiss.IndexBinaryFlat, faiss.read_index_binary, padded(codec.dim), mapped)
        return cls(index, codec, threads)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return negative distances to uint8 queries, or products with float32 ones, and rows.

        FAISS keeps the lowest rows of those tied for the k-th place, but returns ties in no set order.
        """
        if queries.dtype != np.uint8:
            return scan(self._codec.scan, queries, self.codes, k)
        faiss.omp_set_num_threads(self._threads)
        distances, rows = self._index.search(np.ascontiguousarray(queries), min(k, len(self.codes)))
        return sort_by_score(-distances, rows)

    def candidates(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Search; products are settled in float64."""
        return self.search(queries, k) if queries.dtype == np.uint8 else settled(self._codec, queries, self.codes, k)


INDEX = FlatBinary
