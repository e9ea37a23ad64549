"""The parameters of a table of sqlite-vec and of its search, and their SQL."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from embquant.entries import Entry

MOST = 4096
"""Rows that a search of sqlite-vec returns at most."""
QUANTIZED = {"float": "{}", "int8": "vec_quantize_int8({}, 'unit')", "bit": "vec_quantize_binary({})"}
"""What sqlite-vec calls its quantizers, as SQL of a vector."""

STORED = "SELECT coalesce(sum(length(vectors)), 0) FROM vectors_vector_chunks{:02}"
"""The bytes of a column of vectors, by its number."""
NEAREST = "SELECT rowid, distance FROM vectors WHERE searched MATCH {} AND k = :candidates ORDER BY distance"
RESCORED = (
    "WITH coarse AS (SELECT rowid, original FROM vectors WHERE searched MATCH {} AND k = :candidates) "
    "SELECT rowid, vec_distance_L2(original, :query) AS exact FROM coarse ORDER BY exact LIMIT :k"
)


class SqliteVecBuild(Entry):
    """The columns of the table."""

    column: Literal["float", "int8", "bit"] = Field(
        "float", description="type of the searched column: float32, `vec_quantize_int8(v, 'unit')` or bits"
    )
    originals: bool = Field(True, description="whether the float32 vectors have a column, which rescoring needs")


class SqliteVecSearch(Entry):
    """The query in SQL."""

    oversampling: int | None = Field(None, ge=1, description="ranks `k` × this many rows again by the originals")


def connected(file: Path) -> Any:
    """Return a connection to a database file, with the extension loaded."""
    import apsw
    import sqlite_vec

    connection = apsw.Connection(str(file))
    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    return connection
