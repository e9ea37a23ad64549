"""The command ``embed-corpus``."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa

from embquant.embedding.encoder import load_encoder
from embquant.embedding.given import given_vectors
from embquant.embedding.precisions import PrecomputedCodes, code_files
from embquant.embedding.progress import Progress
from embquant.files.atomic import read_json
from embquant.files.parquet import (
    ROWS_PER_GROUP,
    count_rows,
    part_rows,
    read_rows,
    write_embeddings,
)

WINDOW_CHARACTERS = 16 << 20
"""Characters of the texts that are tokenized and sorted together: what long documents may take of memory."""


def embed_corpus(
    *,
    corpus: Annotated[Path, "corpus.parquet of a dataset"],
    model: Annotated[Path, "model.json that prepare-model wrote"],
    prompt: Annotated[str | None, "text put before each document; default: the model's"] = None,
    dataset: Annotated[str, "stands for {dataset} in the paths of precomputed embeddings"] = "",
    threads: Annotated[int, "threads of the backend"] = 1,
    part: Annotated[int, "which part, from 0"],
    parts: Annotated[int, "number of parts"],
    output: Annotated[Path, "Parquet file: id, embedding"],
) -> None:
    """Embed the distinct texts of one part of a corpus.

    A text is embedded in the part where it occurs first. Precomputed embeddings, and their provider's codes, are looked
    up for all rows of the part.
    """
    described = read_json(model)
    start, stop = part_rows(count_rows([corpus]), part, parts)
    precomputed = described["type"] == "precomputed"
    codes: list[PrecomputedCodes] = []
    blocks: Iterable[tuple[pa.Array, *tuple[np.ndarray, ...]]]
    if precomputed:
        vectors = given_vectors(described, "corpus", dataset, corpus, start, stop)
        dim = vectors.dim
        files = [code_files(described, name, dataset) for name in described["precisions"]]
        codes = [PrecomputedCodes(each, corpus, start, stop, dim=dim) for each in files]
        blocks = (
            (ids, matrix, *(one.read(first, first + len(ids)) for one in codes))
            for first, ids, matrix in vectors.windows()
        )
    else:
        encoder = load_encoder(model, threads, document_prompt=prompt)
        total = sum(map(len, _first_occurrences(corpus, start, stop, ["id"])))
        progress = Progress(total)
        windows = distinct_texts(corpus, start, stop)
        blocks = ((ids, encoder.encode_documents(texts, progress.advance)) for ids, texts in windows)
        dim = encoder.dim
    # Precomputed vectors belong to ids, not to texts: equal texts may have different ones.
    metadata = {"model": described, "prompt": prompt, "every_row": precomputed, "part": part}
    write_embeddings(output, dim, blocks, metadata, kept=False, codes=[one.field for one in codes])


def distinct_texts(corpus: Path, start: int, stop: int) -> Iterator[tuple[pa.Array, list[str]]]:
    """Yield windows of (ids, texts) of rows ``start`` to ``stop`` that repeat no earlier row's text."""
    ids: list[pa.Array] = []
    texts: list[str] = []
    characters = 0
    for batch in _first_occurrences(corpus, start, stop, ["id", "text"]):
        found = batch.column("text").to_pylist()
        ids.append(batch.column("id"))
        texts.extend(found)
        characters += sum(map(len, found))
        if len(texts) >= ROWS_PER_GROUP or characters >= WINDOW_CHARACTERS:
            yield pa.concat_arrays(ids), texts
            ids, texts, characters = [], [], 0
    if texts:
        yield pa.concat_arrays(ids), texts


def _first_occurrences(corpus: Path, start: int, stop: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    for first, batch in read_rows(corpus, [*columns, "first_row"], start, stop):
        is_first = batch.column("first_row").to_numpy() == np.arange(first, first + len(batch))
        yield batch.filter(pa.array(is_first))
