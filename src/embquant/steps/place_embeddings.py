"""The command ``place-embeddings``."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa

from embquant.embedding.vectors import Vectors, window_rows
from embquant.errors import InputError
from embquant.files.atomic import link_or_copy
from embquant.files.parquet import (
    count_rows,
    part_rows,
    read_metadata,
    read_rows,
    write_embeddings,
)


def place_embeddings(
    *,
    corpus: Annotated[Path, "corpus.parquet of a dataset"],
    distinct: Annotated[Sequence[Path], "what embed-corpus wrote of this part and those before it, in order"],
    part: Annotated[int, "which part, from 0"],
    parts: Annotated[int, "number of parts"],
    output: Annotated[Path, "Parquet file: id, embedding"],
) -> None:
    """Give every row of one part its embedding.

    A repeated text gets the vector of its first occurrence. If the part repeats no text, what ``embed-corpus`` wrote is
    linked, not written again.
    """
    described = [read_metadata(path) for path in distinct]
    if [one.get("part") for one in described] != list(range(part + 1)):
        raise InputError(
            f"{distinct[0]}: expected what embed-corpus wrote of the parts 0 to {part}, each once, in order"
        )
    start, stop = part_rows(count_rows([corpus]), part, parts)
    first_rows = read_first_rows(corpus, stop)
    if described[0]["every_row"] or np.array_equal(first_rows[start:], np.arange(start, stop)):
        link_or_copy(distinct[part], output)
        return
    vectors = Vectors(distinct, "embedding")
    blocks = place(corpus, vectors, first_rows, start)
    write_embeddings(output, vectors.dim, blocks, {key: described[0][key] for key in ("model", "prompt")})


def read_first_rows(corpus: Path, stop: int) -> np.ndarray:
    """Return for each of the first ``stop`` rows of a corpus the first row with the same text, int64 (stop,)."""
    batches = [batch.column(0).to_numpy() for _, batch in read_rows(corpus, ["first_row"], 0, stop, 1 << 20)]
    return np.concatenate([np.empty(0, np.int64), *batches])


def place(corpus: Path, vectors: Vectors, first_rows: np.ndarray, start: int) -> Iterator[tuple[pa.Array, np.ndarray]]:
    """Yield ids and vectors of the rows from ``start`` on; ``vectors`` are those of all first rows, in order."""
    positions = np.cumsum(first_rows == np.arange(len(first_rows))) - 1
    if vectors.count != positions[-1] + 1:
        raise InputError(
            f"{corpus}: {positions[-1] + 1} different texts, but {vectors.count} vectors; embed them again"
        )
    for first, batch in read_rows(corpus, ["id"], start, len(first_rows), window_rows(vectors.dim)):
        yield batch.column(0), vectors.take(positions[first_rows[first : first + len(batch)]])
