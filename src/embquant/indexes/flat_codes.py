"""Codes that FAISS encodes, scanned by the FAISS index that they belong to."""

from pathlib import Path
from typing import Self

import faiss
import numpy as np

from embquant.entries import NoParameters
from embquant.exact.scan import DecodedScan
from embquant.exact.topk import sort_by_score
from embquant.indexes.base import FlatIndex
from embquant.indexes.faiss_files import fill, read, search, view
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import CodecSpec
from embquant.quantize.codecs.faiss_codes import FaissCodec


class FlatCodes(FlatIndex[FaissCodec]):
    """Scans all codes with FAISS; a score is the float query's inner product with the decoded code.

    ``search_reproducibly`` decodes block after block instead: for many queries matrix products are faster than FAISS's
    scan of one query after the other, and equal documents come in row order.
    """

    engine = "faiss"

    def __init__(self, index: faiss.IndexFlatCodes, codec: FaissCodec, threads: int) -> None:
        """Search ``index`` on ``threads`` threads."""
        self._index = index
        self._threads = threads
        self.codes = view(index.codes, index.ntotal, index.code_size, np.uint8)
        self._decoded = DecodedScan(codec, threads)

    @classmethod
    def file_bytes(cls, documents: int, codec: CodecSpec, dim: int, build: NoParameters) -> float:
        """Return the bytes of the codes and of what the codec has learned."""
        return super().file_bytes(documents, codec, dim, build) + codec.learned_bytes(dim)

    @classmethod
    def build(cls, codec: FaissCodec, codes: Batches, path: Path, parameters: NoParameters) -> None:
        """Write the codec's own index, filled."""
        index = faiss.clone_index(codec.index)
        fill(index, index.codes, codes, codec.bytes_per_vector)
        faiss.write_index(index, str(path))

    @classmethod
    def open(cls, path: Path, codec: FaissCodec, threads: int, parameters: NoParameters, mapped: bool = False) -> Self:
        """Open an index of the codec's own kind."""
        index = read(path, type(codec.index), codec.dim, mapped, codec.bytes_per_vector)
        return cls(index, codec, threads)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inner products and rows; those that FAISS's float32 sums can't tell apart are settled in float64."""
        return self._decoded.ranked(self.quick, queries, self.codes, k)

    def search_reproducibly(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Search by blocks of decoded codes."""
        return self._decoded.settled(queries, self.codes, k)

    def quick(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Search with FAISS, which keeps any of the documents that are tied for the k-th place."""
        return sort_by_score(*search(self._index, queries, k, self._threads))
