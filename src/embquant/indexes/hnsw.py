"""int8 codes or float32 vectors in a USearch HNSW graph."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from usearch.index import Index as Graph
from usearch.index import MetricKind, ScalarKind

from embquant.errors import InputError
from embquant.exact.topk import rank
from embquant.indexes.base import Codes, Index
from embquant.indexes.graphs import check_usearch
from embquant.quantize.codecs.base import Codec

SCALARS = {"float32": ScalarKind.F32, "int8": ScalarKind.I8}


@dataclass(frozen=True)
class HnswBuild:
    """Edges of a node, and candidates looked at to choose them."""

    connectivity: int = 16
    expansion_add: int = 128

    def __post_init__(self) -> None:
        """Refuse graphs without edges."""
        if self.connectivity < 2 or self.expansion_add < 1:
            raise InputError("connectivity must be 2 or more, expansion_add 1 or more")


@dataclass(frozen=True)
class HnswSearch:
    """Candidates kept while the graph is walked; at least as many as are asked for."""

    expansion_search: int = 64

    def __post_init__(self) -> None:
        """Refuse walks without candidates."""
        if self.expansion_search < 1:
            raise InputError("expansion_search must be 1 or more")


class Hnsw(Index):
    """Searches a graph by inner product; a score is the inner product, an integer for int8 codes.

    Malkov and Yashunin 2016, "Efficient and robust approximate nearest neighbor search using Hierarchical
    Navigable Small World graphs", arXiv:1603.09320.
    """

    exact = False
    build_parameters = HnswBuild
    search_parameters = HnswSearch
    engine = "usearch"

    def __init__(self, graph: Graph, threads: int) -> None:
        """Search ``graph`` on ``threads`` threads."""
        self._graph = graph
        self._threads = threads

    @classmethod
    def build(cls, codec: Codec, codes: Codes, path: Path, parameters: HnswBuild) -> None:
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
        scalar = SCALARS[codec.family]
        try:
            check_usearch(path, MetricKind.IP.value, scalar.value, codec.dim, codec.bytes_per_vector)
            graph = Graph.restore(str(path), view=mapped)
        except (RuntimeError, ValueError, MemoryError) as error:
            raise InputError(f"{path}: not a readable USearch index ({error}); delete it and run again") from None
        if graph is None or graph.ndim != codec.dim:
            raise InputError(f"{path}: not a USearch index of {codec.dim} dimensions; delete it and run again")
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
        order = rank(scores, rows, k)
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)


INDEX = Hnsw
