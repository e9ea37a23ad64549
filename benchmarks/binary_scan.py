"""How fast are bits scanned by Hamming distance, beside FAISS's ``IndexBinaryFlat``?"""

import argparse

import faiss
import numpy as np
import vectors
from harness import Row, in_turn, rounds_option, save, times_faster
from machine import options

from embquant.indexes.flat_binary import FlatBinary
from embquant.quantize.codecs.binary import Binary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=200_000)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--singles", type=int, default=200, help="queries timed one at a time in a round")
    rounds_option(parser, 9)
    args = options(parser)
    save("binary_scan", measure(args), ["faiss-cpu", "numkong", "numpy"])


def measure(args: argparse.Namespace) -> list[Row]:
    codes = np.concatenate([np.packbits(block > 0, axis=1) for block in vectors.jittered(args.vectors)])
    queries = np.packbits(vectors.queries(args.queries) > 0, axis=1)
    theirs = faiss.IndexBinaryFlat(8 * codes.shape[1])
    theirs.add(codes)
    ours = FlatBinary(theirs, Binary(np.zeros(theirs.d, np.float32)), args.threads)
    check(ours.search(queries, args.k), theirs.search(queries, args.k))
    check(ours.search(queries[:1], args.k), theirs.search(queries[:1], args.k))
    singles = [query[None] for query in queries[: args.singles]]
    size = f"{args.vectors:,} vectors, k {args.k}"
    rows = []
    for batches, called, goal in (
        ([queries], f"{args.queries:,} queries", 1.2),
        (singles, f"{len(singles)} single queries", 1.0),
    ):

        def search(index: object, batches: list[np.ndarray] = batches) -> None:
            for batch in batches:
                index.search(batch, args.k)

        def peer(search: object = search) -> None:
            faiss.omp_set_num_threads(args.threads)
            search(theirs)

        seconds = in_turn(args.rounds, {"ours": lambda search=search: search(ours), "theirs": peer}, args.clock)
        rows.append(
            times_faster(f"binary scan, beside FAISS: {called}, {size}", seconds["ours"], seconds["theirs"], goal)
        )
    return rows


def check(ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray]) -> None:
    """Both must find the same documents, those of equal distance in the order of their rows."""
    np.testing.assert_array_equal(-ours[0], theirs[0])
    np.testing.assert_array_equal(ours[1], theirs[1])


if __name__ == "__main__":
    main()
