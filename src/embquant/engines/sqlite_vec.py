"""SQLite with the extension sqlite-vec: a virtual table that is scanned."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from embquant.engines.base import Engine, numbered
from embquant.engines.sqlite_vec_words import (
    MOST,
    NEAREST,
    QUANTIZED,
    RESCORED,
    STORED,
    SqliteVecBuild,
    SqliteVecSearch,
    connected,
)
from embquant.errors import InapplicableError, InputError
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import Codec, CodecSpec
from embquant.quantize.extent import Extent

FILE = "vectors.db"
AT_ONCE = 10_000  # rows of a transaction


class SqliteVec(Engine):
    """A table ``vec0``, all of which a query scans, by Euclidean distance, or Hamming distance of bits.

    https://alexgarcia.xyz/sqlite-vec. It has no inner product, so it takes vectors of one length only.
    """

    is_exact = True
    engine = "sqlite-vec"
    packages = ("apsw", "sqlite_vec")
    build_parameters = SqliteVecBuild
    search_parameters = SqliteVecSearch

    @classmethod
    def code_bytes(cls, codec: Codec, build: SqliteVecBuild) -> int:
        """Return 4 bytes, 1 byte or 1 bit per dimension."""
        return {"float": 4 * codec.dim, "int8": codec.dim, "bit": codec.dim // 8}[build.column]

    @classmethod
    def looks_through_originals(cls, build: SqliteVecBuild, search: SqliteVecSearch) -> bool:
        """Say yes if they are the column that is searched."""
        return build.column == "float"

    @classmethod
    def same_codes(cls, build: SqliteVecBuild, search: SqliteVecSearch) -> tuple[Any, ...]:
        """Return the column and how rows are ranked again; nothing of floats."""
        return () if build.column == "float" else super().same_codes(build, search)

    @classmethod
    def obstacle(cls, codec: CodecSpec, extent: Extent, build: SqliteVecBuild) -> str | None:
        """Say that bits don't fill whole bytes, or that vectors differ in length; None if neither."""
        if build.column == "bit" and extent.dim % 8:
            return f"a column bit[{extent.dim}] has no whole bytes; sqlite-vec wants a multiple of 8 dimensions"
        return extent.lengths_differ()

    @classmethod
    def create(cls, folder: Path, vectors: Batches, parameters: SqliteVecBuild) -> None:
        """Insert the rows of each batch in one transaction."""
        quantized = QUANTIZED[parameters.column].format(":vector")
        columns = {"searched": (f"{parameters.column}[{vectors.dim}]", quantized)}
        if parameters.originals and parameters.column != "float":
            columns["original"] = (f"float[{vectors.dim}]", ":vector")
        types = ", ".join(f"{name} {kind}" for name, (kind, _) in columns.items())
        values = ", ".join(value for _, value in columns.values())
        insert = f"INSERT INTO vectors(rowid, {', '.join(columns)}) VALUES (:row, {values})"  # noqa: S608
        with closing(connected(folder / FILE)) as connection:
            connection.execute(f"CREATE VIRTUAL TABLE vectors USING vec0({types})")
            for numbers, batch in numbered(vectors, AT_ONCE):
                rows = ({"row": row, "vector": vector.tobytes()} for row, vector in zip(numbers, batch, strict=True))
                with connection:
                    connection.executemany(insert, rows)

    def __init__(self, folder: Path, parameters: SqliteVecSearch) -> None:
        """Open the file; the table says which columns it has."""
        self._connection = connected(folder / FILE)
        self.close = self._connection.close
        (table,) = self._connection.execute("SELECT sql FROM sqlite_master WHERE name = 'vectors'").fetchone()
        column = next(name for name in QUANTIZED if f"searched {name}[" in table)
        self._is_quantized, self._has_originals = column != "float", "original float[" in table
        rescored = parameters.oversampling is not None
        if rescored and not self._has_originals:
            raise InputError("search: oversampling needs originals: true in build, of a column that isn't float")
        self._select = (RESCORED if rescored else NEAREST).format(QUANTIZED[column].format(":query"))
        self._deeper = parameters.oversampling or 1

    def count(self) -> int:
        """Return the number of rows."""
        return int(self._connection.execute("SELECT count(*) FROM vectors").fetchone()[0])

    def find(self, query: np.ndarray, k: int) -> tuple[Sequence[int], Sequence[float]]:
        """Return rows, and distances with the sign turned round."""
        if (candidates := min(k * self._deeper, len(self))) > MOST:
            raise InapplicableError(f"sqlite-vec returns at most {MOST:,} rows of a search, not {candidates:,}")
        asked = {"query": query.tobytes(), "k": k, "candidates": candidates}
        found = self._connection.execute(self._select, asked).fetchall()
        return [row for row, _ in found], [-distance for _, distance in found]

    def kept_bytes(self) -> dict[str, int]:
        """Return the bytes of the column of originals, if there is one, and of the searched one, if it is another."""
        columns = range(1 + self._has_originals)
        sizes = [self._connection.execute(STORED.format(column)).fetchone()[0] for column in columns]
        searched = sizes[0] * self._is_quantized
        return {"originals_bytes": sum(sizes) - searched, "searched_bytes": searched}
