"""Bits in a FAISS flat binary index, compared by Hamming distance, or with float queries."""

from pathlib import Path
from typing import Self

import faiss
import numkong
import numpy as np

from embquant.entries import NoParameters
from embquant.exact.scan import DecodedScan, Scan
from embquant.exact.threads import limit_faiss_threads
from embquant.exact.topk import nearest_by_faiss
from embquant.exact.ways import Ways
from embquant.indexes.base import FlatIndex
from embquant.indexes.faiss_files import fill, padded, read, view
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.binary import Binary

WORTH_PACKING = 32
"""Number of queries from which on packing blocks of codes pays."""


class FlatBinary(FlatIndex[Binary]):
    """Scans all codes; a score is the negative Hamming distance or, for float queries, their product with ±1.

    FAISS compares a query with one code after the other; NumKong compares blocks of queries with packed blocks of
    codes, as matrix products are computed. The former is faster for few queries, the latter for many.
    """

    engine = "faiss alone, numkong in batch"

    def __init__(self, index: faiss.IndexBinaryFlat, codec: Binary, threads: int) -> None:
        """Search ``index`` on ``threads`` threads."""
        self._index = index
        self.codes = view(index.xb, index.ntotal, index.code_size, np.uint8)
        self._scan = Scan(threads)
        self._decoded = DecodedScan(codec, threads)

    @classmethod
    def build(cls, codec: Binary, codes: Batches, path: Path, parameters: NoParameters) -> None:
        """Write a FAISS ``IndexBinaryFlat``."""
        index = faiss.IndexBinaryFlat(padded(codec.dim))
        fill(index, index.xb, codes, index.code_size)
        faiss.write_index_binary(index, str(path))

    @classmethod
    def open(cls, path: Path, codec: Binary, threads: int, parameters: NoParameters, mapped: bool = False) -> Self:
        """Open a FAISS ``IndexBinaryFlat``."""
        return cls(read(path, faiss.IndexBinaryFlat, codec.dim, mapped), codec, threads)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return negative distances to uint8 queries, or products with float32 ones, and rows."""
        if queries.dtype != np.uint8:
            return self._decoded.ranked(self._products, queries, self.codes, k)
        if len(queries) >= WORTH_PACKING:
            agreements, rows = self._scan(WAYS, ~queries, self.codes, k)
            return agreements - np.int32(8 * self.codes.shape[1]), rows
        return self._scan.share(_nearest, queries, self.codes, k)

    def search_reproducibly(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Search; products are settled in float64."""
        return self.search(queries, k) if queries.dtype == np.uint8 else self._decoded.settled(queries, self.codes, k)

    def _products(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        return self._decoded.search(queries, self.codes, k)


def _nearest(queries: np.ndarray, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    with limit_faiss_threads(1):  # of this thread; FAISS itself would share out queries, of which there may be one
        return nearest_by_faiss(*faiss.knn_hamming(np.ascontiguousarray(queries), codes, k))


def agreements(opposites: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return in how many bits each code is unlike each of ``opposites``, the inverted queries, and so like the query.

    int32 (queries, documents). So no pass over all distances has to turn their signs.
    """
    return np.asarray(numkong.hammings_packed(opposites, numkong.hammings_pack(codes))).view(np.int32)


WAYS = Ways(agreements, dtype=np.int32)
