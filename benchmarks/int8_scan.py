"""How fast are int8 codes scanned exactly, top k included, beside ``usearch.index.search(…, exact=True)``?

USearch has no switch for its kernels. Where AVX-512 is masked, it gets NumKong's kernel for AVX2 as a compiled metric:
the same code, for it takes its own from NumKong. That needs a C compiler; without one, it runs as it comes.
"""

import argparse
import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import numkong
import numpy as np
import vectors
from harness import Row, in_turn, rounds_option, save, times_faster
from machine import options
from usearch.index import CompiledMetric, MetricKind, MetricSignature, search

from embquant.indexes.flat_int8 import FlatInt8
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.int8 import Int8, Int8Parameters

METRIC = """
void (*kernel)(const void *, const void *, unsigned long, int *);
float distance(const void *one, const void *other, unsigned long dimensions) {
    int product;
    kernel(one, other, dimensions, &product);
    return 1 - (float)product;
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--k", type=int, default=100)
    rounds_option(parser, 3)
    args = options(parser)
    save("int8_scan", measure(args), ["usearch", "numkong", "numpy"])


def measure(args: argparse.Namespace) -> list[Row]:
    documents = vectors.corpus(args.vectors)
    codec = Int8.fit(Batches(lambda: iter([documents]), *documents.shape), Int8Parameters())
    codes, queries = codec.encode(documents), codec.encode_queries(vectors.queries(args.queries), "asymmetric")
    index = FlatInt8(codes, args.threads)
    is_masked = bool(args.without) and shutil.which("cc") is not None
    metric = numkong_metric() if is_masked else MetricKind.IP
    goal, note = (8.0, "USearch with NumKong's AVX2 kernel") if is_masked else (10.0, "")
    rows = []
    for batch, least, called in ((queries, goal, f"{args.queries:,} queries"), (queries[:1], None, "a single query")):

        def ours(batch: np.ndarray = batch) -> tuple[np.ndarray, np.ndarray]:
            return index.search(batch, args.k)

        def theirs(batch: np.ndarray = batch) -> object:
            return search(codes, batch, args.k, metric, exact=True, threads=args.threads)

        found = np.rint(1 - np.atleast_2d(theirs().distances).astype(np.float64))
        np.testing.assert_array_equal(ours()[0], found)
        seconds = in_turn(args.rounds, {"ours": ours, "theirs": theirs}, args.clock)
        what = f"int8 scan, beside USearch: {called}, {args.vectors:,} vectors, k {args.k}"
        rows.append(times_faster(what, seconds["ours"], seconds["theirs"], least, note=note))
    return rows


def numkong_metric() -> CompiledMetric:
    """Return a distance of int8 codes by the kernel that NumKong uses in this process."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "metric.c"), Path(folder, "metric.so")
        source.write_text(METRIC)
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source], check=True)  # noqa: S607 - the system's
        loaded = ctypes.CDLL(str(library))
    ctypes.c_void_p.in_dll(loaded, "kernel").value = numkong.pointer_to_dot("int8")
    pointer = ctypes.cast(loaded.distance, ctypes.c_void_p).value
    return CompiledMetric(pointer=pointer, kind=MetricKind.IP, signature=MetricSignature.ArrayArraySize)


if __name__ == "__main__":
    main()
