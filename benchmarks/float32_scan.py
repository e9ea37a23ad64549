"""How fast are exact float32 neighbours found, beside FAISS's ``IndexFlatIP`` and the machine's matrix products?

Both find the k nearest of 1,000 queries on the same threads; this project also with the order settled in float64, as
studies use it. FAISS brings an OpenBLAS of 2021, which takes recent processors for old ones: it is measured with
its defaults, and with the kernels that numpy's OpenBLAS chose, and the faster of both is the peer. The machine's rate
is measured in the same rounds: products of square float32 matrices, by numpy or torch, whichever is faster.
"""

import argparse
from collections.abc import Callable

import faiss
import numpy as np
import torch
import vectors
from harness import Row, Worker, in_turn, rounds_option, save, share, times_faster
from machine import options
from threadpoolctl import threadpool_info

from embquant.indexes.flat_float32 import FlatFloat32
from embquant.quantize.codecs.float32 import Float32

SQUARE = 2048
PRODUCTS = 5
TIED = 2e-6
"""What two float32 sums of 384 terms may differ by: either errs by up to 1e-6 of a unit score, by the BLAS's kernel."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=200_000)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--k", type=int, default=100)
    rounds_option(parser, 7)
    args = options(parser)
    torch.set_num_threads(args.threads)
    save("float32_scan", measure(args), ["faiss-cpu", "numpy", "torch"])


def measure(args: argparse.Namespace) -> list[Row]:
    documents, queries = vectors.corpus(args.vectors), vectors.queries(args.queries)
    theirs = faiss.IndexFlatIP(documents.shape[1])
    theirs.add(documents)
    ours = FlatFloat32(theirs, Float32(theirs.d), args.threads, "blas")
    check(ours.search(queries, args.k), theirs.search(queries, args.k))
    check(ours.search_reproducibly(queries, args.k), theirs.search(queries, args.k))
    kernels = numpy_kernels()
    told = Worker(
        make_faiss, args.vectors, args.queries, args.k, args.clock, threads=args.threads, OPENBLAS_CORETYPE=kernels
    )
    told.receive()
    left = np.random.default_rng(0).random((SQUARE, SQUARE), dtype=np.float32)
    tensor = torch.from_numpy(left)
    seconds = in_turn(
        args.rounds,
        {
            "search": lambda: ours.search(queries, args.k),
            "candidates": lambda: ours.search_reproducibly(queries, args.k),
            "theirs": lambda: theirs.search(queries, args.k),
            "told": lambda: told.ask("search"),
            "numpy": lambda: [left @ left for _ in range(PRODUCTS)],
            "torch": lambda: [tensor @ tensor for _ in range(PRODUCTS)],
        },
        args.clock,
    )
    told.stop()
    work = 2 * args.queries * documents.size / 1e9
    machine = [
        PRODUCTS * 2 * SQUARE**3 / 1e9 / min(both) for both in zip(seconds["numpy"], seconds["torch"], strict=True)
    ]
    size = f"{args.queries:,} queries, {args.vectors:,} vectors, k {args.k}"
    rows = []
    for name, called in (("search", "float32 scan"), ("candidates", "float32 scan, order settled in float64")):
        rates = [work / own for own in seconds[name]]
        fair = [min(both) for both in zip(seconds["theirs"], seconds["told"], strict=True)]
        rows += [
            times_faster(f"{called}, beside FAISS as it comes: {size}", seconds[name], seconds["theirs"], None),
            times_faster(f"{called}, beside FAISS told of {kernels}'s kernels", seconds[name], seconds["told"], None),
            times_faster(f"{called}, beside the faster of both", seconds[name], fair, 1.0),
            share(f"{called}, beside sgemm", rates, machine, "GFLOP/s", goal=0.6),
        ]
    return rows


def make_faiss(documents: int, queries: int, k: int, clock: Callable[[], float]) -> Callable[[str], float]:
    """Return a search of ``IndexFlatIP`` that returns its seconds; its argument is ignored."""
    asked = vectors.queries(queries)
    index = faiss.IndexFlatIP(asked.shape[1])
    index.add(vectors.corpus(documents))

    def search(_: str) -> float:
        started = clock()
        index.search(asked, k)
        return clock() - started

    return search


def numpy_kernels() -> str:
    """Return the processor whose kernels numpy's OpenBLAS chose."""
    return next(own["architecture"] for own in threadpool_info() if "numpy" in own["filepath"])


def check(ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray]) -> None:
    """Both must find the same documents in the same order, those apart whose scores are equal to TIED."""
    np.testing.assert_allclose(ours[0], theirs[0], atol=TIED)
    untied = np.abs(np.diff(ours[0], axis=1, prepend=np.inf, append=-np.inf)) > 2 * TIED
    alone = untied[:, :-1] & untied[:, 1:]
    alone[:, -1] = False  # what the last place is tied with isn't known
    np.testing.assert_array_equal(ours[1][alone], theirs[1][alone])


if __name__ == "__main__":
    main()
