"""The command ``embed-corpus``."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa

from embquant.embedding.encoder import load_encoder
from embquant.embedding.precomputed import PrecomputedVectors
from embquant.embedding.progress import Progress
from embquant.files.atomic import read_json
from embquant.files.parquet import (
    ROWS_PER_GROUP,
    count_rows,
    in_row_groups,
    matrix_to_array,
    part_rows,
    read_rows,
    write_parquet,
)

WINDOW_CHARACTERS = 16 << 20
"""Characters of the texts that are tokenized and sorted together: what long documents may take of memory."""


def embed_corpus(
    *,
    corpus: Annotated[Path, "corpus.parquet of a dataset"],
    model: Annotated[Path, "model.json that prepare-model wrote"],
    dataset: Annotated[str, "stands for {dataset} in the paths of precomputed embeddings"] = "",
    threads: Annotated[int, "threads of the backend"] = 1,
    part: Annotated[int, "which part, from 0"],
    parts: Annotated[int, "number of parts"],
    output: Annotated[Path, "Parquet file: row, embedding"],
) -> None:
    """Embed the distinct texts of one part of a corpus.

    A text is embedded in the part where it occurs first. Precomputed embeddings are looked up for all rows of the part.
    """
    described = read_json(model)
    start, stop = part_rows(count_rows([corpus]), part, parts)
    precomputed = described["type"] == "precomputed"
    if precomputed:
        vectors = PrecomputedVectors(described, "corpus", dataset, corpus, start, stop)
        pairs = ((np.arange(row, row + len(ids)), matrix) for row, ids, matrix in vectors.windows())
        dim = vectors.dim
    else:
        encoder = load_encoder(model, threads)
        total = sum(len(rows) for rows, _ in _first_occurrences(corpus, start, stop, []))
        progress = Progress(total)
        windows = distinct_texts(corpus, start, stop)
        pairs = ((rows, encoder.encode_documents(texts, progress.advance)) for rows, texts in windows)
        dim = encoder.dim
    schema = pa.schema([("row", pa.int64()), ("embedding", pa.list_(pa.float32(), dim))])
    tables = (pa.table([pa.array(rows), matrix_to_array(matrix)], schema=schema) for rows, matrix in pairs)
    # Precomputed vectors belong to ids, not to texts: equal texts may have different ones.
    metadata = {"model": described, "every_row": precomputed}
    write_parquet(output, schema, in_row_groups(tables), metadata, kept=False)


def distinct_texts(corpus: Path, start: int, stop: int) -> Iterator[tuple[np.ndarray, list[str]]]:
    """Yield windows of (rows, texts) of rows ``start`` to ``stop`` that repeat no earlier row's text."""
    rows: list[np.ndarray] = []
    texts: list[str] = []
    characters = 0
    for new, batch in _first_occurrences(corpus, start, stop, ["text"]):
        found = batch.column(1).to_pylist()
        rows.append(new)
        texts.extend(found)
        characters += sum(map(len, found))
        if len(texts) >= ROWS_PER_GROUP or characters >= WINDOW_CHARACTERS:
            yield np.concatenate(rows), texts
            rows, texts, characters = [], [], 0
    if texts:
        yield np.concatenate(rows), texts


def _first_occurrences(
    corpus: Path, start: int, stop: int, columns: Sequence[str]
) -> Iterator[tuple[np.ndarray, pa.RecordBatch]]:
    for first, batch in read_rows(corpus, ["first_row", *columns], start, stop):
        new = np.flatnonzero(batch.column(0).to_numpy() == np.arange(first, first + len(batch)))
        yield first + new, batch.take(pa.array(new))
