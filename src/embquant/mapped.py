"""Arrays that are mapped from disk: what will be read is asked for beforehand.

A page of a mapped file is read when it is first touched, and whoever touches it waits. Asked for in advance, many pages
are read at a time, while something else is computed. For what is in memory already, asking costs half a microsecond.
"""

import ctypes
import mmap

import numpy as np

_madvise = ctypes.CDLL(None).madvise
_madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


def read_ahead(array: np.ndarray, first: int, stop: int) -> None:
    """Start to read rows ``first`` to ``stop`` of a C-contiguous ``array`` (rows, width)."""
    if first < len(array):
        rows = np.array([[first], [min(stop, len(array))]])
        _ask(*(array.ctypes.data + rows * array.strides[0]))


def read_rows_ahead(array: np.ndarray, rows: np.ndarray) -> None:
    """Start to read ``rows`` (int64, any shape; those below 0 are none) of a C-contiguous ``array`` (rows, width)."""
    starts = array.ctypes.data + rows[rows >= 0] * array.strides[0]
    _ask(starts, starts + array.strides[0])


def _ask(starts: np.ndarray, stops: np.ndarray) -> None:
    """Ask for the pages of each stretch of memory; the system is free to ignore it, so nothing can fail."""
    starts = starts // mmap.PAGESIZE * mmap.PAGESIZE
    for start, length in zip(starts.tolist(), (stops - starts).tolist(), strict=True):
        _madvise(start, length, mmap.MADV_WILLNEED)
