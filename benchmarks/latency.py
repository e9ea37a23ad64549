"""How fast is a single query, beside the float32 baseline, at the size the technique was first shown at?

Bits, bits rescored from an int8 store on disk, and int8, each by the method that ``time-search`` times in a study. In
every round each answers the same queries one at a time, and its median is compared with the baseline's: FAISS's flat
scan or blocked matrix products, whichever is faster in that round.
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from harness import CORES, Row, rounds_option, save, times_faster
from sweep import Study

from embquant.indexes.manifest import open_index
from embquant.retrieve.rescoring import Store
from embquant.retrieve.retriever import Retriever

TOP_K, MULTIPLIER = 10, 4
ENGINES = ("blas", "faiss")
GOALS = {"binary": 25.0, "binary ×4, rescored by int8 on disk": 20.0, "int8": 3.66}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=593_891)
    parser.add_argument("--queries", type=int, default=30)
    rounds_option(parser, 9)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder), args)
    save("latency", rows, ["faiss-cpu", "usearch", "numkong", "numpy"])


def measure(folder: Path, args: argparse.Namespace) -> list[Row]:
    study = Study(folder, args.vectors, args.queries)
    baselines = [retriever(study, "float32", "symmetric", engine=engine) for engine in ENGINES]
    binary, int8 = retriever(study, "binary", "symmetric"), retriever(study, "int8", "asymmetric")
    rescored = replace(binary, store=Store.open(study.manifest("int8")))
    contestants = [
        *(partial(own.search, top_k=TOP_K) for own in (*baselines, binary)),
        partial(rescored.search, top_k=TOP_K, multiplier=MULTIPLIER),
        partial(int8.search, top_k=TOP_K),
    ]
    rounds = np.array([p50s(contestants, study.queries, number) for number in range(args.rounds)])
    fair = rounds[:, : len(ENGINES)].min(axis=1)
    what = f"a single query, {{}}, beside float32: {args.vectors:,} vectors, top_k {TOP_K}"
    return [
        times_faster(what.format(name), own, fair, goal)
        for (name, goal), own in zip(GOALS.items(), rounds[:, len(ENGINES) :].T, strict=True)
    ]


def retriever(study: Study, family: str, scoring: str, **parameters: str) -> Retriever:
    codec, index = open_index(study.manifest(family), CORES, parameters)
    return Retriever(codec, index, scoring, None, CORES)


def p50s(contestants: list[Callable[[np.ndarray], object]], queries: np.ndarray, number: int) -> list[float]:
    """Return each contestant's median seconds per query; every round reverses their order."""
    order = list(enumerate(contestants))[:: -1 if number % 2 else 1]
    found = {place: median(seconds(search, query[None]) for query in queries) for place, search in order}
    return [found[place] for place in range(len(contestants))]


def seconds(search: Callable[[np.ndarray], object], query: np.ndarray) -> float:
    started = perf_counter()
    search(query)
    return perf_counter() - started


if __name__ == "__main__":
    main()
