"""Latency and throughput of a method beside the baseline."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any, Literal, Self

import numpy as np

from embquant.indexes.manifest import Manifest
from embquant.measure.effort import Effort, medians, with_interval
from embquant.retrieve.rescoring import Store
from embquant.retrieve.retriever import Retriever, manifest_of
from embquant.study import NO_STORE, Setting, settings_of

log = logging.getLogger(__name__)

BASELINE_ENGINES: tuple[Literal["blas", "faiss"], ...] = ("blas", "faiss")
"""The engines of the flat float32 index; the faster one of a run is the baseline."""

BATCH_QUERIES = 128
"""Queries in a batch, or all where there are fewer: the same for all searches, as greater batches have higher rates."""


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


@dataclass(frozen=True, eq=False)
class Contestant:
    """A search that is timed, and the ``settings`` that it stands for: they differ in how much of its list they return.

    ``singles`` are the seconds of single queries, a list per round; ``batches``, of each round, the seconds per query.
    ``code`` is the Python of a search that does without this library.
    """

    engine: str
    settings: tuple[Setting, ...]
    search: Callable[[Queries], Any]
    singles: list[list[float]] = field(default_factory=list)
    batches: list[float] = field(default_factory=list)
    code: str | None = None

    def warm_up(self, queries: Queries) -> None:
        """Search until pages and caches are warm."""
        for query in queries[:3].singly():
            self.search(query)

    def time_singles(self, queries: Queries) -> None:
        """Search query by query, after one that isn't timed: caches and cores are as another search left them.

        Of 20 queries the first would be five per cent, on which the 95th percentile depends.
        """
        self.search(queries[-1:])
        self.singles.append([_seconds(self.search, query) for query in queries.singly()])

    def time_batch(self, queries: Queries) -> None:
        """Search all of a batch at once."""
        self.batches.append(_seconds(self.search, queries) / len(queries))

    def is_known(self, effort: Effort, batch_queries: int) -> bool:
        """Tell whether it has been timed enough, in batches of so many queries."""
        spent = sum(map(sum, self.singles)) + batch_queries * sum(self.batches)
        return effort.is_enough(len(self.batches), spent, [self.medians(), self.batches])

    def medians(self) -> list[float]:
        """Return the median seconds of a single query in each round."""
        return medians(self.singles)

    def figures(self) -> dict[str, Any]:
        """Latency and throughput: medians over rounds and their intervals, and percentiles over all single queries."""
        p95, p99 = np.percentile(np.concatenate(self.singles), [95, 99]) * 1000
        return {
            **with_interval("latency_p50_ms", [seconds * 1000 for seconds in self.medians()]),
            "latency_p95_ms": p95,
            "latency_p99_ms": p99,
            **with_interval("queries_per_second", [1 / seconds for seconds in self.batches]),
            "rounds": len(self.batches),
        }


def build_seconds(method: Path) -> float:
    """Return the seconds of fitting the codec, encoding the corpus and building the index of a method."""
    manifest = Manifest.read(manifest_of(method))
    return manifest.fit_seconds + manifest.encode_seconds + manifest.build_seconds


def open_contestants(
    method: Path, stores: Mapping[str, Path], multipliers: Sequence[int], top_ks: Sequence[int], threads: int
) -> list[Contestant]:
    """Open a method and its rescore stores; return a contestant for each search of a setting.

    Settings that rescore as many candidates with the same store share a search: they return more or less of its list.
    """
    plain = Retriever.open(method, None, threads)
    rescoring = {name: replace(plain, store=Store.open(manifest)) for name, manifest in stores.items()}
    retrievers = {NO_STORE: plain, **rescoring}
    searches: dict[tuple[str, int], list[Setting]] = {}
    for setting in settings_of(list(stores), multipliers, top_ks):
        searches.setdefault((setting.store, setting.depth), []).append(setting)
    return [_contestant(retrievers[store], settings) for (store, _), settings in searches.items()]


def open_plain(
    method: Path, stores: Mapping[str, Path], multipliers: Sequence[int], top_k: int, threads: int
) -> list[Contestant]:
    """Return a contestant for each setting at ``top_k`` that NumPy and FAISS or USearch can search alone."""
    from embquant.retrieve.plain import plain_code  # needs FAISS and USearch

    found = []
    for setting in settings_of(list(stores), multipliers, [top_k]):
        code = plain_code(method, stores.get(setting.store), top_k, setting.multiplier, threads)
        if code is not None:
            found.append(Contestant("plain", (setting,), _defined(code), code=code))
    return found


def _defined(code: str) -> Callable[[Queries], Any]:
    """Return the search that ``code``, of :func:`plain_code`, defines."""
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - written by this library
    return lambda queries: names["search"](queries.vectors)


def open_baselines(baseline: Path, top_ks: Sequence[int], threads: int) -> list[Contestant]:
    """Open the baseline; return a contestant for each engine and top_k, which share its vectors.

    None where the baseline is no search of float32 vectors: nothing is faster or slower than these then.
    """
    opened = Retriever.open(baseline, None, threads)
    from embquant.indexes.flat_float32 import FlatFloat32  # needs FAISS

    if not isinstance(opened.index, FlatFloat32):
        return []
    retrievers = [replace(opened, index=opened.index.with_engine(engine)) for engine in BASELINE_ENGINES]
    return [_contestant(retriever, [Setting(NO_STORE, 1, top_k)]) for retriever in retrievers for top_k in top_ks]


def measured_speed(
    baselines: Sequence[Contestant],
    contestants: Sequence[Contestant],
    queries: Queries,
    single_queries: int,
    effort: Effort,
) -> tuple[list[dict[str, Any]], int]:
    """Time all contestants in rounds that alternate in direction; return their settings and the size of a batch.

    Each round times other queries one at a time, ``single_queries`` of all, and the same batch. A contestant's batch
    follows its own queries: for a while after another's, that one's threads would still keep the cores busy, waiting
    for work. A contestant whose medians are known takes no further part. The ``baselines`` do as long as anybody else
    does, but without batches, of which there is no speed-up. Without ``contestants``, the settings are those of the
    baseline itself.
    """
    batch = queries[:BATCH_QUERIES]
    everybody, judged = [*baselines, *contestants], contestants or baselines
    for each in everybody:
        each.warm_up(queries)
    for each in judged:
        each.search(batch)  # the first search for as many tries several kernels
    order = np.random.default_rng(0).permutation(len(queries))
    number = 0
    while waiting := [each for each in judged if not each.is_known(effort, len(batch))]:
        singles = queries[np.take(order, range(number * single_queries, (number + 1) * single_queries), mode="wrap")]
        turn = [each for each in everybody if each in waiting or each in baselines]
        for contestant in turn:
            contestant.time_singles(singles)
            if contestant in judged:
                contestant.time_batch(batch)
        everybody.reverse()
        number += 1
        log.info("round %d: %d searches", number, len(turn))
    top_ks = dict.fromkeys(each.settings[0].top_k for each in baselines)
    engines = {top_k: [each for each in baselines if each.settings[0].top_k == top_k] for top_k in top_ks}
    plain = {each.settings[0]: _plain_figures(each) for each in contestants if each.code is not None}
    rows = [
        _row(each, setting, engines.get(setting.top_k, [])) | plain.get(setting, {})
        for each in contestants or map(_joined, engines.values())
        if each.code is None
        for setting in each.settings
    ]
    return rows, len(batch)


def _contestant(retriever: Retriever, settings: Sequence[Setting]) -> Contestant:
    longest = max(settings, key=lambda setting: setting.top_k)

    def search(queries: Queries) -> Any:
        return retriever.search(queries.vectors, longest.top_k, longest.multiplier, queries.own_rows)

    return Contestant(retriever.index.engine, tuple(settings), search)


def _fastest(baselines: Sequence[Contestant]) -> Contestant:
    """Return the engine with the least median latency."""
    return min(baselines, key=lambda engine: median(engine.medians()))


def _joined(baselines: Sequence[Contestant]) -> Contestant:
    """Join the engines' best: the least median latency with the least median batch."""
    single = _fastest(baselines)
    batch = min(baselines, key=lambda engine: median(engine.batches))
    engine = single.engine if single is batch else f"{single.engine} alone, {batch.engine} in batch"
    return Contestant(engine, single.settings, single.search, single.singles, batch.batches)


def _row(contestant: Contestant, setting: Setting, baselines: Sequence[Contestant]) -> dict[str, Any]:
    """Return what was measured of a setting; its speed-up is over the fastest of ``baselines`` in the same rounds."""
    own = contestant.medians()
    references = _fastest(baselines).medians() if baselines else []
    speedups = [reference / seconds for reference, seconds in zip(references, own, strict=False)]
    return {
        "rescore_store": setting.store,
        "rescore_multiplier": setting.multiplier,
        "top_k": setting.top_k,
        **contestant.figures(),
        **with_interval("speedup_p50_vs_float32", speedups),
        "engine": contestant.engine,
    }


def _plain_figures(contestant: Contestant) -> dict[str, Any]:
    """Return what was measured of a search without this library, and its code."""
    timed = ("latency_p50_ms", "queries_per_second")
    figures = {f"plain_{name}": value for name, value in contestant.figures().items() if name.startswith(timed)}
    return {**figures, "plain_code": contestant.code}


def _seconds(search: Callable[[Queries], Any], queries: Queries) -> float:
    started = time.perf_counter()
    search(queries)
    return time.perf_counter() - started
