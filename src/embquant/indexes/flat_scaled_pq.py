"""Codes of scaled-pq in a plain NumPy file, scanned through FAISS's product quantizer."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Self

import faiss
import numpy as np

from embquant.entries import NoParameters
from embquant.exact.threads import limit_faiss_threads
from embquant.exact.topk import TopK
from embquant.indexes.faiss_files import fill
from embquant.indexes.flat_any import FlatAny
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.scaled_pq import SCALE_BYTES, ScaledProductQuantization, scales

WORTH_DECODING = 32
"""Number of queries from which on decoding all codes once is faster than looking all up for each query."""


class FlatScaledPq(FlatAny[ScaledProductQuantization]):
    """Scans all codes; a score is the float query's inner product with the decoded, scaled code."""

    engine = "faiss"

    def __init__(self, codes: np.ndarray, codec: ScaledProductQuantization, threads: int) -> None:
        """Search ``codes``, uint8 (documents, bytes per vector), on ``threads`` threads."""
        super().__init__(codes, codec, threads)
        self._pool = ThreadPoolExecutor(threads)
        self._bounds = np.linspace(0, len(codes), threads + 1, dtype=np.int64)
        self._shares: list[tuple[faiss.IndexPQ, np.ndarray]] = []

    @classmethod
    def open(
        cls,
        path: Path,
        codec: ScaledProductQuantization,
        threads: int,
        parameters: NoParameters,
        mapped: bool = False,
    ) -> Self:
        """Open a file of codes, which are mapped in either case: FAISS holds a copy of them, not the array."""
        index = super().open(path, codec, threads, parameters, mapped=True)
        if not mapped:
            index.load()
        return index

    def load(self) -> None:
        """Take the codes into memory, a share for each thread: FAISS's codes and their scales."""
        for first, last in zip(self._bounds[:-1], self._bounds[1:], strict=True):
            codes = self.codes[first:last]
            centroids = np.ascontiguousarray(codes[:, :-SCALE_BYTES])
            share = faiss.clone_index(self.codec.index)
            fill(share, share.codes, Batches(partial(iter, [centroids]), *centroids.shape), share.code_size)
            self._shares.append((share, scales(codes)))

    def quick(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return float32 inner products and rows."""
        if len(queries) >= WORTH_DECODING or not self._shares:
            return super().quick(queries, k)
        best = TopK(len(queries), min(k, len(self.codes)))
        products = list(self._pool.map(lambda share: _products(queries, *share), self._shares))
        for first, scores in zip(self._bounds, products, strict=False):
            best.push(scores, int(first))
        return best.result()


def _products(queries: np.ndarray, index: faiss.IndexPQ, factors: np.ndarray) -> np.ndarray:
    """Return the scores of all codes, float32 (queries, codes): FAISS's range search without a bound, scaled."""
    with limit_faiss_threads(1):
        _, products, rows = index.range_search(np.ascontiguousarray(queries), -np.inf)
    scores = np.empty(len(queries) * len(factors), np.float32)
    scores[np.repeat(np.arange(len(queries)), len(factors)) * len(factors) + rows] = products
    return scores.reshape(len(queries), -1) * factors
