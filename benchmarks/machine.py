"""What the processor offers, what of it is masked, and how to measure on a machine that has other work.

``--without avx512`` starts a benchmark anew with each library's own switch set, so that one machine shows what it would
be with AVX2 alone. NumKong's switch is a function, so every process calls it; USearch has none.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import faiss
import numkong
import numpy as np
from numpy._core._multiarray_umath import __cpu_features__ as numpy_features
from threadpoolctl import threadpool_info, threadpool_limits
from usearch.index import Index

from embquant.files.machine import usable_cores

MASKED = "BENCHMARK_WITHOUT"
"""The variable that says what is masked, for this process and those that it starts."""

SWITCHES = {
    "avx512": {
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
        "OPENBLAS_CORETYPE": "Haswell",
        "FAISS_SIMD_LEVEL": "AVX2",
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    }
}
"""What masks a set of instructions in numpy, in the OpenBLAS of numpy and of FAISS, in FAISS, and in torch."""

KEPT = {"serial", "haswell"}
"""NumKong's kernels for AVX2, which has no VNNI."""

READ = 1 << 28
"""Bytes that are read to know how fast memory is, several times those of a cache."""


def options(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Add ``--without`` and ``--busy``, and parse; start anew with the switches set that ``--without`` asks for."""
    parser.add_argument("--without", choices=SWITCHES, help="instructions that libraries are not to use")
    parser.add_argument(
        "--busy", action="store_true", help="one thread, and its processor time, for machines that have other work"
    )
    args = parser.parse_args()
    if args.without and os.environ.get(MASKED) != args.without:
        variables = os.environ | SWITCHES[args.without] | {MASKED: args.without}
        os.execve(sys.executable, [sys.executable, *sys.argv], variables)  # noqa: S606 - this program, as it was called
    args.threads = 1 if args.busy else usable_cores()
    args.clock = time.process_time if args.busy else time.perf_counter
    threadpool_limits(args.threads)
    faiss.omp_set_num_threads(args.threads)
    return args


def found() -> dict[str, str]:
    """Return for the table what is masked, and what each library uses."""
    masked = os.environ.get(MASKED, "")
    blas = {
        own["filepath"].split("/")[-2]: own["architecture"] for own in threadpool_info() if own["user_api"] == "blas"
    }
    levels = [name for name in ("X86_V3", "X86_V4", "AVX512_ICL", "AVX512_SPR") if numpy_features[name]]
    kernels = [name for name, usable in numkong.get_capabilities().items() if usable]
    usearch = Index(ndim=64, dtype="i8").hardware_acceleration
    used = {
        "numpy": levels[-1],
        **{f"OpenBLAS of {folder}": kind for folder, kind in blas.items()},
        "FAISS": faiss.SIMDConfig.get_level_name(),
        "NumKong": " ".join(kernels),
        "USearch": usearch + (", which can't be masked" if masked else ""),
    }
    return {"without": masked, "instruction_sets": "; ".join(f"{name}: {what}" for name, what in used.items())}


class Memory:
    """An array larger than caches, which is read to know how fast memory is."""

    def __init__(self, threads: int) -> None:
        """Read on ``threads`` threads."""
        self._pieces = np.array_split(np.ones(READ // 4, np.float32), threads)
        self._pool = ThreadPoolExecutor(threads)

    def rate(self, clock: Callable[[], float]) -> float:
        """Return the bytes per second at which the greatest number is found, the fastest of three times."""
        seconds = []
        for _ in range(3):
            started = clock()
            list(self._pool.map(np.max, self._pieces))
            seconds.append(clock() - started)
        return READ / min(seconds)


def _mask() -> None:
    """Use none of NumKong's kernels that are masked."""
    for name in set(numkong.get_capabilities()) - KEPT if os.environ.get(MASKED) else ():
        numkong.disable_capability(name)


_mask()
