"""Qdrant's own engine in this process, `qdrant-edge-py`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from embquant.engines.base import Engine, numbered
from embquant.engines.qdrant_words import QdrantBuild, QdrantSearch
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import Codec

AT_ONCE = 1000
"""Points of an upsert."""


class Qdrant(Engine):
    """A shard with one vector per point, compared by inner product. https://qdrant.tech/documentation/edge."""

    engine = "qdrant"
    packages = ("qdrant_edge",)
    varies = True
    maps_files = True
    overhead = 3.0
    breadth = "hnsw_ef"
    build_parameters = QdrantBuild
    search_parameters = QdrantSearch
    originals_in = ("segments/*/vector_storage/matrix.dat", "segments/*/vector_storage/vectors/*")
    searched_in = ("segments/*/vector_storage/quantized.*", "segments/*/vector_index/*")

    @classmethod
    def code_bytes(cls, codec: Codec, build: QdrantBuild) -> int:
        """Return the bytes of a quantizer's code, or of the vector."""
        return build.quantization.chosen.code_bytes(codec.dim) if build.quantization else 4 * codec.dim

    @classmethod
    def scans_all(cls, build: QdrantBuild, search: QdrantSearch) -> bool:
        """Say yes without a graph."""
        return search.exact or not build.hnsw_config.m

    @classmethod
    def looks_through_originals(cls, build: QdrantBuild, search: QdrantSearch) -> bool:
        """Say no only if they are on disk and codes are searched: Qdrant holds them in memory by default."""
        return search.exact or build.quantization is None or not build.on_disk

    @classmethod
    def same_codes(cls, build: QdrantBuild, search: QdrantSearch) -> tuple[Any, ...]:
        """Return the quantizer and how its candidates are rescored; nothing where the vectors are searched."""
        if search.exact or build.quantization is None:
            return ()
        return build.model_dump(include={"quantization"}), search.model_dump(include={"rescore", "oversampling"})

    @classmethod
    def create(cls, folder: Path, vectors: Batches, parameters: QdrantBuild) -> None:
        """Upsert the points, then run the optimizers, which quantize and build the graph on all cores."""
        import qdrant_edge as edge

        in_memory = parameters.on_disk or None  # codes beside originals on disk
        params = edge.EdgeVectorParams(
            size=vectors.dim,
            distance=edge.Distance.Dot,
            on_disk=parameters.on_disk,
            hnsw_config=edge.HnswIndexConfig(**parameters.hnsw_config.model_dump()),
            quantization_config=parameters.quantization and parameters.quantization.chosen.of(edge, in_memory),
        )
        optimizers = edge.EdgeOptimizersConfig(indexing_threshold=parameters.indexing_threshold)
        shard = edge.EdgeShard.create(str(folder), edge.EdgeConfig(vectors={"": params}, optimizers=optimizers))
        for rows, batch in numbered(vectors, AT_ONCE):
            points = [edge.Point(row, vector, None) for row, vector in zip(rows, batch.tolist(), strict=True)]
            shard.update(edge.UpdateOperation.upsert_points(points))
        shard.optimize()
        shard.flush()
        shard.close()

    def __init__(self, folder: Path, parameters: QdrantSearch) -> None:
        """Load the shard."""
        import qdrant_edge as edge

        self._edge = edge
        self._shard = edge.EdgeShard.load(str(folder))
        self.close = self._shard.close
        rescoring = parameters.model_dump(include={"rescore", "oversampling"}, exclude_none=True)
        self._params = edge.SearchParams(
            hnsw_ef=parameters.hnsw_ef,
            exact=parameters.exact,
            quantization=edge.QuantizationSearchParams(**rescoring) if rescoring else None,
        )

    def count(self) -> int:
        """Return the number of points."""
        return int(self._shard.info().points_count)

    def find(self, query: np.ndarray, k: int) -> tuple[Sequence[int], Sequence[float]]:
        """Return ids and scores."""
        nearest = self._edge.Query.Nearest(query.tolist())
        found = self._shard.search(self._edge.SearchRequest(query=nearest, limit=k, params=self._params))
        return [point.id for point in found], [point.score for point in found]
