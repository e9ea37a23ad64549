"""Codes of scaled-pq in a plain NumPy file, scanned through FAISS's product quantizer."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import faiss
import numpy as np

from embquant.entries import NoParameters
from embquant.errors import InputError
from embquant.exact.scan import DecodedScan
from embquant.exact.topk import TopK
from embquant.files.atomic import UNREADABLE_NPY
from embquant.indexes.base import Codes, FlatIndex
from embquant.indexes.faiss_files import fill
from embquant.quantize.codecs.scaled_pq import SCALE_BYTES, ScaledProductQuantization, scales

WORTH_DECODING = 32
"""Queries from which on it is faster to decode all codes once than to look all up for each query."""


class FlatScaledPq(FlatIndex):
    """Scans all codes; a score is the float query's inner product with the decoded, scaled code."""

    engine = "faiss"

    def __init__(self, codes: np.ndarray, codec: ScaledProductQuantization, threads: int) -> None:
        """Search ``codes``, uint8 (documents, bytes a vector), on ``threads`` threads."""
        self.codes = codes
        self._codec = codec
        self._pool = ThreadPoolExecutor(threads)
        self._decoded = DecodedScan(codec, codes, threads)
        self._bounds = np.linspace(0, len(codes), threads + 1, dtype=np.int64)
        self._shares: list[tuple[faiss.IndexPQ, np.ndarray]] = []

    @classmethod
    def build(cls, codec: ScaledProductQuantization, codes: Codes, path: Path, parameters: NoParameters) -> None:
        """Write what ``numpy.save`` writes, batch by batch."""
        with path.open("wb") as file:
            shape = {"descr": "|u1", "fortran_order": False, "shape": (len(codes), codec.bytes_per_vector)}
            np.lib.format.write_array_header_1_0(file, shape)
            for batch in codes:
                batch.tofile(file)

    @classmethod
    def open(
        cls,
        path: Path,
        codec: ScaledProductQuantization,
        threads: int,
        parameters: NoParameters,
        mapped: bool = False,
    ) -> Self:
        """Open a file of codes."""
        try:
            codes = np.load(path, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            raise InputError(f"{path}: no such file") from None
        except (OSError, *UNREADABLE_NPY) as error:
            raise InputError(f"{path}: not a readable .npy file ({error}); delete it and run again") from None
        if codes.dtype != np.uint8 or codes.shape[1:] != (codec.bytes_per_vector,):
            raise InputError(f"{path}: holds {codes.dtype} {codes.shape}, expected uint8 (…, {codec.bytes_per_vector})")
        index = cls(codes, codec, threads)
        if not mapped:
            index.load()
        return index

    def load(self) -> None:
        """Take the codes into memory, a share for each thread: FAISS's codes and their scales."""
        for first, last in zip(self._bounds[:-1], self._bounds[1:], strict=True):
            own = self.codes[first:last]
            share = faiss.clone_index(self._codec.index)
            fill(
                share,
                share.codes,
                Codes(lambda own=own: iter([np.ascontiguousarray(own[:, :-SCALE_BYTES])]), len(own)),
                share.code_size,
            )
            self._shares.append((share, scales(own)))

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return float32 inner products and rows."""
        if len(queries) >= WORTH_DECODING or not self._shares:
            return self._decoded.search(queries, k)
        best = TopK(len(queries), min(k, len(self.codes)))
        products = list(self._pool.map(lambda share: _products(queries, *share), self._shares))
        for first, scores in zip(self._bounds, products, strict=False):
            best.push(scores, int(first))
        return best.result()

    def candidates(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Search by blocks of decoded codes."""
        return self._decoded.settled(queries, k)


def _products(queries: np.ndarray, index: faiss.IndexPQ, factors: np.ndarray) -> np.ndarray:
    """Return the scores of all codes, float32 (queries, codes): FAISS's range search without a bound, scaled."""
    faiss.omp_set_num_threads(1)
    _, products, rows = index.range_search(np.ascontiguousarray(queries), -np.inf)
    scores = np.empty(len(queries) * len(factors), np.float32)
    scores[np.repeat(np.arange(len(queries)), len(factors)) * len(factors) + rows] = products
    return scores.reshape(len(queries), -1) * factors


INDEX = FlatScaledPq
