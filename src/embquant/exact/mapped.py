"""Arrays that are mapped from disk: rows are requested before they are read.

A page of a mapped file is read when it is first touched, and the thread that touches it waits. If pages are requested
in advance, many are read at a time, while something else is computed.
"""

import ctypes
import mmap

import numpy as np

SAMPLED = 8
"""Rows probed with mincore, which takes about 2 µs each, to decide whether all are in memory."""

_libc = ctypes.CDLL(None)
_libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_libc.mincore.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p)


def read_ahead(array: np.ndarray, first: int, stop: int) -> None:
    """Start to read rows ``first`` to ``stop`` of a C-contiguous ``array``, unless the last one is in memory."""
    if first < len(array):
        starts, stops = array.ctypes.data + np.array([[first], [min(stop, len(array))]]) * array.strides[0]
        if not in_memory(int(stops[0]) - 1):
            _ask(starts, stops)


def read_rows_ahead(array: np.ndarray, rows: np.ndarray) -> None:
    """Start to read ``rows`` (int64, any shape; negative ones are skipped) of a C-contiguous ``array``."""
    starts = array.ctypes.data + rows[rows >= 0] * array.strides[0]
    sample = starts[:: max(1, -(-len(starts) // SAMPLED))]
    if not in_memory(*sample.tolist()):
        _ask(starts, starts + array.strides[0])


def look_up(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return ``array[rows]`` of a C-contiguous ``array`` (rows, width), all requested before the first is read."""
    read_rows_ahead(array, rows)
    if array.flags.aligned:
        return array.take(rows, axis=0)  # takes half the time; of an unaligned array it would copy all
    return array[rows]


def in_memory(*addresses: int) -> bool:
    """Say whether the pages at all ``addresses`` can be read without waiting for a disk."""
    status = (ctypes.c_char * 1)()
    for address in addresses:
        _libc.mincore(address // mmap.PAGESIZE * mmap.PAGESIZE, 1, status)
        if not status[0][0] & 1:
            return False
    return True


def _ask(starts: np.ndarray, stops: np.ndarray) -> None:
    """Request the pages of each stretch of memory; the system may ignore this, so nothing can fail."""
    starts = starts // mmap.PAGESIZE * mmap.PAGESIZE
    for start, length in zip(starts.tolist(), (stops - starts).tolist(), strict=True):
        _libc.madvise(start, length, mmap.MADV_WILLNEED)
