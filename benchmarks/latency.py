"""How fast is a single query, beside the float32 baseline, at the size the technique was first shown at?

Bits, bits rescored from an int8 store on disk, and int8, each by the method that ``time-search`` times in a study. In
every round each answers the same queries one at a time, and its median is compared with the baseline's: FAISS's flat
scan or blocked matrix products, whichever is faster in that round. Beside it stands the share of the rate at which the
machine reads memory, measured in the same rounds: no scan can read its codes faster.
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from harness import Row, rounds_option, save, share, times_faster
from machine import Memory, options
from sweep import Study

from embquant.indexes.manifest import open_index
from embquant.retrieve.rescoring import Store
from embquant.retrieve.retriever import Retriever

TOP_K, MULTIPLIER = 10, 4
ENGINES = ("blas", "faiss")
GOALS = {"binary": 25.0, "binary ×4, rescored by int8 on disk": 20.0, "int8": 3.66}
OF_MEMORY = 0.8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=593_891)
    parser.add_argument("--queries", type=int, default=30)
    rounds_option(parser, 9)
    args = options(parser)
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder), args)
    save("latency", rows, ["faiss-cpu", "usearch", "numkong", "numpy"])


def measure(folder: Path, args: argparse.Namespace) -> list[Row]:
    study = Study(folder, args.vectors, args.queries)
    opened = partial(retriever, study, args.threads)
    baselines = [opened("float32", "symmetric", engine=engine) for engine in ENGINES]
    binary, int8 = opened("binary", "symmetric"), opened("int8", "asymmetric")
    rescored = replace(binary, store=Store.open(study.manifest("int8")))
    contestants = [
        *(partial(own.search, top_k=TOP_K) for own in (*baselines, binary)),
        partial(rescored.search, top_k=TOP_K, multiplier=MULTIPLIER),
        partial(int8.search, top_k=TOP_K),
    ]
    memory = Memory(args.threads)
    rounds, rates = [], []
    for number in range(args.rounds):
        rates.append(memory.rate(args.clock) / 1e9)
        rounds.append(p50s(contestants, study.queries, number, args.clock))
    rounds = np.array(rounds)
    fair = rounds[:, : len(ENGINES)].min(axis=1)
    what = f"a single query, {{}}, beside float32: {args.vectors:,} vectors, top_k {TOP_K}"
    rows = [
        times_faster(what.format(name), own, fair, goal)
        for (name, goal), own in zip(GOALS.items(), rounds[:, len(ENGINES) :].T, strict=True)
    ]
    for name, index, own in (
        ("float32", baselines[0].index, fair),
        ("int8", int8.index, rounds[:, -1]),
        ("binary", binary.index, rounds[:, len(ENGINES)]),
    ):
        read = index.codes.nbytes / 1e9 / own
        goal = OF_MEMORY if name != "binary" else None
        rows.append(share(f"a single query, {name}, beside the reading of memory", read, rates, "GB/s", goal=goal))
    return rows


def retriever(study: Study, threads: int, family: str, scoring: str, **parameters: str) -> Retriever:
    codec, index = open_index(study.manifest(family), threads, parameters)
    return Retriever(codec, index, scoring, None, threads)


def p50s(
    contestants: list[Callable[[np.ndarray], object]], queries: np.ndarray, number: int, clock: Callable[[], float]
) -> list[float]:
    """Return each contestant's median seconds per query; every round reverses their order."""
    order = list(enumerate(contestants))[:: -1 if number % 2 else 1]
    found = {place: median(seconds(search, query[None], clock) for query in queries) for place, search in order}
    return [found[place] for place in range(len(contestants))]


def seconds(search: Callable[[np.ndarray], object], query: np.ndarray, clock: Callable[[], float]) -> float:
    started = clock()
    search(query)
    return clock() - started


if __name__ == "__main__":
    main()
