"""Parquet files, streamed in batches: what pipeline steps hand to each other.

They carry some of their provenance in the file's metadata as well, under the key ``embquant``, as JSON.
"""

import json
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

METADATA_KEY = b"embquant"
ROWS_PER_GROUP = 16_384
"""Rows of a Parquet row group: 24 MiB of float32 at 384 dimensions, the unit that is held in memory."""


def write_parquet(
    path: Path,
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch | pa.Table],
    metadata: Mapping[str, Any] | None = None,
    kept: bool = True,
) -> None:
    """Write ``batches`` of ``schema`` as they come, one row group each, and ``metadata`` last.

    ``metadata`` is read after the last batch, so that it may hold what was counted on the way. Each page carries a
    checksum, by which it is checked whenever it is read. ``kept``: see :func:`atomic_path`.
    """
    with (
        atomic_path(path, kept=kept) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", write_page_checksum=True) as writer,
    ):
        for batch in batches:
            writer.write(batch, row_group_size=max(1, batch.num_rows))
        writer.add_key_value_metadata({METADATA_KEY: json.dumps(metadata or {}, sort_keys=True)})


def open_parquet(path: Path, columns: Sequence[str] = (), coded: Sequence[str] = ()) -> pq.ParquetFile:
    """Open a Parquet file and check that it has ``columns``; a missing, changed or foreign one is an InputError.

    Columns of text that are ``coded`` stay so: each different text is held once, and rows refer to it.
    """
    records.checked(path)
    try:
        file = pq.ParquetFile(path, read_dictionary=coded, memory_map=True, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a readable Parquet file ({_first_line(error)}); replace or delete it") from None
    missing = [column for column in columns if column not in file.schema_arrow.names]
    if missing:
        names = ", ".join(file.schema_arrow.names)
        raise InputError(f"{path}: no column {missing[0]!r}; the file has: {names}")
    return file


def read_batches(path: Path, columns: Sequence[str], rows: int = ROWS_PER_GROUP) -> Iterator[pa.RecordBatch]:
    """Read ``columns`` of a Parquet file, at most ``rows`` rows at a time.

    Row groups are not joined: what was written in bounds of memory is read in them.
    """
    with damaged_parquet(path):
        file = open_parquet(path, columns)
        for group in range(file.num_row_groups):
            yield from file.iter_batches(batch_size=rows, row_groups=[group], columns=list(columns))


@contextmanager
def damaged_parquet(path: Path) -> Iterator[None]:
    """Turn what Arrow says of pages that it can't read into an InputError about ``path``."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: damaged Parquet file ({_first_line(error)}); replace or delete it") from None


def read_table(path: Path, columns: Sequence[str]) -> pa.Table:
    """Read ``columns`` of a Parquet file whole."""
    schema = pa.schema([open_parquet(path, columns).schema_arrow.field(column) for column in columns])
    return pa.Table.from_batches(read_batches(path, columns), schema)


def take_rows(path: Path, columns: Sequence[str], rows: np.ndarray) -> pa.Table:
    """Return ``columns`` of some ``rows``, int64, of a Parquet file, in their order.

    Only the row groups that they are in are read, each once, and one is held at a time.
    """
    file = open_parquet(path, columns)
    starts = np.cumsum([0, *(file.metadata.row_group(group).num_rows for group in range(file.num_row_groups))])
    groups = np.searchsorted(starts, rows, side="right") - 1
    taken = [pa.schema([file.schema_arrow.field(column) for column in columns]).empty_table()]
    try:
        for group in np.unique(groups):
            table = file.read_row_group(int(group), columns=list(columns))
            taken.append(table.take(rows[groups == group] - starts[group]))
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: damaged Parquet file ({_first_line(error)}); replace or delete it") from None
    return pa.concat_tables(taken).take(np.argsort(np.argsort(groups, kind="stable")))


def read_metadata(path: Path) -> dict[str, Any]:
    """Return what ``write_parquet`` stored as ``metadata``; empty for a foreign file."""
    try:
        metadata = json.loads((open_parquet(path).metadata.metadata or {}).get(METADATA_KEY, b"{}"))
    except (ValueError, RecursionError):
        metadata = None
    if not isinstance(metadata, dict):
        raise InputError(f"{path}: its metadata {METADATA_KEY.decode()!r} is damaged; replace or delete it")
    return metadata


def embedding_schema(dim: int) -> pa.Schema:
    """Return the schema of an embeddings file: id, embedding (float32[dim])."""
    return pa.schema([("id", pa.string()), ("embedding", pa.list_(pa.float32(), dim))])


def matrix_to_array(matrix: np.ndarray) -> pa.FixedSizeListArray:
    """Turn a (rows, width) matrix into an Arrow array of fixed-size lists, without copying contiguous data."""
    values = pa.array(np.ascontiguousarray(matrix).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(values, matrix.shape[1])


def array_to_matrix(array: pa.Array) -> np.ndarray:
    """Turn an Arrow array of fixed-size lists or fixed-size binaries into a (rows, width) matrix."""
    if pa.types.is_fixed_size_binary(array.type):
        width = array.type.byte_width
        values = np.frombuffer(array.buffers()[1], dtype=np.uint8)
        return values[array.offset * width : (array.offset + len(array)) * width].reshape(-1, width)
    return array.flatten().to_numpy(zero_copy_only=True).reshape(len(array), array.type.list_size)


def read_matrices(paths: Iterable[Path], column: str, kind: pa.DataType | None = None) -> Iterator[np.ndarray]:
    """Yield ``column`` of several Parquet files in order as (rows, width) matrices, a row group at a time.

    A column that isn't of ``kind``, fixed-size lists or binaries, or lacks a value, is an InputError.
    """
    for path in paths:
        found = open_parquet(path, [column]).schema_arrow.field(column).type
        lists = pa.types.is_fixed_size_list(found) and pa.types.is_primitive(found.value_type)
        if not (lists or pa.types.is_fixed_size_binary(found)) or found != (kind or found):
            expected = kind or "vectors of one size"
            raise InputError(f"{path}: column {column!r} holds {found}, expected {expected}; delete it and run again")
        for batch in read_batches(path, [column]):
            array = batch.column(0)
            if array.null_count or (lists and array.flatten().null_count):
                raise InputError(f"{path}: column {column!r} lacks values; delete it and run again")
            yield array_to_matrix(array)


def read_embeddings(path: Path, dim: int) -> np.ndarray:
    """Read an embeddings file whole, float32 (rows, dim); other dimensions are an InputError."""
    kind = embedding_schema(dim).field("embedding").type
    return np.concatenate([np.empty((0, dim), np.float32), *read_matrices([path], "embedding", kind)])


def count_rows(paths: Iterable[Path]) -> int:
    """Return the number of rows of several Parquet files together, from their footers."""
    return sum(open_parquet(path).metadata.num_rows for path in paths)


def part_rows(total: int, part: int, parts: int) -> tuple[int, int]:
    """Return first and last (exclusive) row of part ``part`` of ``parts`` nearly equal ones."""
    return total * part // parts, total * (part + 1) // parts


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
