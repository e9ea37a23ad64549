"""Bits in a FAISS HNSW graph, compared by Hamming distance."""

from pathlib import Path
from typing import Self

import faiss
import numpy as np

from embquant.exact.threads import limit_faiss_threads
from embquant.exact.topk import nearest_by_faiss
from embquant.indexes.base import Index
from embquant.indexes.faiss_files import padded, read, search
from embquant.indexes.hnsw import HnswBuild, HnswSearch, edge_bytes
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import CodecSpec, Family
from embquant.quantize.codecs.binary import Binary

NODE_BYTES = 12
"""Bytes of a node's level and its offset in FAISS's file."""


class HnswBinary(Index[Binary]):
    """Searches a graph; a score is the negative Hamming distance."""

    has_overhead = True
    build_parameters = HnswBuild
    search_parameters = HnswSearch
    breadth = "expansion_search"
    engine = "faiss"

    def __init__(self, index: faiss.IndexBinaryHNSW, threads: int) -> None:
        """Search ``index`` on ``threads`` threads."""
        self._index = index
        self._threads = threads

    @classmethod
    def scorings(cls, codec: type[Family]) -> tuple[str, ...]:
        """Return the only one: FAISS walks graphs of bits by Hamming distance."""
        return ("symmetric",)

    @classmethod
    def file_bytes(cls, documents: int, codec: CodecSpec, dim: int, build: HnswBuild) -> float:
        """Return the bytes of the codes and of the graph."""
        return documents * (codec.code_bytes(dim) + edge_bytes(build.connectivity) + NODE_BYTES)

    @classmethod
    def build(cls, codec: Binary, codes: Batches, path: Path, parameters: HnswBuild) -> None:
        """Add the codes in row order on one thread: with more, every build gives another graph."""
        index = faiss.IndexBinaryHNSW(padded(codec.dim), parameters.connectivity)
        index.hnsw.efConstruction = parameters.expansion_add
        with limit_faiss_threads(1):
            for batch in codes:
                index.add(np.ascontiguousarray(batch))
        faiss.write_index_binary(index, str(path))

    @classmethod
    def open(cls, path: Path, codec: Binary, threads: int, parameters: HnswSearch, mapped: bool = False) -> Self:
        """Open a FAISS ``IndexBinaryHNSW``, in memory: one that was cut off crashes FAISS's reader of mapped files."""
        index = read(path, faiss.IndexBinaryHNSW, codec.dim)
        index.hnsw.efSearch = parameters.expansion_search
        return cls(index, threads)

    def __len__(self) -> int:
        """Return the number of documents."""
        return int(self._index.ntotal)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return negative distances and rows; the graph is walked with max(expansion_search, k) candidates."""
        return nearest_by_faiss(*search(self._index, queries, k, self._threads))
