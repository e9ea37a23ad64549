"""Parquet files, streamed in batches: what pipeline steps hand to each other.

They carry some of their provenance in the file's metadata as well, under the key ``embquant``, as JSON.
"""

import json
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from embquant.errors import InputError
from embquant.files import records
from embquant.files.atomic import atomic_path
from embquant.files.matrices import array_to_matrix, embedding_schema, flat_values, matrix_to_array

METADATA_KEY = b"embquant"
ROWS_PER_GROUP = 16_384
"""Rows per Parquet row group: 24 MiB of float32 at 384 dimensions, the unit that is held in memory."""

TEXTS_PER_BATCH = 256
"""Rows per batch of texts: few enough that long texts stay small in memory."""


class _NoPandas:
    """An import finder by which there is no pandas."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def spare_pandas() -> None:
    """Keep Arrow from importing pandas at its first conversion, which takes 0.2 s, until the process ends.

    Other modules can still import pandas; Arrow has no ``to_pandas`` then.
    """
    sys.meta_path.insert(0, _NoPandas)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(_NoPandas)


def write_parquet(
    path: Path,
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch | pa.Table],
    metadata: Mapping[str, Any] | None = None,
    kept: bool = True,
    split: Sequence[str] = (),
) -> None:
    """Write ``batches`` of ``schema`` as they come, one row group each, and ``metadata`` last.

    ``metadata`` is read after the last batch, so it may hold what was counted on the way. Each page carries a
    checksum, which is verified whenever the page is read. ``kept``: see :func:`atomic_path`. ``split`` names columns of
    numbers whose first bytes are stored together, then their second ones, and so on; no column has a dictionary then.
    """
    encoding: dict[str, Any] = {}
    if split:
        encoding = {"use_dictionary": False, "column_encoding": dict.fromkeys(split, "BYTE_STREAM_SPLIT")}
    with (
        atomic_path(path, kept=kept) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", write_page_checksum=True, **encoding) as writer,
    ):
        for batch in batches:
            writer.write(batch, row_group_size=max(1, batch.num_rows))
        writer.add_key_value_metadata({METADATA_KEY: json.dumps(metadata or {}, sort_keys=True)})


def write_embeddings(
    path: Path,
    dim: int,
    blocks: Iterable[tuple[Sequence[str] | pa.Array, *tuple[np.ndarray, ...]]],
    metadata: Mapping[str, Any] | None = None,
    kept: bool = True,
    codes: Iterable[pa.Field] = (),
) -> None:
    """Write an embeddings file from blocks of ids and vectors, float32 (rows, dim); see :func:`write_parquet`.

    Where a provider has made ``codes`` too, these are further columns, and more matrices (rows, width) of each block.
    """
    schema = pa.schema([*embedding_schema(dim), *codes])
    tables = (pa.table([ids, *map(matrix_to_array, matrices)], schema=schema) for ids, *matrices in blocks)
    write_parquet(path, schema, in_row_groups(tables), metadata, kept)


def in_row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Cut and join tables so that each but the last has ``ROWS_PER_GROUP`` rows."""
    waiting: list[pa.Table] = []
    for table in tables:
        joined = pa.concat_tables([*waiting, table])
        whole = joined.num_rows - joined.num_rows % ROWS_PER_GROUP
        yield from (joined.slice(start, ROWS_PER_GROUP) for start in range(0, whole, ROWS_PER_GROUP))
        waiting = [joined.slice(whole)] if whole < joined.num_rows else []
    yield from waiting


@contextmanager
def damaged_parquet(path: Path, found: str = "damaged Parquet file") -> Iterator[None]:
    """Turn Arrow's error about a file that it can't read into an InputError about ``path``."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: {found} ({reason}); replace or delete it") from None


def open_parquet(path: Path, columns: Sequence[str] = (), coded: Sequence[str] = ()) -> pq.ParquetFile:
    """Open a Parquet file that has ``columns``; raises InputError if it is missing, changed or another kind of file.

    Text columns named in ``coded`` stay dictionary-encoded: each distinct text is held once.
    """
    records.checked(path)
    with damaged_parquet(path, "not a readable Parquet file"):
        file = pq.ParquetFile(path, read_dictionary=coded, memory_map=True, page_checksum_verification=True)
    missing = [column for column in columns if column not in file.schema_arrow.names]
    if missing:
        names = ", ".join(file.schema_arrow.names)
        raise InputError(f"{path}: no column {missing[0]!r}; the file has: {names}")
    repeated = [column for column in columns if file.schema_arrow.names.count(column) > 1]
    if repeated:
        raise InputError(f"{path}: has the column {repeated[0]!r} twice; keep one of them")
    return file


def metadata_of(path: Path, file: pq.ParquetFile) -> dict[str, Any]:
    """Return what :func:`write_parquet` stored as ``metadata`` in an open file; empty for another program's file."""
    try:
        metadata = json.loads((file.metadata.metadata or {}).get(METADATA_KEY, b"{}"))
    except (ValueError, RecursionError):
        metadata = None
    if not isinstance(metadata, dict):
        raise InputError(f"{path}: its metadata {METADATA_KEY.decode()!r} is damaged; replace or delete it")
    return metadata


def read_metadata(path: Path) -> dict[str, Any]:
    """Return what :func:`write_parquet` stored as ``metadata``; empty for another program's file."""
    return metadata_of(path, open_parquet(path))


def count_rows(paths: Iterable[Path]) -> int:
    """Return the number of rows of several Parquet files together, from their footers."""
    return sum(open_parquet(path).metadata.num_rows for path in paths)


def part_rows(total: int, part: int, parts: int) -> tuple[int, int]:
    """Return first and last (exclusive) row of part ``part`` of ``parts`` nearly equal ones."""
    return total * part // parts, total * (part + 1) // parts


def row_group_offsets(file: pq.ParquetFile) -> np.ndarray:
    """Return the first row of each row group, and the number of rows at the end (int64, (groups + 1,))."""
    sizes = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
    return np.cumsum([0, *sizes], dtype=np.int64)


def read_batches(path: Path, columns: Sequence[str], rows: int = ROWS_PER_GROUP) -> Iterator[pa.RecordBatch]:
    """Read ``columns`` of a Parquet file, at most ``rows`` rows at a time.

    Row groups are not joined: a file written in bounded memory is read in bounded memory.
    """
    return _row_groups(path, open_parquet(path, columns), columns, rows)


def read_rows(
    path: Path, columns: Sequence[str], start: int, stop: int, rows: int = TEXTS_PER_BATCH
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield rows ``start`` to ``stop`` (exclusive) of a Parquet file as (row of the first, batch)."""
    file = open_parquet(path, columns)
    offsets = row_group_offsets(file)
    groups = np.flatnonzero((offsets[:-1] < stop) & (offsets[1:] > start))
    for position, batch in _batches(path, file, columns, offsets, groups, rows):
        first, last = max(start, position), min(stop, position + len(batch))
        if first < last:
            yield first, batch.slice(first - position, last - first)


def take_ascending(path: Path, columns: Sequence[str], rows: np.ndarray) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield the rows ``rows`` (int64, ascending, each once) as (place of the first in ``rows``, batch).

    Only the row groups that hold one are read, each once, at most ``ROWS_PER_GROUP`` rows at a time.
    """
    return _taken(path, open_parquet(path, columns), columns, rows)


def take_rows(path: Path, columns: Sequence[str], rows: np.ndarray) -> pa.Table:
    """Return ``columns`` of the rows ``rows`` (int64, any order, repeats allowed), in that order."""
    file = open_parquet(path, columns)
    wanted, places = np.unique(rows, return_inverse=True)
    batches = [batch for _, batch in _taken(path, file, columns, wanted)]
    return pa.Table.from_batches(batches, _schema(file, columns)).take(pa.array(places))


def read_table(path: Path, columns: Sequence[str]) -> pa.Table:
    """Read ``columns`` of a Parquet file whole."""
    file = open_parquet(path, columns)
    return pa.Table.from_batches(_row_groups(path, file, columns, ROWS_PER_GROUP), _schema(file, columns))


def read_matrices(paths: Iterable[Path], column: str, expected: pa.DataType | None = None) -> Iterator[np.ndarray]:
    """Yield ``column`` of several Parquet files in order as (rows, width) matrices, one per row group.

    Raises InputError if the column isn't of type ``expected`` (default: any fixed-size list or binary) or has nulls.
    """
    for path in paths:
        file = open_parquet(path, [column])
        found = file.schema_arrow.field(column).type
        lists = pa.types.is_fixed_size_list(found) and pa.types.is_primitive(found.value_type)
        if not (lists or pa.types.is_fixed_size_binary(found)) or found != (expected or found):
            wanted = expected or "vectors of one size"
            raise InputError(f"{path}: column {column!r} holds {found}, expected {wanted}; delete it and run again")
        for batch in _row_groups(path, file, [column], ROWS_PER_GROUP):
            array = batch.column(0)
            if array.null_count or (lists and flat_values(array).null_count):
                raise InputError(f"{path}: column {column!r} lacks values; delete it and run again")
            yield array_to_matrix(array)


def read_embeddings(path: Path, dim: int) -> np.ndarray:
    """Read an embeddings file whole, float32 (rows, dim); raises InputError for other dimensions."""
    expected = embedding_schema(dim).field("embedding").type
    return np.concatenate([np.empty((0, dim), np.float32), *read_matrices([path], "embedding", expected)])


def uuids_as_text(values: pa.FixedSizeBinaryArray) -> pa.StringArray:
    """Return UUIDs, 16 bytes each or null, as text."""
    return pa.array([None if one is None else str(uuid.UUID(bytes=one)) for one in values.to_pylist()], pa.string())


def _schema(file: pq.ParquetFile, columns: Sequence[str]) -> pa.Schema:
    return pa.schema([file.schema_arrow.field(column) for column in columns])


def _taken(
    path: Path, file: pq.ParquetFile, columns: Sequence[str], rows: np.ndarray
) -> Iterator[tuple[int, pa.RecordBatch]]:
    offsets = row_group_offsets(file)
    for group in np.flatnonzero(np.diff(np.searchsorted(rows, offsets))):
        for position, batch in _batches(path, file, columns, offsets, [int(group)], ROWS_PER_GROUP):
            first, last = np.searchsorted(rows, [position, position + len(batch)])
            if last - first == len(batch):
                yield int(first), batch
            elif first < last:
                yield int(first), batch.take(pa.array(rows[first:last] - position))


def _row_groups(path: Path, file: pq.ParquetFile, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a whole file, row group after row group."""
    offsets = row_group_offsets(file)
    for group in range(file.num_row_groups):
        yield from (batch for _, batch in _batches(path, file, columns, offsets, [group], rows))


def _batches(
    path: Path,
    file: pq.ParquetFile,
    columns: Sequence[str],
    offsets: np.ndarray,
    groups: Sequence[int] | np.ndarray,
    rows: int,
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield batches of consecutive row ``groups`` as (row of the first, batch)."""
    position = int(offsets[groups[0]]) if len(groups) else 0
    batches = file.iter_batches(batch_size=rows, row_groups=list(map(int, groups)), columns=list(columns))
    while True:
        with damaged_parquet(path):  # around the reading alone, not around what the caller does with a batch
            batch = next(batches, None)
        if batch is None:
            return
        yield position, batch
        position += len(batch)
