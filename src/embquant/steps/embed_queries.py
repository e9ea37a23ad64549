"""The command ``embed-queries``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa

from embquant.embedding.encoder import Encoder, load_encoder
from embquant.embedding.given import check_query_vectors, given_vectors
from embquant.embedding.progress import track
from embquant.files.atomic import read_json
from embquant.files.parquet import (
    count_rows,
    read_batches,
    write_embeddings,
)


def embed_queries(
    *,
    queries: Annotated[Path, "queries.parquet of a dataset"],
    model: Annotated[Path, "model.json that prepare-model wrote"],
    prompt: Annotated[str | None, "text put before each query; default: the model's"] = None,
    corpus: Annotated[
        Path, "corpus.parquet of the dataset: its ids can't be those of queries in the same file of vectors"
    ],
    description: Annotated[Path, "dataset.json: whether the queries were held out of the corpus"],
    dataset: Annotated[str, "stands for {dataset} in the paths of precomputed embeddings"] = "",
    threads: Annotated[int, "threads of the backend"] = 1,
    output: Annotated[Path, "Parquet file: id, embedding"],
) -> None:
    """Embed the queries of a dataset, or look up their precomputed vectors."""
    described = read_json(model)
    total = count_rows([queries])
    if described["type"] == "precomputed":
        pairs: Iterator[tuple[pa.Array, np.ndarray]]
        held_out = read_json(description)["left_out"].get("documents_held_out_as_queries", 0) > 0
        check_query_vectors(described, dataset, queries, corpus, held_out)
        vectors = given_vectors(described, "queries", dataset, queries, 0, total)
        pairs = ((ids, matrix) for _, ids, matrix in vectors.windows())
        dim = vectors.dim
    else:
        encoder = load_encoder(model, threads, query_prompt=prompt)
        pairs = _embed(queries, total, encoder)
        dim = encoder.dim
    write_embeddings(output, dim, pairs, {"model": described, "prompt": prompt})


def _embed(queries: Path, total: int, encoder: Encoder) -> Iterator[tuple[pa.Array, np.ndarray]]:
    for batch in track(read_batches(queries, ["id", "text"]), total):
        yield batch.column(0), encoder.encode_queries(batch.column(1).to_pylist())
