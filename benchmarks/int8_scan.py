"""How fast are int8 codes scanned exactly, top k included, beside ``usearch.index.search(…, exact=True)``?"""

import argparse

import numpy as np
import vectors
from harness import CORES, Row, in_turn, rounds_option, save, times_faster
from usearch.index import MetricKind, search

from embquant.indexes.flat_int8 import FlatInt8
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.int8 import Int8
from embquant.quantize.codecs.ranges import RangeParameters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--k", type=int, default=100)
    rounds_option(parser, 3)
    args = parser.parse_args()
    save("int8_scan", measure(args), ["usearch", "numkong", "numpy"])


def measure(args: argparse.Namespace) -> list[Row]:
    documents = vectors.corpus(args.vectors)
    codec = Int8.fit(Batches(lambda: iter([documents]), *documents.shape), RangeParameters())
    codes, queries = codec.encode(documents), codec.encode_queries(vectors.queries(args.queries), "asymmetric")
    index = FlatInt8(codes, CORES)
    rows = []
    for batch, goal, called in ((queries, 10.0, f"{args.queries:,} queries"), (queries[:1], None, "a single query")):

        def ours(batch: np.ndarray = batch) -> tuple[np.ndarray, np.ndarray]:
            return index.search(batch, args.k)

        def theirs(batch: np.ndarray = batch) -> object:
            return search(codes, batch, args.k, MetricKind.IP, exact=True, threads=CORES)

        found = np.rint(1 - np.atleast_2d(theirs().distances).astype(np.float64))
        np.testing.assert_array_equal(ours()[0], found)
        seconds = in_turn(args.rounds, {"ours": ours, "theirs": theirs})
        what = f"int8 scan, beside USearch: {called}, {args.vectors:,} vectors, k {args.k}"
        rows.append(times_faster(what, seconds["ours"], seconds["theirs"], goal))
    return rows


if __name__ == "__main__":
    main()
