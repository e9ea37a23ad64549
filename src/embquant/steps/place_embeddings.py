"""The command ``place-embeddings``."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa

from embquant.embedding.vectors import ParquetVectors, window_rows
from embquant.errors import InputError
from embquant.files.parquet import (
    count_rows,
    embedding_schema,
    in_row_groups,
    matrix_to_array,
    part_rows,
    read_batches,
    read_metadata,
    read_rows,
    write_parquet,
)


def place_embeddings(
    *,
    corpus: Annotated[Path, "corpus.parquet of a dataset"],
    distinct: Annotated[Sequence[Path], "what embed-corpus wrote, in order"],
    part: Annotated[int, "which part, from 0"],
    parts: Annotated[int, "number of parts"],
    output: Annotated[Path, "Parquet file: id, embedding"],
) -> None:
    """Give every row of one part its embedding.

    A repeated text gets the vector of its first occurrence.
    """
    metadata = read_metadata(distinct[0])
    vectors = ParquetVectors(distinct, "embedding")
    start, stop = part_rows(count_rows([corpus]), part, parts)
    tables = place(corpus, distinct, vectors, start, stop, metadata["every_row"])
    write_parquet(output, embedding_schema(vectors.dim), in_row_groups(tables), {"model": metadata["model"]})


def place(
    corpus: Path, distinct: Sequence[Path], vectors: ParquetVectors, start: int, stop: int, every_row: bool
) -> Iterator[pa.Table]:
    """Yield ids and vectors of rows ``start`` to ``stop``; ``every_row``: each has a vector of its own."""
    embedded = np.concatenate(
        [batch.column(0).to_numpy() for path in distinct for batch in read_batches(path, ["row"], 1 << 20)]
        or [np.empty(0, dtype=np.int64)]
    )
    for first, batch in read_rows(corpus, ["id", "first_row"], start, stop, window_rows(vectors.dim)):
        rows = np.arange(first, first + len(batch)) if every_row else batch.column(1).to_numpy()
        positions = np.searchsorted(embedded, rows)
        found = embedded[np.minimum(positions, len(embedded) - 1)] if len(embedded) else np.full(len(rows), -1)
        if not np.array_equal(found, rows):
            row = rows[np.argmax(found != rows)]
            raise InputError(
                f"{distinct[0]} and the others: no vector of row {row}; give the files of all parts in order"
            )
        matrix = matrix_to_array(vectors.take(positions))
        yield pa.table([batch.column(0), matrix], schema=embedding_schema(vectors.dim))
