"""The memory that a method takes, measured in a separate process."""

import ctypes
import json
import mmap
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from embquant.errors import InputError
from embquant.files import scratch
from embquant.files.parquet import read_matrices, spare_pandas
from embquant.indexes import index_class
from embquant.indexes.manifest import Manifest, check_files
from embquant.quantize.codecs import CODECS
from embquant.retrieve.retriever import Retriever, manifest_of

PR_SET_THP_DISABLE = 41

MMAP_THRESHOLD = 1 << 16
"""Bytes from which on an allocation gets a separate mapping instead of a place in the heap."""

FILLERS = 1024


def measure_in_processes(
    method: Path, stores: Sequence[Path | None], queries: Path, depth: int
) -> list[dict[str, int]]:
    """Call :func:`measure` for each of ``stores``, in an interpreter that allocates the same bytes every time.

    Each is measured in a copy (a fork) of that interpreter, which has opened nothing yet.
    """
    asked = json.dumps([str(method), [str(store) if store else None for store in stores], str(queries), depth])
    command = [sys.executable, "-m", "embquant.measure.memory", asked]
    variables = {**os.environ, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    variables |= {"PYTHONMALLOC": "malloc", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    variables |= {"MALLOC_MMAP_THRESHOLD_": str(MMAP_THRESHOLD), "MALLOC_TOP_PAD_": "0", scratch.VARIABLE: ""}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"{method}: measuring its memory failed: {done.stderr.strip().splitlines()[-1]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def measure(method: Path, store: Path | None, queries: Path, depth: int) -> dict[str, int]:
    """Open a method as it is deployed, search once, and return the bytes that this took.

    ``resident_bytes``: growth of the private memory by opening it, in allocations of MMAP_THRESHOLD or more;
    ``mapped_bytes``: size of the mapped files; ``peak_rss_bytes``: the most that the process has held. Of a
    database the first is measured after a search, with its other processes; the second counts pages in memory; and
    ``originals_bytes`` and ``searched_bytes`` are what it keeps on disk.
    """
    # Otherwise the kernel chooses between pages of 2 MiB and of 4 KiB.
    ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
    query = next(read_matrices([queries], "embedding"))[:1].copy()
    for manifest in (manifest_of(method), *([store] if store else [])):  # imports and checks aren't the index's memory
        described = Manifest.read(manifest)
        CODECS[described.family]
        index_class(described.family, described.kind)
        check_files(manifest)
    _fill_heap()
    before = _private_bytes()
    retriever = Retriever.open(method, store, threads=1)
    if retriever.index.is_database:
        retriever.search(query, depth)
    resident = _private_bytes() - before
    retriever.search(query, depth)
    elsewhere, mapped = retriever.index.bytes_elsewhere()
    return {
        "resident_bytes": resident + elsewhere,
        "mapped_bytes": _mapped_bytes(store) + mapped,
        "peak_rss_bytes": _peak_bytes(),
        **retriever.index.kept_bytes(),
    }


def _fill_heap() -> None:
    """Use up the free parts of the heap, which could serve a large allocation in place of a mapping."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    for _ in range(FILLERS):
        libc.malloc(ctypes.c_size_t(MMAP_THRESHOLD - 4096))  # never touched, so it takes no page


def _private_bytes() -> int:
    """Return the bytes of private pages in mappings without a name: all but the heap, the stack and files.

    The heap has Python's many small objects, which spread over other pages in every run. psutil reads the same file,
    but whole: its text would count as well.
    """
    total, nameless = 0, False
    with Path("/proc/self/smaps").open() as file:
        for line in file:
            words = line.split()
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                nameless = len(words) == 5
            elif nameless and words[0] == "Anonymous:":
                total += 1024 * int(words[1])
    return total


def _peak_bytes() -> int:
    return 1024 * int(re.findall(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.M)[0])


def _mapped_bytes(store: Path | None) -> int:
    if store is None:
        return 0
    file = str((store.parent / Manifest.read(store).file).resolve())
    maps = (line.split(maxsplit=5) for line in Path("/proc/self/maps").read_text().splitlines())
    ranges = [line[0].split("-") for line in maps if len(line) == 6 and line[5] == file]
    return sum(int(end, 16) - int(start, 16) for start, end in ranges)


def _print_each(method: Path, stores: Sequence[str | None], queries: Path, depth: int) -> None:
    """Measure each store in a process of its own, and print what it took as a line."""
    pages = _pages_of_files()
    for store in stores:
        child = os.fork()
        if not child:
            for address in pages:  # a fork has none of them, but its peak includes the libraries
                ctypes.string_at(address, 1)
            print(json.dumps(measure(method, Path(store) if store else None, queries, depth)), flush=True)
            os._exit(0)  # without tearing libraries down
        if status := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            sys.exit(status if status > 0 else f"ended by {signal.Signals(-status).name}")


def _pages_of_files() -> list[int]:
    """Return the addresses of the pages of mapped files that this process has in memory."""
    found: list[int] = []
    size = mmap.PAGESIZE
    with Path("/proc/self/pagemap").open("rb") as entries:
        for line in Path("/proc/self/maps").read_text().splitlines():
            words = line.split(maxsplit=5)
            if len(words) == 6 and words[1].startswith("r") and words[5].startswith("/"):
                start, end = (int(address, 16) for address in words[0].split("-"))
                entries.seek(start // size * 8)
                present = np.frombuffer(entries.read((end - start) // size * 8), dtype=np.uint64) >> np.uint64(63)
                found.extend(int(start + size * page) for page in np.flatnonzero(present))
    return found


if __name__ == "__main__":
    spare_pandas()
    method, stores, queries, depth = json.loads(sys.argv[1])
    _print_each(Path(method), stores, Path(queries), depth)
