"""LanceDB in this process: a table of Lance files with an index over lists, of codes or of graphs."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from embquant.engines.base import Engine, numbered
from embquant.engines.lancedb_words import CONFIGS, LanceDbBuild, LanceDbSearch
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import Codec, CodecSpec
from embquant.quantize.extent import Extent

AT_ONCE = 10_000
"""Rows of a batch that is written."""

TABLE, ID, VECTOR, DISTANCE = "vectors", "id", "vector", "_distance"


class LanceDb(Engine):
    """A table with a vector per row, compared by inner product (`dot`). https://docs.lancedb.com."""

    engine = "lancedb"
    packages = ("lancedb",)
    varies = True
    breadth = "nprobes or ef"
    build_parameters = LanceDbBuild
    search_parameters = LanceDbSearch
    originals_in = ("*.lance/data/*",)
    searched_in = ("*.lance/_indices/*/*",)

    @classmethod
    def code_bytes(cls, codec: Codec, build: LanceDbBuild) -> int:
        """Return the bytes of a code, with the numbers that RaBitQ keeps beside it."""
        dim, quantizer = codec.dim, (build.index_type or "FLAT").rpartition("_")[2]
        if quantizer == "PQ":
            return math.ceil(build.pieces(dim) * (build.num_bits or 8) / 8)
        if quantizer == "RQ":
            bits = build.num_bits or 1
            return math.ceil(bits * dim / 8) + (8 if bits == 1 else 16)
        return {"FLAT": 4 * dim, "SQ": dim}[quantizer]

    @classmethod
    def looks_through_originals(cls, build: LanceDbBuild, search: LanceDbSearch) -> bool:
        """Say yes where no index is used; an index of floats has a copy of them."""
        return build.index_type is None or search.bypass_vector_index

    @classmethod
    def scans_all(cls, build: LanceDbBuild, search: LanceDbSearch) -> bool:
        """Say yes without an index, and where all lists of codes are looked at."""
        all_lists = "HNSW" not in (build.index_type or "") and (search.nprobes or 0) >= (
            build.num_partitions or math.inf
        )
        return cls.looks_through_originals(build, search) or all_lists

    @classmethod
    def same_codes(cls, build: LanceDbBuild, search: LanceDbSearch) -> tuple[Any, ...]:
        """Return the index and how its candidates are refined; nothing where the vectors are searched."""
        if cls.looks_through_originals(build, search) or build.index_type == "IVF_FLAT":
            return ()
        return build.model_dump(), search.refine_factor

    @classmethod
    def obstacle(cls, codec: CodecSpec, extent: Extent, build: LanceDbBuild) -> str | None:
        """Say that the index doesn't take as many dimensions; None if it does."""
        return build.obstacle(extent.dim)

    @classmethod
    def create(cls, folder: Path, vectors: Batches, parameters: LanceDbBuild) -> None:
        """Write the table, then build its index on all cores."""
        import lancedb
        from lancedb import index

        table = lancedb.connect(folder).create_table(TABLE, _records(vectors), schema=_schema(vectors.dim))
        if parameters.index_type:
            words = parameters.model_dump(exclude={"index_type"}, exclude_none=True)
            config = getattr(index, CONFIGS[parameters.index_type])(distance_type="dot", **words)
            table.create_index(VECTOR, config=config)

    def __init__(self, folder: Path, parameters: LanceDbSearch) -> None:
        """Open the table."""
        import lancedb

        self._table = lancedb.connect(folder).open_table(TABLE)
        self._parameters = parameters
        self.close = lambda: None

    def count(self) -> int:
        """Return the number of rows."""
        return int(self._table.count_rows())

    def find(self, query: np.ndarray, k: int) -> tuple[Sequence[int], Sequence[float]]:
        """Return ids, and inner products: LanceDB's distance is 1 less the inner product."""
        asked = self._table.search(query, vector_column_name=VECTOR).distance_type("dot").limit(k)
        for word in ("nprobes", "ef", "refine_factor"):
            value = getattr(self._parameters, word)
            asked = asked if value is None else getattr(asked, word)(value)
        if self._parameters.bypass_vector_index:
            asked = asked.bypass_vector_index()
        found = asked.select([ID, DISTANCE]).to_arrow()
        return found[ID].to_pylist(), (1 - found[DISTANCE].to_numpy()).tolist()


def _schema(dim: int) -> pa.Schema:
    return pa.schema([(ID, pa.int64()), (VECTOR, pa.list_(pa.float32(), dim))])


def _records(vectors: Batches) -> Iterator[pa.RecordBatch]:
    for rows, batch in numbered(vectors, AT_ONCE):
        lists = pa.FixedSizeListArray.from_arrays(pa.array(batch.ravel()), vectors.dim)
        yield pa.record_batch([pa.array(rows), lists], schema=_schema(vectors.dim))
