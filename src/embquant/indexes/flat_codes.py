"""Codes that FAISS encodes, scanned by the FAISS index that they belong to."""

from pathlib import Path
from typing import Self

import faiss
import numpy as np

from embquant.entries import NoParameters
from embquant.exact.scan import DecodedScan
from embquant.exact.topk import sort_by_score
from embquant.indexes.base import Codes, FlatIndex
from embquant.indexes.faiss_files import fill, read_filled, view
from embquant.quantize.codecs.faiss_codes import FaissCodec


class FlatCodes(FlatIndex):
    """Scans all codes with FAISS; a score is the float query's inner product with the decoded code.

    What methods are judged by is found by decoding block after block instead: for many queries matrix products are
    faster than FAISS's scan of one query after the other, and the order of equal documents is settled.
    """

    engine = "faiss"

    def __init__(self, index: faiss.IndexFlatCodes, codec: FaissCodec, threads: int) -> None:
        """Search ``index`` on ``threads`` threads."""
        self._index = index
        self._threads = threads
        self.codes = view(index.codes, index.ntotal, index.code_size, np.uint8)
        self._decoded = DecodedScan(codec, self.codes, threads)

    @classmethod
    def build(cls, codec: FaissCodec, codes: Codes, path: Path, parameters: NoParameters) -> None:
        """Write the codec's own index, filled."""
        index = faiss.clone_index(codec.index)
        fill(index, index.codes, codes, codec.bytes_per_vector)
        faiss.write_index(index, str(path))

    @classmethod
    def open(cls, path: Path, codec: FaissCodec, threads: int, parameters: NoParameters, mapped: bool = False) -> Self:
        """Open an index of the codec's own kind."""
        return cls(read_filled(path, faiss.clone_index(codec.index), mapped), codec, threads)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return float32 inner products and rows; of documents tied for the k-th place FAISS keeps any."""
        faiss.omp_set_num_threads(self._threads)
        scores, rows = self._index.search(np.ascontiguousarray(queries), min(k, len(self.codes)))
        return sort_by_score(scores, rows)

    def candidates(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Search by blocks of decoded codes."""
        return self._decoded.settled(queries, k)


INDEX = FlatCodes
