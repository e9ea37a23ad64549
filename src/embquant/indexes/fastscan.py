"""4-bit product quantizers' codes, and bits, in FAISS's fast-scan layout: tables of products stay in registers."""

from pathlib import Path
from typing import Self

import faiss
import numpy as np

from embquant.entries import NoParameters
from embquant.errors import InputError
from embquant.exact.topk import found_by_faiss
from embquant.indexes.base import Codes, Index
from embquant.indexes.faiss_files import fill, read_filled
from embquant.quantize.codecs.base import Codec
from embquant.quantize.codecs.binary import SIGNS


class FastScan(Index):
    """Scans all codes by a query's products with the centroids, rounded to 8 bits; a score is their sum.

    André et al. 2015, "Cache locality is not enough: high-performance nearest neighbor search with product
    quantization fast scan". Bits are codes of a product quantizer whose centroids are the corners of a cube: four bits
    a piece.
    """

    exact = False
    engine = "faiss"

    def __init__(self, index: faiss.IndexPQFastScan, threads: int) -> None:
        """Search ``index`` on ``threads`` threads."""
        self._index = index
        self._threads = threads

    @classmethod
    def build(cls, codec: Codec, codes: Codes, path: Path, parameters: NoParameters) -> None:
        """Write a FAISS ``IndexPQFastScan``."""
        if codec.family == "binary":
            index, given = _corners(codec.dim), Codes(lambda: map(_swapped, codes), len(codes))
        else:
            index, given = faiss.clone_index(codec.index), codes
            if index.pq.nbits != 4:
                raise InputError(f"index fastscan: needs a pq codec of 4 bits, this one has {index.pq.nbits}")
        fill(index, index.codes, given, index.code_size)
        faiss.write_index(faiss.IndexPQFastScan(index), str(path))

    @classmethod
    def open(cls, path: Path, codec: Codec, threads: int, parameters: NoParameters, mapped: bool = False) -> Self:
        """Open a FAISS ``IndexPQFastScan``."""
        trained = _corners(codec.dim) if codec.family == "binary" else codec.index
        return cls(read_filled(path, faiss.IndexPQFastScan(trained), mapped), threads)

    def __len__(self) -> int:
        """Return the number of documents."""
        return self._index.ntotal

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return sums of rounded products and rows."""
        faiss.omp_set_num_threads(self._threads)
        return found_by_faiss(*self._index.search(np.ascontiguousarray(queries), min(k, len(self))))


def _corners(dim: int) -> faiss.IndexPQ:
    """Return an empty index whose 16 centroids of every four dimensions are all combinations of ±1."""
    if dim % 8:
        raise InputError(f"index fastscan: needs whole bytes of bits, {dim} dimensions are not divisible by 8")
    index = faiss.IndexPQ(dim, dim // 4, 4, faiss.METRIC_INNER_PRODUCT)
    faiss.copy_array_to_vector(np.tile(SIGNS.astype(np.float32).ravel(), dim // 4), index.pq.centroids)
    index.is_trained = True
    return index


def _swapped(codes: np.ndarray) -> np.ndarray:
    """Swap the halves of each byte: FAISS has the first four dimensions in the lower one."""
    return codes >> 4 | codes << 4


INDEX = FastScan
