"""Reading tables from files: JSON lines, CSV, TSV (all three also gzipped) and Parquet.

A table is read in batches of the wanted columns, with values as the file stores them. Each row knows its line for error
messages. What the columns must hold is checked in :mod:`embquant.datasets.columns`.
"""

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embquant.datasets.collection import BATCH_ROWS
from embquant.datasets.files import SUFFIXES
from embquant.errors import InputError
from embquant.files.parquet import damaged_parquet, open_parquet

LONGEST_LINE = 1 << 24
"""Most bytes per line and characters per field: a small gzipped file can hold a line that fits into no memory."""

BATCH_CHARACTERS = LONGEST_LINE
"""Most characters per batch, however few its rows: many of the longest lines fit into no memory either."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Rows:
    """Some rows of a table: its columns, as Arrow arrays or lists, and the line or row number of each."""

    columns: Mapping[str, pa.Array | list[Any]]
    place: str
    numbers: Sequence[int]

    def where(self, row: int) -> str:
        """Return the place of row ``row`` of these in the file, for example "corpus.csv: line 7"."""
        return f"{self.place} {self.numbers[row]}"


class Table(Protocol):
    """A table that can be read in batches.

    ``varying`` says that later rows may have columns that ``columns``, taken from the first row, doesn't name.
    """

    name: str
    columns: Sequence[str]
    varying: bool

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """Yield ``columns`` in batches of at most ``BATCH_ROWS`` rows."""


def open_table(path: Path) -> Table:
    """Open a table by the suffix of its name; a missing file or an unknown suffix is an InputError."""
    if not path.is_file():
        raise InputError(f"{path}: {'a folder, expected a file' if path.is_dir() else 'no such file'}")
    kinds: dict[str, Callable[[Path], Table]] = {
        ".parquet": ParquetTable,
        ".jsonl": JsonLinesTable,
        ".ndjson": JsonLinesTable,
        ".csv": DelimitedTable,
        ".tsv": DelimitedTable,
    }
    suffix = _suffix(path)
    if suffix not in kinds or (suffix == ".parquet" and path.suffix.lower() == ".gz"):
        raise InputError(f"{path}: unknown format, expected a name that ends in one of {', '.join(SUFFIXES)}")
    return kinds[suffix](path)


class ParquetTable:
    """A Parquet file; rows are numbered from 1."""

    varying = False

    def __init__(self, path: Path) -> None:
        """Open ``path`` and read the names of its columns."""
        self.name = str(path)
        schema = open_parquet(path).schema_arrow
        self.columns = schema.names
        self._texts = [field.name for field in schema if _is_text(field.type)]

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """Yield ``columns`` as Arrow arrays.

        A small file can name a long text a million times, so texts are decoded for as many rows as may be held.
        """
        path, first = Path(self.name), 1
        with damaged_parquet(path):
            for coded in open_parquet(path, columns, self._texts).iter_batches(BATCH_ROWS, columns=list(columns)):
                for batch in _bounded(coded):
                    numbers = range(first, first + batch.num_rows)
                    decoded = {column: _decoded(batch.column(column)) for column in columns}
                    yield Rows(decoded, f"{self.name}: row", numbers)
                    first += batch.num_rows


class DelimitedTable:
    """A CSV or TSV file in UTF-8 with a header; rows are numbered by their (last) line.

    TSV comes with quoted fields (from spreadsheets and pandas) or with quotes as part of the text (MS MARCO). Without
    a field that begins with a quote the two are the same. With one, fields are quoted if the whole file can be read so.
    """

    varying = False

    def __init__(self, path: Path) -> None:
        """Open ``path`` and read the names of its columns."""
        self.name = str(path)
        tab = _suffix(path) == ".tsv"
        self._dialect: dict[str, Any] = {"delimiter": "\t" if tab else ",", "strict": True}
        if tab and self._has_quotes() and not self._reads_quoted():
            self._dialect["quoting"] = csv.QUOTE_NONE
        self.columns: Sequence[str] = next(self._rows(), (0, []))[1]
        if not self.columns:
            raise InputError(f"{path}: empty file, expected a header and rows")
        for column in self.columns:
            if self.columns.count(column) > 1:
                raise InputError(f"{path}: the header names the column {column!r} twice")

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """Yield ``columns`` as lists of text."""
        positions = {column: self.columns.index(column) for column in columns}
        rows = islice(self._rows(), 1, None)
        for chunk in _batches(rows, lambda fields: sum(map(len, fields))):
            values = {column: [fields[at] for _, fields in chunk] for column, at in positions.items()}
            yield Rows(values, f"{self.name}: line", [line for line, _ in chunk])

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield line number and fields of the header and every row; all have as many fields as the header."""
        reader = csv.reader((line for _, line in _lines(Path(self.name))), **self._dialect)
        width = 0
        while True:
            before = csv.field_size_limit(LONGEST_LINE)
            try:
                fields = next(reader, None)
            except csv.Error as error:
                raise InputError(f"{self.name}: line {reader.line_num}: {error}; check the quotes") from None
            finally:
                csv.field_size_limit(before)
            if fields is None:
                return
            if not fields:  # a blank line
                continue
            width = width or len(fields)
            if len(fields) != width:
                raise InputError(
                    f"{self.name}: line {reader.line_num} has {len(fields)} fields, the header has {width}; "
                    "put quotes around fields that hold the delimiter"
                )
            yield reader.line_num, fields

    def _has_quotes(self) -> bool:
        return any(line.startswith('"') or '\t"' in line for _, line in _lines(Path(self.name)))

    def _reads_quoted(self) -> bool:
        try:
            for _ in self._rows():
                pass
        except InputError:
            return False
        return True


class JsonLinesTable:
    """A file with one JSON object per line; rows are numbered by their line, an absent value is null."""

    varying = True

    def __init__(self, path: Path) -> None:
        """Open ``path`` and read the names of its columns."""
        self.name = str(path)
        self.columns: Sequence[str] = list(next((row for _, row in self._rows(_lines(path))), {}))

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """Yield ``columns`` as lists of what JSON has."""
        for lines in _batches(_lines(Path(self.name)), len):
            if rows := list(self._rows(lines)):
                values = {column: [row.get(column) for _, row in rows] for column in columns}
                yield Rows(values, f"{self.name}: line", [line for line, _ in rows])

    def _rows(self, lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, line in lines:
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise InputError(f"{self.name}: line {number} is not JSON ({error})") from None
            if not isinstance(row, dict):
                raise InputError(f"{self.name}: line {number} is not a JSON object, expected one object on each line")
            yield number, row


def _bounded(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a batch into slices whose coded texts hold about ``BATCH_CHARACTERS`` bytes in all."""
    held = np.zeros(batch.num_rows, np.int64)
    for column in batch.columns:
        if _is_coded_text(column):
            held += pc.fill_null(pc.binary_length(column.dictionary).take(column.indices), 0).to_numpy()
    edges = np.flatnonzero(np.diff(held.cumsum() // BATCH_CHARACTERS)) + 1
    for first, stop in pairwise([0, *edges.tolist(), batch.num_rows]):
        yield batch.slice(first, stop - first)


def _decoded(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if _is_coded_text(column) else column


def _is_coded_text(column: pa.Array) -> bool:
    return pa.types.is_dictionary(column.type) and _is_text(column.type.value_type)


def _is_text(kind: pa.DataType) -> bool:
    return kind in (pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view())


def _batches(numbered: Iterable[tuple[int, Item]], size: Callable[[Item], int]) -> Iterator[list[tuple[int, Item]]]:
    """Yield numbered items in lists that end with ``BATCH_ROWS`` of them or ``BATCH_CHARACTERS`` in all."""
    found, characters = [], 0
    for number, item in numbered:
        found.append((number, item))
        characters += size(item)
        if len(found) == BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield found
            found, characters = [], 0
    if found:
        yield found


def _suffix(path: Path) -> str:
    """Return the suffix that names the format: the last one, or the one before ``.gz``."""
    return Path(path.stem if path.suffix.lower() == ".gz" else path.name).suffix.lower()


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text file, gzipped or not, with their numbers; anything but UTF-8 is an InputError."""
    number = 0
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as handle:
            for number, line in enumerate(iter(lambda: handle.readline(LONGEST_LINE + 1), b""), start=1):
                if len(line) > LONGEST_LINE:
                    raise InputError(f"{path}: line {number} is longer than {LONGEST_LINE >> 20} MiB; is it a table?")
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: line {number} is not UTF-8 text ({error.reason}); convert the file") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged gzip file after line {number} ({error})") from None
