"""``time-search``: latency and throughput of a method, beside the baseline, alone on the machine."""

import argparse
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from embquant.files.atomic import write_json
from embquant.files.parquet import read_matrices
from embquant.files.provenance import environment
from embquant.indexes.manifest import Manifest
from embquant.retrieve.method import Method, index_of
from embquant.retrieve.rescoring import Store
from embquant.retrieve.retriever import Retriever
from embquant.study.settings import NO_STORE, Cell, cells, named_manifests

log = logging.getLogger(__name__)

BASELINE_ENGINES = ("blas", "faiss")
"""The engines of the flat float32 index; the faster one of a run is the baseline."""

BATCH_SECONDS = 3
"""What a batch may take, about: of a slow method's queries it holds fewer than all."""

FEWEST_IN_BATCH = 32
"""Queries of a batch, however slow the method; what they take in the warm-up tells how many a batch may hold."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``time-search``."""
    parser.add_argument("--method", required=True, type=Path, help="definition of the method")
    parser.add_argument("--baseline", required=True, type=Path, help="definition of the float32 baseline")
    parser.add_argument("--queries", required=True, type=Path, help="query embeddings")
    parser.add_argument("--stores", nargs="*", default=[], metavar="NAME=MANIFEST", help="rescore stores")
    parser.add_argument("--multipliers", required=True, nargs="+", type=int, help="rescore multipliers")
    parser.add_argument("--top-k", required=True, nargs="+", type=int, help="documents returned")
    parser.add_argument("--threads", required=True, type=int, help="threads of the search")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, each timing everything once (default 3)")
    parser.add_argument("--single", type=int, default=100, help="queries timed one at a time in a round (default 100)")
    parser.add_argument("--output", required=True, type=Path, help="figures (JSON)")


@dataclass(frozen=True)
class Contestant:
    """One search that is timed: seconds of single queries, and a query of a batch, over all rounds."""

    engine: str
    cell: Cell
    search: Callable[[np.ndarray], Any]
    singles: list[float] = field(default_factory=list)
    batches: list[float] = field(default_factory=list)

    def warm_up(self, queries: np.ndarray) -> int:
        """Search until pages and caches are warm; return how many of ``queries`` a batch is to hold."""
        for query in queries[:3]:
            self.search(query[None])
        few = queries[:FEWEST_IN_BATCH]
        return max(len(few), min(len(queries), int(BATCH_SECONDS / _seconds(self.search, few) * len(few))))

    def time_singles(self, queries: np.ndarray) -> None:
        """Search query by query."""
        for query in queries:
            self.singles.append(_seconds(self.search, query[None]))

    def time_batch(self, queries: np.ndarray) -> None:
        """Search all of a batch at once."""
        self.batches.append(_seconds(self.search, queries) / len(queries))

    def figures(self) -> dict[str, float]:
        """Latency percentiles over all single queries, throughput of the median batch."""
        p50, p95, p99 = np.percentile(self.singles, [50, 95, 99]) * 1000
        return {
            "latency_p50_ms": p50,
            "latency_p95_ms": p95,
            "latency_p99_ms": p99,
            "queries_per_second": 1 / float(np.median(self.batches)),
        }


def run(arguments: argparse.Namespace) -> None:
    """Time every setting of the method, and the baseline's, in rounds that alternate in direction."""
    threadpool_limits(arguments.threads, "blas")
    queries = np.concatenate(list(read_matrices([arguments.queries], "embedding")))
    baselines = _baselines(arguments)
    contestants = [] if arguments.method == arguments.baseline else _contestants(arguments)
    singles = queries[np.linspace(0, len(queries) - 1, min(arguments.single, len(queries)), dtype=np.int64)]
    everybody = [(own, queries[: own.warm_up(queries)]) for own in baselines + contestants]
    for number in range(arguments.rounds):
        for contestant, _ in everybody:
            contestant.time_singles(singles)
        for contestant, batch in everybody:
            contestant.time_batch(batch)
        everybody.reverse()
        log.info("round %d of %d", number + 1, arguments.rounds)
    fastest = [_fastest([own for own in baselines if own.cell.top_k == top_k]) for top_k in arguments.top_k]
    reference = {own.cell.top_k: own.figures() for own in fastest}
    settings = [_setting(own, reference[own.cell.top_k]) for own in contestants or fastest]
    write_json(
        arguments.output,
        {
            "method": Method.read(arguments.method).name,
            "threads": arguments.threads,
            "rounds": arguments.rounds,
            "single_queries": len(singles),
            "batch_queries": min(len(batch) for _, batch in everybody),
            "build_seconds": build_seconds(arguments.method),
            "settings": settings,
            "environment": environment(["faiss-cpu", "usearch", "numkong", "numpy"]),
        },
    )


def build_seconds(method: Path) -> float:
    """Return the seconds of fitting the codec, encoding the corpus and building the index of a method."""
    manifest = Manifest.read(index_of(method))
    return manifest.fit_seconds + manifest.encode_seconds + manifest.build_seconds


def _contestants(arguments: argparse.Namespace) -> list[Contestant]:
    stores = named_manifests(arguments.stores)
    plain = Retriever.open(arguments.method, None, arguments.threads)
    rescoring = {name: replace(plain, store=Store.open(manifest)) for name, manifest in stores.items()}
    retrievers = {NO_STORE: plain, **rescoring}
    grid = cells(list(stores), arguments.multipliers, arguments.top_k)
    return [_contestant(retrievers[cell.store], cell) for cell in grid]


def _baselines(arguments: argparse.Namespace) -> list[Contestant]:
    retrievers = [
        Retriever.open(arguments.baseline, None, arguments.threads, engine=engine) for engine in BASELINE_ENGINES
    ]
    return [_contestant(own, Cell(NO_STORE, 1, top_k)) for own in retrievers for top_k in arguments.top_k]


def _contestant(retriever: Retriever, cell: Cell) -> Contestant:
    def search(queries: np.ndarray) -> Any:
        return retriever.search(queries, cell.top_k, cell.multiplier)

    return Contestant(retriever.index.engine, cell, search)


def _fastest(baselines: Sequence[Contestant]) -> Contestant:
    """Join the engines' best: the least median latency with the least median batch."""
    single = min(baselines, key=lambda own: float(np.median(own.singles)))
    batch = min(baselines, key=lambda own: float(np.median(own.batches)))
    engine = single.engine if single is batch else f"{single.engine} alone, {batch.engine} in batch"
    return Contestant(engine, single.cell, single.search, single.singles, batch.batches)


def _setting(contestant: Contestant, baseline: dict[str, float]) -> dict[str, Any]:
    figures = contestant.figures()
    return {
        "rescore_store": contestant.cell.store,
        "rescore_multiplier": contestant.cell.multiplier,
        "top_k": contestant.cell.top_k,
        **figures,
        "speedup_p50_vs_float32": baseline["latency_p50_ms"] / figures["latency_p50_ms"],
        "engine": contestant.engine,
    }


def _seconds(search: Callable[[np.ndarray], Any], queries: np.ndarray) -> float:
    started = time.perf_counter()
    search(queries)
    return time.perf_counter() - started
