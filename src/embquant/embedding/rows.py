"""Ranges of a Parquet file's rows, read without decoding the row groups before them."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from embquant.errors import InputError
from embquant.files.parquet import ROWS_PER_GROUP, open_parquet

ROWS = 256
"""Rows of a batch: few enough that long texts stay small in memory."""


def read_rows(
    path: Path, columns: Sequence[str], start: int, stop: int, rows: int = ROWS
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield rows ``start`` to ``stop`` (exclusive) of a Parquet file as (row of the first, batch)."""
    file = open_parquet(path, columns)
    offsets = row_group_offsets(file)
    groups = [group for group in range(len(offsets) - 1) if offsets[group] < stop and offsets[group + 1] > start]
    if not groups:
        return
    position = int(offsets[groups[0]])
    try:
        for batch in file.iter_batches(batch_size=rows, row_groups=groups, columns=list(columns)):
            first, last = max(start, position), min(stop, position + len(batch))
            if first < last:
                yield first, batch.slice(first - position, last - first)
            position += len(batch)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: damaged Parquet file ({error}); replace or delete it") from None


def in_row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Cut tables into pieces that are small enough for one row group each."""
    for table in tables:
        yield from (table.slice(start, ROWS_PER_GROUP) for start in range(0, table.num_rows, ROWS_PER_GROUP))


def row_group_offsets(file: pq.ParquetFile) -> np.ndarray:
    """Return the first row of each row group, and the number of rows at the end (int64)."""
    sizes = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
    return np.cumsum([0, *sizes], dtype=np.int64)
