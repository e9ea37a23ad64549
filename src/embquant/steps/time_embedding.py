"""The command ``time-embedding``."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np

from embquant.embedding.encoder import load_encoder
from embquant.files.atomic import read_json, write_json
from embquant.files.parquet import read_batches

QUERIES = 100
DOCUMENTS = 256


def time_embedding(
    *,
    corpus: Annotated[Path, "corpus.parquet of a dataset"],
    queries: Annotated[Path, "queries.parquet of a dataset"],
    model: Annotated[Path, "model.json that prepare-model wrote"],
    query_prompt: Annotated[str | None, "text put before each query; default: the model's"] = None,
    document_prompt: Annotated[str | None, "text put before each document; default: the model's"] = None,
    threads: Annotated[int, "threads of the backend"],
    rounds: Annotated[int, "rounds"] = 3,
    output: Annotated[Path, "figures (JSON)"],
) -> None:
    """Time the embedding itself; needs the machine to itself.

    In each round, the first queries of the dataset are embedded one at a time and its first documents as a batch.
    """
    encoder = load_encoder(model, threads, query_prompt, document_prompt)
    query_texts = _first_texts(queries, QUERIES)
    documents = _first_texts(corpus, DOCUMENTS)
    encoder.encode_queries(query_texts[:3])
    singles, batches = [], []
    for _ in range(rounds):
        singles += [_seconds(encoder.encode_queries, [query]) for query in query_texts]
        batches.append(_seconds(encoder.encode_documents, documents))
    p50, p95, p99 = np.percentile(singles, [50, 95, 99]) * 1000
    described = read_json(model)
    figures = {
        "dim": encoder.dim,
        "backend": described["backend"],
        "device": described["device"],
        "threads": threads,
        "query_latency_p50_ms": p50,
        "query_latency_p95_ms": p95,
        "query_latency_p99_ms": p99,
        "documents_per_second": len(documents) / float(np.median(batches)),
    }
    write_json(output, figures)


def _first_texts(table: Path, count: int) -> list[str]:
    return next(read_batches(table, ["text"], rows=count)).column(0).to_pylist()


def _seconds(embed: Callable[[Sequence[str]], np.ndarray], texts: Sequence[str]) -> float:
    started = time.perf_counter()
    embed(texts)
    return time.perf_counter() - started
