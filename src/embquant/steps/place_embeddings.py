"""``place-embeddings``: every row of a part gets its vector, repetitions the one of the text's first occurrence."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--corpus", required=True, type=Path, help="corpus.parquet of a dataset")
    parser.add_argument("--distinct", required=True, type=Path, nargs="+", help="what embed-corpus wrote, in order")
    parser.add_argument("--part", required=True, type=int, help="which part, from 0")
    parser.add_argument("--parts", required=True, type=int, help="number of parts")
    parser.add_argument("--output", required=True, type=Path, help="Parquet file: id, embedding")


def run(arguments: argparse.Namespace) -> None:
    """Write the part's ids and vectors."""
    metadata = read_metadata(arguments.distinct[0])
    vectors = ParquetVectors(arguments.distinct, "embedding")
    start, stop = part_rows(count_rows([arguments.corpus]), arguments.part, arguments.parts)
    tables = place(arguments.corpus, arguments.distinct, vectors, start, stop, metadata["every_row"])
    write_parquet(arguments.output, embedding_schema(vectors.dim), in_row_groups(tables), {"model": metadata["model"]})


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
