"""4-bit product quantizers' codes, and bits, in FAISS's fast-scan layout: tables of products stay in registers."""

from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np

from embquant.entries import NoParameters
from embquant.errors import InapplicableError
from embquant.exact.topk import found_by_faiss
from embquant.indexes.base import Index, Quantizer
from embquant.indexes.faiss_files import fill, read, search
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import CodecSpec, Family
from embquant.quantize.codecs.binary import SIGNS, Binary
from embquant.quantize.codecs.pq import ProductQuantization
from embquant.quantize.extent import Extent

BLOCK = 32
"""Codes that FAISS lays out together; the last block is filled up."""


class FastScanIndex(Index[Quantizer]):
    """Scans all codes by a query's products with the centroids, rounded to 8 bits; a score is their sum.

    André et al. 2015, "Cache locality is not enough: high-performance nearest neighbor search with product
    quantization fast scan".
    """

    engine = "faiss"

    def __init__(self, index: faiss.IndexFastScan, threads: int) -> None:
        """Search ``index`` on ``threads`` threads."""
        self._index = index
        self._threads = threads

    @classmethod
    def scorings(cls, codec: type[Family]) -> tuple[str, ...]:
        """Return the only one: the query's products are looked up."""
        return ("asymmetric",)

    @classmethod
    def file_bytes(cls, documents: int, codec: CodecSpec, dim: int, build: NoParameters) -> float:
        """Return the bytes of whole blocks of codes and of the 16 centroids of every piece."""
        blocks = -(-documents // BLOCK)
        return blocks * BLOCK * codec.code_bytes(dim) + 16 * 4 * codec.quantized_dim(dim)

    @classmethod
    def open(cls, path: Path, codec: Quantizer, threads: int, parameters: Any, mapped: bool = False) -> Self:
        """Open a FAISS ``IndexPQFastScan``."""
        return cls(read(path, faiss.IndexPQFastScan, codec.dim, mapped), threads)

    def __len__(self) -> int:
        """Return the number of documents."""
        return int(self._index.ntotal)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return sums of rounded products and rows."""
        return found_by_faiss(*search(self._index, queries, k, self._threads))


class FastScan(FastScanIndex[ProductQuantization]):
    """Codes of a product quantizer of 4 bits."""

    @classmethod
    def obstacle(cls, codec: CodecSpec, extent: Extent, build: NoParameters) -> str | None:
        """Say that the codec doesn't have 4 bits per piece; None if it has."""
        return other_bits(codec.parameters.bits)

    @classmethod
    def build(cls, codec: ProductQuantization, codes: Batches, path: Path, parameters: NoParameters) -> None:
        """Write a FAISS ``IndexPQFastScan``."""
        if reason := other_bits(codec.index.pq.nbits):
            raise InapplicableError(f"index fastscan: {reason}")
        _write(faiss.clone_index(codec.index), codes, path)


class FastScanBinary(FastScanIndex[Binary]):
    """Bits, as codes of a product quantizer whose centroids are the corners of a cube: four bits per piece."""

    @classmethod
    def obstacle(cls, codec: CodecSpec, extent: Extent, build: NoParameters) -> str | None:
        """Say that codes aren't whole bytes of bits; None if they are."""
        return _bits_to_spare(extent.dim)

    @classmethod
    def build(cls, codec: Binary, codes: Batches, path: Path, parameters: NoParameters) -> None:
        """Write a FAISS ``IndexPQFastScan``."""
        _write(_corners(codec.dim), codes.map(_swapped, codes.dim), path)


def other_bits(bits: int) -> str | None:
    """Say that a product quantizer of as many ``bits`` isn't one of 4; None if it is."""
    return None if bits == 4 else f"needs a pq codec of 4 bits, this one has {bits}"


def _bits_to_spare(dim: int) -> str | None:
    return f"needs whole bytes of bits, {dim} dimensions are not divisible by 8" if dim % 8 else None


def _write(quantizer: Any, codes: Batches, path: Path) -> None:
    """Fill the empty ``quantizer``, a FAISS ``IndexPQ``, and write it in the fast-scan layout."""
    fill(quantizer, quantizer.codes, codes, quantizer.code_size)
    faiss.write_index(faiss.IndexPQFastScan(quantizer), str(path))


def _corners(dim: int) -> faiss.IndexPQ:
    """Return an empty index whose 16 centroids of every four dimensions are all combinations of ±1."""
    if reason := _bits_to_spare(dim):
        raise InapplicableError(f"index fastscan: {reason}")
    index = faiss.IndexPQ(dim, dim // 4, 4, faiss.METRIC_INNER_PRODUCT)
    faiss.copy_array_to_vector(np.tile(SIGNS.astype(np.float32).ravel(), dim // 4), index.pq.centroids)
    index.is_trained = True
    return index


def _swapped(codes: np.ndarray) -> np.ndarray:
    """Swap the halves of each byte: FAISS has the first four dimensions in the lower one."""
    return codes >> 4 | codes << 4
