"""Which kernels OpenBLAS multiplies matrices with: NumPy's, and FAISS's own."""

import os
from pathlib import Path

CHOICE = "OPENBLAS_CORETYPE"
AVX512 = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
"""What OpenBLAS's kernels of that name need."""
AVX512_KERNELS = "SkylakeX"
PROCESSORS = Path("/proc/cpuinfo")


def choose_kernels(processors: Path = PROCESSORS) -> None:
    """Have OpenBLAS use AVX-512 where the processor has it; what the user chose stays. Before NumPy is imported.

    OpenBLAS chooses by a list of the processors that were known when it was built, and takes the kernels of ten years
    before for others: NumPy's and FAISS's multiply half as fast as they could on an AMD EPYC of 2024, and FAISS's a
    quarter as fast on some Intel Xeons (docs/benchmarks.md).
    """
    if CHOICE in os.environ:
        return
    try:
        described = processors.read_text(encoding="ascii", errors="replace")
    except OSError:
        return
    flags = next((line for line in described.splitlines() if line.startswith("flags")), "")
    if set(flags.split()) >= AVX512:
        os.environ[CHOICE] = AVX512_KERNELS
