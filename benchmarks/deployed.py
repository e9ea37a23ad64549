"""Does the printed code take as long as the search that was timed?

For each method the lines that a report prints are executed, and the retriever that they open answers the same single
queries as the search that ``time-search`` times, in turn. A second figure is what it takes to rank documents as they
were measured, ties by ascending row: the deployed search of a flat index beside its engine alone, which returns equal
documents in any order.
"""

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd
import vectors
from harness import CORES, Row, rounds_option, save, share

from embquant.arrays import DATASET, MODEL, StudyOfArrays
from embquant.measure.speed import Queries, open_baselines, open_contestants
from embquant.report.deployment import deployment_code
from embquant.retrieve.retriever import Retriever
from embquant.study import NO_STORE, Setting
from embquant.study.study import Study

TOP_K, MULTIPLIER = 10, 4
METHODS = {
    "float32": {"codec": "float32", "index": "flat"},
    "int8": {"codec": "int8", "index": "flat"},
    "binary": {"codec": "binary", "index": "flat"},
    "uint8": {"codec": "uint8", "index": "flat"},
    "int8-hnsw": {"codec": "int8", "index": "hnsw"},
}
GOAL = {"goal": 1.05, "at_most": True}
TURN = 5
"""Queries that a side searches in succession."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=20_000)
    parser.add_argument("--queries", type=int, default=100)
    rounds_option(parser, 9)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder), args)
    save("deployed", rows, ["faiss-cpu", "usearch", "numkong", "numpy"])


def measure(folder: Path, args: argparse.Namespace) -> list[Row]:
    asked = vectors.queries(args.queries)
    codecs = {name: {"family": name} for name in dict.fromkeys(entry["codec"] for entry in METHODS.values())}
    run = built(folder, codecs, METHODS, vectors.corpus(args.vectors), asked)
    what = f"a single query, {{}}, {{}}: {args.vectors:,} vectors, top_k {TOP_K}"
    rows = []
    for method in METHODS:
        for setting in run.study.methods[method].settings:
            printed, timed = printed_retriever(run, method, setting), timed_search(run, method, setting)
            name = method if setting.store == NO_STORE else f"{method} rescored by {setting.store}"
            found = p50s(partial(searched, printed, setting), timed, [Queries(query[None]) for query in asked], args)
            rows.append(share(what.format(name, "as printed beside as timed"), *found, "s", **GOAL))
            if setting.store == NO_STORE and hasattr(printed.index, "quick"):
                encoded = [printed.codec.encode_queries(query[None], printed.scoring) for query in asked]
                searches = [partial(search, k=TOP_K) for search in (printed.index.search, printed.index.quick)]
                found = p50s(*searches, encoded, args)
                rows.append(share(what.format(name, "ranked as measured beside its engine alone"), *found, "s", **GOAL))
    return rows


def built(folder: Path, codecs: dict, methods: dict, corpus: np.ndarray, queries: np.ndarray) -> StudyOfArrays:
    """Build what a study of ``methods`` builds."""
    config = {
        "study": "deployed",
        "datasets": {DATASET: {"source": "files"}},
        "models": {MODEL: {"name": "made-up"}},
        "parts": 1,
        "growth": {"halvings": 0},
    }
    rescore = {"stores": [name for name in ("int8",) if name in codecs], "multipliers": [MULTIPLIER]}
    study = Study.read({**config, "codecs": codecs, "methods": methods, "top_k": [TOP_K], "rescore": rescore})
    run = StudyOfArrays(study, folder, CORES)
    run.write_inputs(corpus, queries, {})
    run.build_and_search()
    return run


def printed_retriever(run: StudyOfArrays, method: str, setting: Setting) -> Retriever:
    """Execute what a report prints, and return the retriever that it opens."""
    columns = {"method": method, "rescore_store": setting.store, "rescore_multiplier": setting.multiplier}
    row = pd.Series({**columns, "top_k": TOP_K, "threads": CORES, "engine": "blas"}, dtype=object)
    found = {"queries": vectors.queries(1)}
    exec(deployment_code(row, run.study, str(run.path(f"results/{DATASET}/{MODEL}"))), found)  # noqa: S102 - our own
    return found["retriever"]


def timed_search(run: StudyOfArrays, method: str, setting: Setting) -> Callable[[Queries], object]:
    """Return the search that ``time-search`` times."""
    file = run.path(run.study.layout.method(method))
    if method == run.study.config.baseline:
        return open_baselines(file, [TOP_K], CORES)[0].search
    stores = {} if setting.store == NO_STORE else {setting.store: run.path(run.study.store_manifest(setting.store))}
    return open_contestants(file, stores, [setting.multiplier], [TOP_K], CORES)[-1].search


def searched(retriever: Retriever, setting: Setting, queries: Queries) -> object:
    return retriever.search(queries.vectors, TOP_K, setting.multiplier)


def p50s(ours: Callable, theirs: Callable, queries: list, args: argparse.Namespace) -> list[list[float]]:
    """Return the median seconds of a query of each round for both, which take turns every few queries.

    The first of a turn may be slower: threads of the other side still keep the cores busy, waiting for work.
    """
    rounds = []
    for number in range(args.rounds):
        found: tuple[list[float], list[float]] = ([], [])
        for first in range(0, len(queries), TURN):
            for place in (0, 1) if (first // TURN + number) % 2 else (1, 0):
                turn = queries[first : first + TURN]
                found[place].extend(seconds((ours, theirs)[place], query) for query in turn)
        rounds.append([median(side) for side in found])
    return [list(side) for side in zip(*rounds, strict=True)]


def seconds(search: Callable, query: object) -> float:
    started = perf_counter()
    search(query)
    return perf_counter() - started


if __name__ == "__main__":
    main()
