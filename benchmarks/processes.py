"""Commands that are measured from outside: the time of their process, and the most memory that it held."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
from harness import Row

GIB = 1 << 30
SAMPLED = 0.005


def measure(words: Sequence[str]) -> dict[str, float]:
    """Run a command; return its seconds and the most memory it held: anonymous (shared included), and of files."""
    here = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])}
    started = time.perf_counter()
    process = subprocess.Popen(words, env=here, stderr=subprocess.PIPE, text=True)
    peaks = np.zeros(2, dtype=np.int64)
    with ThreadPoolExecutor(1) as reader:
        said = reader.submit(process.stderr.read)
        while process.poll() is None:
            peaks = np.maximum(peaks, memory_of(process.pid))
            time.sleep(SAMPLED)
        seconds = time.perf_counter() - started
        if process.returncode:
            sys.exit(f"{' '.join(words)}: {said.result()}")
    return {"seconds": seconds, "anonymous_bytes": int(peaks[0]), "file_bytes": int(peaks[1])}


def memory_of(pid: int, with_children: bool = False) -> tuple[int, int]:
    """Return what a process holds: anonymous and shared memory, and mapped pages of files, in bytes."""
    try:
        process = psutil.Process(pid)
        family = [process, *(process.children(recursive=True) if with_children else [])]
        found = [own.memory_info() for own in family]
    except psutil.NoSuchProcess:
        return 0, 0
    files = sum(info.shared for info in found)  # Linux: RssFile + RssShmem
    return sum(info.rss for info in found) - files, files


def memory_limit(what: str, gib: float, goal: float = 1.0) -> Row:
    """Compare the most memory that jobs held with what is wanted."""
    return Row(what, gib, goal, "GiB", gib / goal, gib / goal, gib / goal, 1, goal=1.0, at_most=True)
