"""How much faster is a rotation by signs and sums than one by an orthogonal matrix?

``hadamard`` and ``rotation`` are drawn, and map documents and a single query, in turn and on one thread.
"""

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np
from harness import Row, in_turn, rounds_option, save, times_faster

from embquant.exact.threads import limit_threads
from embquant.quantize.transforms.hadamard import HadamardMap
from embquant.quantize.transforms.rotation import random_rotation

SEED = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dims", type=int, nargs="+", default=[384, 1024])
    parser.add_argument("--documents", type=int, default=2_000)
    rounds_option(parser, 9)
    args = parser.parse_args()
    with limit_threads(1):
        rows = [row for dim in args.dims for row in measure(dim, args)]
    save("rotations", rows, ["faiss-cpu", "numpy"])


def measure(dim: int, args: argparse.Namespace) -> list[Row]:
    documents = np.random.default_rng(SEED).standard_normal((args.documents, dim), dtype=np.float32)
    ours, theirs = HadamardMap.random(dim, SEED), random_rotation(dim, SEED)
    compared: dict[str, tuple[Callable, Callable]] = {
        "drawn": (partial(HadamardMap.random, dim, SEED), partial(random_rotation, dim, SEED)),
        f"{args.documents:,} documents": (partial(ours.documents, documents), partial(theirs.documents, documents)),
        "a single query": (partial(ours.queries, documents[:1]), partial(theirs.queries, documents[:1])),
    }
    rows = []
    for what, (hadamard, rotation) in compared.items():
        seconds = in_turn(args.rounds, {"hadamard": hadamard, "rotation": rotation})
        name = f"hadamard beside rotation, {dim:,} dimensions: {what}"
        rows.append(times_faster(name, seconds["hadamard"], seconds["rotation"], None))
    return rows


if __name__ == "__main__":
    main()
