"""pgvector's SQL: the table of vectors, its search, and how vectors are sent."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from embquant.engines.pgvector_words import PgVectorSearch
from embquant.engines.postgres import one_line
from embquant.errors import InputError
from embquant.quantize.batches import Batches

SCANS = ("ivfflat.probes", "hnsw.iterative_scan", "ivfflat.iterative_scan", "enable_indexscan", "enable_seqscan")
INDEXES = "SELECT count(*) FROM pg_index WHERE indrelid = 'vectors'::regclass AND NOT indisprimary"
TYPES = "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = to_regclass('vectors')"
NEAREST = "SELECT id, {} AS distance FROM vectors ORDER BY distance LIMIT %(candidates)s"
RERANKED = (
    "SELECT id, {1} AS distance FROM (SELECT id, embedding FROM vectors ORDER BY {0} LIMIT %(candidates)s) AS coarse "
    "ORDER BY distance LIMIT %(k)s"
)
KEPT = """
SELECT (pg_total_relation_size('vectors') - index)::bigint, index::bigint FROM (
    SELECT coalesce(sum(pg_relation_size(indexrelid)), 0) AS index
    FROM pg_index WHERE indrelid = 'vectors'::regclass AND NOT indisprimary
) AS of_vectors
"""
"""The bytes of the table with its key, and of its index, as PostgreSQL counts them."""
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""How a binary COPY begins: signature, flags, and the length of an extension."""
COPY_END = b"\xff\xff"


def create_table(connection: Any, column: str, bits: bool, vectors: Batches) -> None:
    """Copy ``vectors`` into a table, in a ``column`` of floats of that type, and perhaps their bits in another."""
    dim = vectors.dim
    quantized = f", bits bit({dim}) GENERATED ALWAYS AS (binary_quantize(embedding)::bit({dim})) STORED" * bits
    connection.execute("CREATE EXTENSION vector")
    connection.execute(f"CREATE TABLE vectors (id bigint PRIMARY KEY, embedding {column}({dim}){quantized})")
    number = np.dtype(">f2" if column == "halfvec" else ">f4")
    head = [("columns", ">i2"), ("width", ">i4"), ("id", ">i8"), ("bytes", ">i4"), ("dim", ">i2"), ("unused", ">i2")]
    row = np.dtype([*head, ("embedding", number, dim)])
    with connection.cursor().copy("COPY vectors (id, embedding) FROM STDIN (FORMAT binary)") as copy:
        copy.write(COPY_HEADER)
        first = 0
        for batch in vectors:
            rows = np.zeros(len(batch), row)
            rows["columns"], rows["width"], rows["dim"], rows["bytes"] = 2, 8, dim, 4 + number.itemsize * dim
            rows["id"], rows["embedding"] = np.arange(first, first + len(batch)), batch
            copy.write(rows.tobytes())
            first += len(batch)
        copy.write(COPY_END)


def prepared(connection: Any, search: PgVectorSearch) -> str:
    """Set how a connection sends vectors and scans, and return its query; a ValueError if there is no such table."""
    types = types_of_columns(connection)
    if search.oversampling and "bits" not in types:
        raise InputError("search: oversampling needs type: bit in build; a table of floats has nothing finer")
    prepare(connection, search)
    return statement(types, search.oversampling is not None)


def types_of_columns(connection: Any) -> dict[str, str]:
    """Return the type of each column of the table, such as ``vector(384)``; a ValueError if it has no vectors."""
    types = dict(fetched(connection, TYPES))
    if "embedding" not in types:
        raise ValueError("it has no table of vectors")
    return types


def statement(types: Mapping[str, str], reranked: bool) -> str:
    """Return the query of a table with columns of these ``types``: by bits if there are some, and again by floats."""
    fine = f"embedding <#> %(query)s::{types['embedding']}"
    coarse = f"bits <~> binary_quantize(%(query)s)::{types['bits']}" if "bits" in types else fine
    return (RERANKED if reranked else NEAREST).format(coarse, fine)


def fetched(connection: Any, query: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    with one_line():
        return list(connection.execute(query, parameters))


def prepare(connection: Any, search: PgVectorSearch) -> None:
    """Let a connection send float32 arrays (dim,) as vectors, in pgvector's binary format, and set how it scans.

    An index is used if there is one, unless the ``search`` is exact: PostgreSQL would scan a table of few rows instead.
    """
    from psycopg.adapt import Dumper
    from psycopg.pq import Format
    from psycopg.types import TypeInfo

    class VectorDumper(Dumper):  # type: ignore[misc] # the package may be missing
        format = Format.BINARY
        oid = TypeInfo.fetch(connection, "vector").oid

        def dump(self, obj: np.ndarray) -> bytes:
            return len(obj).to_bytes(2, "big") + bytes(2) + obj.astype(">f4").tobytes()

    connection.adapters.register_dumper(np.ndarray, VectorDumper)
    scans = ("strict_order", "relaxed_order") if search.iterative_scan else ("off", "off")
    by_index = not search.exact and fetched(connection, INDEXES) != [(0,)]
    used = ("on", "off") if by_index else ("off", "on")
    for name, value in zip(SCANS, (search.probes, *scans, *used), strict=True):
        set_value(connection, name, value)


def set_value(connection: Any, name: str, value: object) -> None:
    """Set a parameter of a session."""
    with one_line():
        connection.execute("SELECT set_config(%s, %s, false)", [name, str(value)])
