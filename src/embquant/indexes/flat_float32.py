"""float32 in a FAISS flat inner-product index: the exact baseline."""

from copy import copy
from pathlib import Path
from typing import Literal, Self

import faiss
import numpy as np
from pydantic import Field

from embquant.entries import Entry, NoParameters
from embquant.exact.scan import DecodedScan, Scan
from embquant.exact.topk import sort_by_score
from embquant.exact.ways import Ways
from embquant.indexes.base import FlatIndex
from embquant.indexes.faiss_files import fill, read, search, view
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.float32 import Float32


class Engine(Entry):
    """How vectors are scanned."""

    engine: Literal["blas", "faiss"] = Field("blas", description="library that scans")


class FlatFloat32(FlatIndex[Float32]):
    """Scans all vectors, by one of two engines, of which the faster serves as the baseline.

    ``blas``: blocked matrix products with a running top k. ``faiss``: ``IndexFlatIP`` with its defaults.
    """

    search_parameters = Engine

    def __init__(
        self, index: faiss.IndexFlatIP, codec: Float32, threads: int, engine: Literal["blas", "faiss"]
    ) -> None:
        """Search ``index`` with ``engine`` on ``threads`` threads."""
        self._index = index
        self._threads = threads
        self.engine = engine
        self.codes = view(index.codes, index.ntotal, index.d, np.float32)
        self._codec = codec
        self._ways = Ways(*codec.scans)
        self._scan = DecodedScan(codec, threads)
        self._alone = Scan(1)

    @classmethod
    def build(cls, codec: Float32, codes: Batches, path: Path, parameters: NoParameters) -> None:
        """Write a FAISS ``IndexFlatIP``."""
        index = faiss.IndexFlatIP(codec.dim)
        fill(index, index.codes, codes, codec.bytes_per_vector)
        faiss.write_index(index, str(path))

    @classmethod
    def open(cls, path: Path, codec: Float32, threads: int, parameters: Engine, mapped: bool = False) -> Self:
        """Open a FAISS ``IndexFlatIP``."""
        return cls(read(path, faiss.IndexFlatIP, codec.dim, mapped), codec, threads, parameters.engine)

    def with_engine(self, engine: Literal["blas", "faiss"]) -> Self:
        """Return the same vectors, in the same memory, scanned by ``engine``."""
        other = copy(self)
        other.engine = engine
        return other

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inner products and rows; those that float32 sums can't tell apart are settled in float64."""
        return self._scan.ranked(self.quick, queries, self.codes, k)

    def quick(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what the engine finds, which keeps any of the documents that are tied for the k-th place."""
        if self.engine == "faiss":
            return sort_by_score(*search(self._index, queries, k, self._threads))
        if len(queries) < self._threads:  # too few to share among threads: BLAS splits each product
            return self._alone(self._ways, queries, self.codes, k)
        return self._scan.search(queries, self.codes, k)

    def search_reproducibly(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Search by blocks and settle the order in float64."""
        return self._scan.settled(queries, self.codes, k)
