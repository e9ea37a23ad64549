"""``time-embedding``: what embedding itself takes, reported once, apart from search; needs the machine to itself."""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from embquant.embedding.encoder import load_encoder
from embquant.files.atomic import read_json, write_json
from embquant.files.parquet import read_batches

QUERIES = 100
DOCUMENTS = 256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--corpus", required=True, type=Path, help="corpus.parquet of a dataset")
    parser.add_argument("--queries", required=True, type=Path, help="queries.parquet of a dataset")
    parser.add_argument("--model", required=True, type=Path, help="model.json that prepare-model wrote")
    parser.add_argument("--threads", required=True, type=int, help="threads of the backend")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (default 3)")
    parser.add_argument("--output", required=True, type=Path, help="figures (JSON)")


def run(arguments: argparse.Namespace) -> None:
    """Embed queries one at a time and documents as a batch, from the first of the dataset, in rounds."""
    encoder = load_encoder(arguments.model, arguments.threads)
    queries = _first_texts(arguments.queries, QUERIES)
    documents = _first_texts(arguments.corpus, DOCUMENTS)
    encoder.encode_queries(queries[:3])
    singles, batches = [], []
    for _ in range(arguments.rounds):
        singles += [_seconds(encoder.encode_queries, [query]) for query in queries]
        batches.append(_seconds(encoder.encode_documents, documents))
    p50, p95, p99 = np.percentile(singles, [50, 95, 99]) * 1000
    model = read_json(arguments.model)
    figures = {
        "dim": encoder.dim,
        "backend": model["backend"],
        "device": model["device"],
        "threads": arguments.threads,
        "query_latency_p50_ms": p50,
        "query_latency_p95_ms": p95,
        "query_latency_p99_ms": p99,
        "documents_per_second": len(documents) / float(np.median(batches)),
    }
    write_json(arguments.output, figures)


def _first_texts(table: Path, count: int) -> list[str]:
    return next(read_batches(table, ["text"], rows=count)).column(0).to_pylist()


def _seconds(embed: Callable[[Sequence[str]], np.ndarray], texts: Sequence[str]) -> float:
    started = time.perf_counter()
    embed(texts)
    return time.perf_counter() - started
