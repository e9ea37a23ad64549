"""Is scaled-pq as usable as FAISS's product quantizer of as many bytes, at the size the technique was first shown at?

Its codes of 55 bytes and a scale of 1 are searched in turn with FAISS's ``IndexPQ`` and ``IndexPQFastScan`` of 56
bytes, both called as FAISS's users do: one query at a time, and a batch. Both are behind the same kind of transform.
"""

import argparse
import tempfile
from functools import partial
from pathlib import Path

import vectors
from deployed import TOP_K, built, p50s
from harness import CORES, Row, rounds_option, save, share
from plain_calls import searches

from embquant.retrieve.retriever import Retriever

TRAINING = {"training": 10_000, "iterations": 4}
"""Little, because it changes no time of a search."""

GOAL = {"goal": 2.0, "at_most": True}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=593_891)
    parser.add_argument("--queries", type=int, default=30)
    parser.add_argument("--batch", type=int, default=300)
    rounds_option(parser, 9)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder), args)
    save("scaled_pq", rows, ["faiss-cpu", "numpy"])


def measure(folder: Path, args: argparse.Namespace) -> list[Row]:
    codecs, methods = {"float32": {"family": "float32"}}, {"float32": {"codec": "float32", "index": "flat"}}
    for index, bits, scaled, plain in (("flat", 8, 55, 56), ("fastscan", 4, 110, 112)):
        for family, pieces in (("scaled-pq", scaled), ("pq", plain)):
            transform = {"kind": "allocation", "pieces": pieces, "bits": bits}
            name = f"{family}-{index}"
            codecs[name] = {"family": family, "pieces": pieces, "bits": bits, **TRAINING, "transform": transform}
            methods[name] = {"codec": name, "index": index}
    asked = vectors.queries(args.batch)
    run = built(folder, codecs, methods, vectors.corpus(args.vectors), asked[:1])
    rows = []
    for index, peer in (("flat", "IndexPQ"), ("fastscan", "IndexPQFastScan")):
        method = run.path(run.study.layout.method(f"scaled-pq-{index}"))
        ours = partial(Retriever.open(method, None, CORES).search, top_k=TOP_K)
        theirs = searches(run, f"pq-{index}")[1]
        for kind, queries in (
            ("a single query", [query[None] for query in asked[: args.queries]]),
            (f"a batch of {len(asked)}", [asked]),
        ):
            what = f"{kind}, scaled-pq of {55 + 1} bytes, beside {peer}: {args.vectors:,} vectors, top_k {TOP_K}"
            rows.append(share(what, *p50s(ours, theirs, queries, args), "s", **GOAL))
    return rows


if __name__ == "__main__":
    main()
