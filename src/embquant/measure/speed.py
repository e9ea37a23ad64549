"""Latency and throughput of a method beside the baseline."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from embquant.errors import InputError
from embquant.indexes.manifest import Manifest
from embquant.retrieve.rescoring import Store
from embquant.retrieve.retriever import Retriever, manifest_of
from embquant.study import NO_STORE, Setting, settings_of

log = logging.getLogger(__name__)

BASELINE_ENGINES: tuple[Literal["blas", "faiss"], ...] = ("blas", "faiss")
"""The engines of the flat float32 index; the faster one of a run is the baseline."""

BATCH_SECONDS = 3
"""About how long a batch may take: for a slow method it holds fewer than all queries."""

FEWEST_IN_BATCH = 32
"""Least number of queries in a batch. The warm-up times as many, to find how many a batch may hold."""


@dataclass(frozen=True)
class Queries:
    """Queries that are searched: ``vectors`` float32 (queries, dim), and the row of each one's own document, or None.

    Own documents, int64 (queries,), −1 for none, are left out of what is found.
    """

    vectors: np.ndarray
    own_rows: np.ndarray | None = None

    def __len__(self) -> int:
        """Return their number."""
        return len(self.vectors)

    def __getitem__(self, places: slice | np.ndarray) -> Self:
        """Return some of them."""
        return type(self)(self.vectors[places], None if self.own_rows is None else self.own_rows[places])

    def singly(self) -> "Iterator[Queries]":
        """Yield each query by itself."""
        return (self[place : place + 1] for place in range(len(self)))


@dataclass(frozen=True)
class Contestant:
    """A search that is timed: the seconds of each single query and, of each batch, the seconds per query."""

    engine: str
    setting: Setting
    search: Callable[[Queries], Any]
    singles: list[float] = field(default_factory=list)
    batches: list[float] = field(default_factory=list)

    def warm_up(self, queries: Queries) -> int:
        """Search until pages and caches are warm; return how many of ``queries`` a batch is to hold."""
        for query in queries[:3].singly():
            self.search(query)
        few = queries[:FEWEST_IN_BATCH]
        return max(len(few), min(len(queries), int(BATCH_SECONDS / _seconds(self.search, few) * len(few))))

    def time_singles(self, queries: Queries) -> None:
        """Search query by query."""
        for query in queries.singly():
            self.singles.append(_seconds(self.search, query))

    def time_batch(self, queries: Queries) -> None:
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


def build_seconds(method: Path) -> float:
    """Return the seconds of fitting the codec, encoding the corpus and building the index of a method."""
    manifest = Manifest.read(manifest_of(method))
    return manifest.fit_seconds + manifest.encode_seconds + manifest.build_seconds


def open_contestants(
    method: Path, stores: Mapping[str, Path], multipliers: Sequence[int], top_ks: Sequence[int], threads: int
) -> list[Contestant]:
    """Open a method and its rescore stores; return a contestant for each setting."""
    plain = Retriever.open(method, None, threads)
    rescoring = {name: replace(plain, store=Store.open(manifest)) for name, manifest in stores.items()}
    retrievers = {NO_STORE: plain, **rescoring}
    return [
        _contestant(retrievers[setting.store], setting) for setting in settings_of(list(stores), multipliers, top_ks)
    ]


def open_baselines(baseline: Path, top_ks: Sequence[int], threads: int) -> list[Contestant]:
    """Open the float32 baseline; return a contestant for each engine and top_k, which share its vectors."""
    opened = Retriever.open(baseline, None, threads)
    from embquant.indexes.flat_float32 import FlatFloat32  # needs FAISS

    if not isinstance(opened.index, FlatFloat32):
        raise InputError(f"{baseline}: not a flat index of float32 vectors, which the baseline must be")
    retrievers = [replace(opened, index=opened.index.with_engine(engine)) for engine in BASELINE_ENGINES]
    return [_contestant(retriever, Setting(NO_STORE, 1, top_k)) for retriever in retrievers for top_k in top_ks]


def measured_speed(
    baselines: Sequence[Contestant],
    contestants: Sequence[Contestant],
    queries: Queries,
    singles: Queries,
    rounds: int,
) -> tuple[list[dict[str, Any]], int]:
    """Time all contestants in rounds that alternate in direction; return their settings and the size of a batch.

    ``queries`` are searched in batches, ``singles`` one at a time. Without
    ``contestants``, the settings are those of the baseline itself.
    """
    everybody = [(each, queries[: each.warm_up(queries)]) for each in [*baselines, *contestants]]
    for number in range(rounds):
        for contestant, _ in everybody:
            contestant.time_singles(singles)
        for contestant, batch in everybody:
            contestant.time_batch(batch)
        everybody.reverse()
        log.info("round %d of %d", number + 1, rounds)
    top_ks = dict.fromkeys(each.setting.top_k for each in baselines)
    fastest = {top_k: _fastest([each for each in baselines if each.setting.top_k == top_k]) for top_k in top_ks}
    figures = {top_k: engine.figures() for top_k, engine in fastest.items()}
    settings = [_setting(each, figures[each.setting.top_k]) for each in contestants or fastest.values()]
    return settings, min(len(batch) for _, batch in everybody)


def _contestant(retriever: Retriever, setting: Setting) -> Contestant:
    def search(queries: Queries) -> Any:
        return retriever.search(queries.vectors, setting.top_k, setting.multiplier, queries.own_rows)

    return Contestant(retriever.index.engine, setting, search)


def _fastest(baselines: Sequence[Contestant]) -> Contestant:
    """Join the engines' best: the least median latency with the least median batch."""
    single = min(baselines, key=lambda engine: float(np.median(engine.singles)))
    batch = min(baselines, key=lambda engine: float(np.median(engine.batches)))
    engine = single.engine if single is batch else f"{single.engine} alone, {batch.engine} in batch"
    return Contestant(engine, single.setting, single.search, single.singles, batch.batches)


def _setting(contestant: Contestant, baseline: dict[str, float]) -> dict[str, Any]:
    figures = contestant.figures()
    return {
        "rescore_store": contestant.setting.store,
        "rescore_multiplier": contestant.setting.multiplier,
        "top_k": contestant.setting.top_k,
        **figures,
        "speedup_p50_vs_float32": baseline["latency_p50_ms"] / figures["latency_p50_ms"],
        "engine": contestant.engine,
    }


def _seconds(search: Callable[[Queries], Any], queries: Queries) -> float:
    started = time.perf_counter()
    search(queries)
    return time.perf_counter() - started
