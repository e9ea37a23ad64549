"""int8 codes or float32 vectors in a USearch HNSW graph."""

from pathlib import Path
from typing import Self

import numpy as np
from pydantic import Field
from usearch.index import Index as Graph
from usearch.index import MetricKind, ScalarKind

from embquant.entries import Entry
from embquant.errors import InputError
from embquant.exact.topk import best
from embquant.indexes.base import Index
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import Codec, CodecSpec
from embquant.quantize.extent import Extent

SCALARS = {"float32": ScalarKind.F32, "int8": ScalarKind.I8, "unit-int8": ScalarKind.I8}
"""What USearch calls the numbers of a codec's codes."""

SHORTEST = 2.0**-12
"""Below this length USearch's distance 1 − ⟨x, y⟩ is 1 for all vectors: float32 has none between 1 − 2⁻²⁴ and 1."""

NODE_BYTES = 16
"""Bytes of a node's key, its level and its two counts of neighbours in USearch's file."""


class HnswBuild(Entry):
    """How a graph is built."""

    connectivity: int = Field(16, ge=2, description="edges per node and layer, twice as many in the lowest")
    expansion_add: int = Field(128, ge=1, description="candidates compared to choose a node's edges")


class HnswSearch(Entry):
    """How a graph is searched; it keeps no fewer candidates than are asked for."""

    expansion_search: int = Field(64, ge=1, description="candidates kept while the graph is searched")


class Hnsw(Index[Codec]):
    """Searches a graph by inner product; a score is the inner product, an integer for int8 codes.

    Malkov and Yashunin 2016, "Efficient and robust approximate nearest neighbor search using Hierarchical
    Navigable Small World graphs", arXiv:1603.09320.
    """

    suffix = ".usearch"
    has_overhead = True
    build_parameters = HnswBuild
    search_parameters = HnswSearch
    breadth = "expansion_search"
    engine = "usearch"

    def __init__(self, graph: Graph, threads: int) -> None:
        """Search ``graph`` on ``threads`` threads."""
        self._graph = graph
        self._threads = threads

    @classmethod
    def file_bytes(cls, documents: int, codec: CodecSpec, dim: int, build: HnswBuild) -> float:
        """Return the bytes of the codes and of the graph."""
        return documents * (codec.code_bytes(dim) + edge_bytes(build.connectivity, counts=1) + NODE_BYTES)

    @classmethod
    def obstacle(cls, codec: CodecSpec, extent: Extent, build: HnswBuild) -> str | None:
        """Say that distances between float32 vectors overflow, or are all the same; None if not."""
        if codec.family.family != "float32":
            return None
        if extent.longest and extent.longest < SHORTEST:
            return (
                f"vectors are at most {extent.longest:.3g} long; USearch can't tell those shorter than {SHORTEST:.3g} "
                "apart; normalize or scale the vectors"
            )
        return extent.squares_overflow()

    @classmethod
    def build(cls, codec: Codec, codes: Batches, path: Path, parameters: HnswBuild) -> None:
        """Add the codes in row order on one thread: with more, every build gives another graph."""
        graph = Graph(
            ndim=codec.dim,
            metric=MetricKind.IP,
            dtype=SCALARS[codec.family],
            connectivity=parameters.connectivity,
            expansion_add=parameters.expansion_add,
        )
        first = 0
        for batch in codes:
            graph.add(np.arange(first, first + len(batch)), np.ascontiguousarray(batch), threads=1)
            first += len(batch)
        graph.save(str(path))

    @classmethod
    def open(cls, path: Path, codec: Codec, threads: int, parameters: HnswSearch, mapped: bool = False) -> Self:
        """Open a USearch index."""
        if not Path(path).is_file():
            raise InputError(f"{path}: no such file")
        try:
            graph = Graph.restore(str(path), view=mapped)
        except (RuntimeError, ValueError, MemoryError) as error:
            raise InputError(f"{path}: not a readable USearch index ({error}); delete it and run again") from None
        wanted = (codec.dim, SCALARS[codec.family])
        if graph is None or (graph.ndim, graph.dtype) != wanted:
            found = "something else" if graph is None else f"{graph.ndim} dimensions of {graph.dtype}"
            raise InputError(
                f"{path}: holds {found}, expected {wanted[0]} dimensions of {wanted[1]}; delete it and run again"
            )
        graph.expansion_search = parameters.expansion_search
        return cls(graph, threads)

    def __len__(self) -> int:
        """Return the number of documents."""
        return len(self._graph)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inner products and rows; the graph is walked with max(expansion_search, k) candidates."""
        count = min(k, len(self._graph))
        found = self._graph.search(np.ascontiguousarray(queries), count, threads=self._threads)
        single = len(queries) == 1  # whose result is cut where a batch's is filled up
        present = np.arange(count) < np.reshape([len(found.keys)] if single else found.counts, (-1, 1))
        rows = np.full(present.shape, -1)
        rows[present] = found.keys if single else found.keys[present]
        scores = np.full(present.shape, -np.inf)
        scores[present] = 1 - (found.distances if single else found.distances[present]).astype(np.float64)
        return best(scores, rows, k)


def edge_bytes(connectivity: int, counts: int = 0) -> float:
    """Return the bytes of a node's edges, of 4 bytes each, on average.

    A node has places for 2·M neighbours in the lowest layer and for M, with as many ``counts``, in each of those above,
    of which it is in 1 / (M − 1) on average.
    """
    return 8 * connectivity + 4 / (connectivity - 1) * (connectivity + counts)
