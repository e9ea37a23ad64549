"""Reading tables from files: JSON lines, CSV, TSV (all three also compressed), Parquet, judgements as TREC has them.

A table is read in batches of the wanted columns, with values as the file stores them. Each row knows its line for error
messages. What the columns must hold is checked in :mod:`embquant.datasets.columns`.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embquant.datasets.collection import BATCH_ROWS
from embquant.datasets.lines import LONGEST_LINE, numbered_lines
from embquant.datasets.names import JUDGEMENTS, compression, file_format, readable_names
from embquant.datasets.tables import BATCH_CHARACTERS, Rows, Table, in_batches
from embquant.datasets.trec import JudgementsTable, headless_width
from embquant.errors import InputError
from embquant.files.parquet import damaged_parquet, open_parquet, uuids_as_text


def open_tables(paths: Sequence[Path], judgements: bool = False) -> Table:
    """Open the files of one table, which follow each other; see :func:`open_table`."""
    tables = [open_table(path, judgements) for path in paths]
    return tables[0] if len(tables) == 1 else JoinedTable(tables)


def open_table(path: Path, judgements: bool = False) -> Table:
    """Open a table by the suffix of its name; a missing file or an unknown suffix is an InputError.

    ``judgements`` may be in TREC's format.
    """
    if not path.is_file():
        raise InputError(f"{path}: {'a folder, expected a file' if path.is_dir() else 'no such file'}")
    suffix = file_format(path)
    if suffix == ".parquet":
        return ParquetTable(path)
    if suffix in (".jsonl", ".ndjson"):
        return JsonLinesTable(path)
    if suffix in (".csv", ".tsv") or (judgements and suffix in JUDGEMENTS):
        delimiter = "," if suffix == ".csv" else "\t"
        width = headless_width(path, delimiter) if judgements else None
        return DelimitedTable(path, delimiter) if width is None else JudgementsTable(path, *width)
    raise InputError(f"{path}: unknown format, expected a name that ends in one of {readable_names()}")


class JoinedTable:
    """Several files that follow each other as one table; all but JSON lines must have the same columns."""

    def __init__(self, tables: Sequence[Table]) -> None:
        """Join ``tables``."""
        self._tables = tables
        first = next((table for table in tables if table.columns), tables[0])
        self.name = f"{tables[0].name} and {len(tables) - 1} more"
        self.columns = first.columns
        self.varying = any(table.varying for table in tables)
        for table in tables:
            if not table.varying and not first.varying and set(table.columns) != set(first.columns):
                raise InputError(
                    f"{table.name}: has the columns {', '.join(table.columns)}, but {first.name} has "
                    f"{', '.join(first.columns)}; files of one table have the same columns"
                )

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """Yield ``columns`` of one file after the other."""
        for table in self._tables:
            lacking = [column for column in columns if not table.varying and column not in table.columns]
            if lacking:
                raise InputError(f"{table.name}: no column {lacking[0]!r}; it has: {', '.join(table.columns)}")
            yield from table.read(columns)


class ParquetTable:
    """A Parquet file; rows are numbered from 1."""

    varying = False

    def __init__(self, path: Path) -> None:
        """Open ``path`` and read the names of its columns."""
        self.name = str(path)
        if compression(path) and not _is_parquet(path):
            raise InputError(f"{path}: a Parquet file that was compressed as a whole; decompress it")
        schema = open_parquet(path).schema_arrow
        self.columns = schema.names
        _check_distinct(f"{path}: has", self.columns)
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

    def __init__(self, path: Path, delimiter: str) -> None:
        """Open ``path`` and read the names of its columns."""
        self.name = str(path)
        self._dialect: dict[str, Any] = {"delimiter": delimiter, "strict": True}
        if delimiter == "\t" and self._has_quotes() and not self._reads_quoted():
            self._dialect["quoting"] = csv.QUOTE_NONE
        self.columns: Sequence[str] = next(self._rows(), (0, []))[1]
        if not self.columns:
            raise InputError(f"{path}: empty file, expected a header and rows")
        _check_distinct(f"{path}: the header names", self.columns)

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """Yield ``columns`` as lists of text."""
        positions = {column: self.columns.index(column) for column in columns}
        rows = islice(self._rows(), 1, None)
        for chunk in in_batches(rows, lambda fields: sum(map(len, fields))):
            values = {column: [fields[at] for _, fields in chunk] for column, at in positions.items()}
            yield Rows(values, f"{self.name}: line", [line for line, _ in chunk])

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield line number and fields of the header and every row; all have as many fields as the header."""
        reader = csv.reader((line for _, line in numbered_lines(Path(self.name))), **self._dialect)
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
        return any(line.startswith('"') or '\t"' in line for _, line in numbered_lines(Path(self.name)))

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
        self.columns: Sequence[str] = list(next((row for _, row in self._rows(numbered_lines(path))), {}))

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """Yield ``columns`` as lists of what JSON has."""
        for lines in in_batches(numbered_lines(Path(self.name)), len):
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
                raise InputError(
                    f"{self.name}: line {number} is not JSON ({error}), expected one object on each line"
                ) from None
            if not isinstance(row, dict):
                raise InputError(f"{self.name}: line {number} is not a JSON object, expected one object on each line")
            if repeated := _repeated_key(line, row):
                raise InputError(f"{self.name}: line {number} has {repeated!r} twice; keep one of them")
            yield number, row


def _repeated_key(line: str, row: dict[str, Any]) -> str | None:
    """Return a key that the JSON object ``row``, as ``line`` has it, names twice; None as a rule.

    Only a line in which a key occurs twice, perhaps in an object within, is parsed again: it takes as long as the first
    time.
    """
    if not any(line.count(f'"{key}"') > 1 for key in row):
        return None
    names: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> None:  # the outermost object comes last
        names[:] = [name for name, _ in pairs]

    json.loads(line, object_pairs_hook=note)
    return next((name for name in names if names.count(name) > 1), None)


def _check_distinct(what: str, columns: Sequence[str]) -> None:
    for column in columns:
        if columns.count(column) > 1:
            raise InputError(f"{what} the column {column!r} twice; keep one of them")


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


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
    if isinstance(column, pa.UuidArray):
        return uuids_as_text(column.storage)
    return column.dictionary_decode() if _is_coded_text(column) else column


def _is_coded_text(column: pa.Array) -> bool:
    return pa.types.is_dictionary(column.type) and _is_text(column.type.value_type)


def _is_text(kind: pa.DataType) -> bool:
    return kind in (pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view())
