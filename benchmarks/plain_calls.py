"""Does a method take as long as its library's own search of the same codes?

A method of this project is a call of a library, with the query's quantization before it and an order of ties after it.
For each method the search that ``time-search`` times and the plain call of the library that its file belongs to answer
the same queries in turn: one by one, and all at once. The library has its defaults and the method's parameters.
"""

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from timeit import timeit

import faiss
import numpy as np
import vectors
from deployed import TOP_K, built, p50s
from harness import CORES, Row, rounds_option, save, share
from usearch.index import Index as Graph
from usearch.index import MetricKind, search
from usearch.io import load_matrix

from embquant.arrays import StudyOfArrays
from embquant.retrieve.retriever import Retriever

PQ, PQ4 = {"family": "pq", "pieces": 48}, {"family": "pq", "pieces": 96, "bits": 4}
CODECS = {
    **{
        name: {"family": name} for name in ("float32", "float16", "bfloat16", "int8", "uint8", "int6", "int4", "binary")
    },
    **{f"rabitq-{bits}": {"family": "rabitq", "bits": bits, "transform": "rotation"} for bits in (1, 2, 4)},
    "unit-int8": {"family": "unit-int8"},
    **{name: {"family": name, "bits": 2, "transform": "rotation"} for name in ("eden", "turboquant")},
    **{"pq": PQ, "pq-4-bits": PQ4},
}
METHODS = {
    **{name: {"codec": name, "index": "flat"} for name in CODECS},
    "rabitq-1-float-query": {"codec": "rabitq-1", "index": "flat", "search": {"query_bits": 0}},
    "binary-fastscan": {"codec": "binary", "index": "fastscan", "scoring": "asymmetric"},
    **{f"rabitq-{bits}-fastscan": {"codec": f"rabitq-{bits}", "index": "fastscan"} for bits in (1, 2, 4)},
    "pq-fastscan": {"codec": "pq-4-bits", "index": "fastscan"},
    **{
        f"{name}-hnsw": {"codec": name, "index": "hnsw", "search": {"expansion_search": 64}}
        for name in ("float32", "int8", "binary")
    },
    **{f"{name}-ivf": {"codec": name, "index": "ivf", "search": {"nprobe": 8}} for name in ("float32", "binary", "pq")},
}
NAMES = {"query_bits": "qb", "nprobe": "nprobe", "expansion_search": "efSearch"}
"""What FAISS calls the parameters of a search."""

BATCHES, SHORT = 3, 0.05
"""How often a batch is searched in a round if it takes less than ``SHORT`` seconds, so that no other work shows."""

GOAL = {"goal": 1.2, "at_most": True}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    rounds_option(parser, 9)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder), args)
    save("plain_calls", rows, ["faiss-cpu", "usearch", "numkong", "numpy"])


def measure(folder: Path, args: argparse.Namespace) -> list[Row]:
    asked = vectors.queries(args.queries)
    methods = {"float32": METHODS["float32"], **{name: METHODS[name] for name in args.methods}}
    codecs = {entry["codec"]: CODECS[entry["codec"]] for entry in methods.values()}
    run = built(folder, codecs, methods, vectors.corpus(args.vectors), asked[:1])
    faiss.omp_set_num_threads(CORES)
    what = f"{{}}, {{}}, beside {{}}'s own search: {args.vectors:,} vectors, top_k {TOP_K}"
    rows = []
    for name in args.methods:
        ours, theirs, library = searches(run, name)
        batch = asked[: 4 if name.endswith("float-query") else None]  # which takes as long as hundreds of others
        for kind, queries in (("a single query", [query[None] for query in batch]), ("a batch", [batch] * BATCHES)):
            if kind == "a batch" and timeit(partial(theirs, batch), number=1) >= SHORT:
                queries = [batch]
            found = p50s(ours, theirs, queries, args)
            rows.append(share(what.format(kind, name, library), *found, "s", **GOAL))
    return rows


def searches(run: StudyOfArrays, method: str) -> tuple[Callable, Callable, str]:
    """Return the search of a method, the plain call that gets its quantized queries, and the name of the library."""
    described = run.study.methods[method]
    retriever = Retriever.open(run.path(run.study.layout.method(method)), None, CORES)
    plain, library = plain_search(run.path(described.index_file), described.entry.search)

    def theirs(queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return plain(retriever.codec.encode_queries(queries, retriever.scoring), TOP_K)

    return partial(retriever.search, top_k=TOP_K), theirs, library


def plain_search(path: Path, parameters: dict) -> tuple[Callable, str]:
    """Open an index file with the library that it belongs to; return its search, of queries and k, and its name.

    It returns scores or, for bits and USearch, distances, and rows. ``parameters`` are those of the search.
    """
    if path.suffix == ".i8bin":
        codes = load_matrix(str(path))
        return partial(usearch_exact, codes), "USearch"
    if path.suffix == ".usearch":
        graph = Graph.restore(str(path))
        graph.expansion_search = parameters.get("expansion_search", graph.expansion_search)
        return lambda queries, k: of_usearch(graph.search(queries, k, threads=CORES)), "USearch"
    try:
        index = faiss.read_index(str(path))
    except RuntimeError:
        index = faiss.read_index_binary(str(path))
    for name, value in parameters.items():
        setattr(index.hnsw if name == "expansion_search" else index, NAMES[name], value)
    return index.search, "FAISS"


def usearch_exact(codes: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    return of_usearch(search(codes, queries, k, MetricKind.IP, exact=True, threads=CORES))


def of_usearch(found: object) -> tuple[np.ndarray, np.ndarray]:
    return np.atleast_2d(found.distances), np.atleast_2d(found.keys)


if __name__ == "__main__":
    main()
