"""The command ``time-embedding``."""

import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated

import numpy as np

from embquant.embedding.encoder import load_encoder
from embquant.files.atomic import read_json, write_json
from embquant.files.parquet import read_batches
from embquant.measure.effort import Effort, medians, with_interval

MOST_QUERIES = 1000
"""Queries of a dataset that are used."""
QUERIES = 20
"""Queries that a round embeds one at a time."""
DOCUMENTS = 64
"""Documents that it embeds as a batch: the same in every round."""


def time_embedding(
    *,
    corpus: Annotated[Path, "corpus.parquet of a dataset"],
    queries: Annotated[Path, "queries.parquet of a dataset"],
    model: Annotated[Path, "model.json that prepare-model wrote"],
    query_prompt: Annotated[str | None, "text put before each query; default: the model's"] = None,
    document_prompt: Annotated[str | None, "text put before each document; default: the model's"] = None,
    threads: Annotated[int, "threads of the backend"],
    rounds: Annotated[int, "least number of rounds"] = 6,
    precision: Annotated[float, "half the interval of a median, as a share of it, that ends the rounds"] = 0.03,
    seconds: Annotated[float, "seconds of embedding after which there is no further round"] = 0.2,
    output: Annotated[Path, "figures (JSON)"],
) -> None:
    """Time the embedding itself; needs the machine to itself.

    In each round, queries of the dataset are embedded one at a time and its first documents as a batch.
    """
    encoder = load_encoder(model, threads, query_prompt, document_prompt)
    query_texts = cycle(_first_texts(queries, MOST_QUERIES))
    documents = _first_texts(corpus, DOCUMENTS)
    encoder.encode_queries(list(islice(query_texts, 3)))
    effort = Effort(rounds, precision, seconds)
    singles: list[list[float]] = []
    batches: list[float] = []
    while not effort.is_enough(len(batches), sum(map(sum, singles)) + sum(batches), [medians(singles), batches]):
        singles.append([_seconds(encoder.encode_queries, [query]) for query in islice(query_texts, QUERIES)])
        batches.append(_seconds(encoder.encode_documents, documents))
    p95, p99 = np.percentile(singles, [95, 99]) * 1000
    described = read_json(model)
    figures = {
        "dim": encoder.dim,
        "backend": described["backend"],
        "device": described["device"],
        "threads": threads,
        **with_interval("query_latency_p50_ms", [seconds * 1000 for seconds in medians(singles)]),
        "query_latency_p95_ms": p95,
        "query_latency_p99_ms": p99,
        **with_interval("documents_per_second", [len(documents) / seconds for seconds in batches]),
    }
    write_json(output, figures)


def _first_texts(table: Path, count: int) -> list[str]:
    return next(read_batches(table, ["text"], rows=count)).column(0).to_pylist()


def _seconds(embed: Callable[[Sequence[str]], np.ndarray], texts: Sequence[str]) -> float:
    started = time.perf_counter()
    embed(texts)
    return time.perf_counter() - started
