"""``embed-queries``: the vectors of a dataset's queries, in their order."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from embquant.embedding.encoder import Encoder, load_encoder
from embquant.embedding.precomputed import PrecomputedVectors
from embquant.embedding.progress import track
from embquant.files.atomic import read_json
from embquant.files.parquet import (
    count_rows,
    embedding_schema,
    in_row_groups,
    matrix_to_array,
    read_batches,
    write_parquet,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--queries", required=True, type=Path, help="queries.parquet of a dataset")
    parser.add_argument("--model", required=True, type=Path, help="model.json that prepare-model wrote")
    parser.add_argument("--dataset", default="", help="stands for {dataset} in the paths of precomputed embeddings")
    parser.add_argument("--threads", type=int, default=1, help="threads of the backend")
    parser.add_argument("--output", required=True, type=Path, help="Parquet file: id, embedding")


def run(arguments: argparse.Namespace) -> None:
    """Embed the queries, or find their precomputed vectors."""
    model = read_json(arguments.model)
    total = count_rows([arguments.queries])
    if model["type"] == "precomputed":
        vectors = PrecomputedVectors(model, "queries", arguments.dataset, arguments.queries, 0, total)
        pairs = ((ids, matrix) for _, ids, matrix in vectors.windows())
        dim = vectors.dim
    else:
        encoder = load_encoder(arguments.model, arguments.threads)
        pairs = _embed(arguments.queries, total, encoder)
        dim = encoder.dim
    schema = embedding_schema(dim)
    tables = (pa.table([ids, matrix_to_array(matrix)], schema=schema) for ids, matrix in pairs)
    write_parquet(arguments.output, schema, in_row_groups(tables), {"model": model})


def _embed(queries: Path, total: int, encoder: Encoder) -> Iterator[tuple[pa.Array, np.ndarray]]:
    for batch in track(read_batches(queries, ["id", "text"]), total):
        yield batch.column(0), encoder.encode_queries(batch.column(1).to_pylist())
