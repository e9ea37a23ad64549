"""FAISS index files: filled without a second copy, checked, read into memory or mapped, viewed as arrays."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from embquant.errors import InputError
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.faiss_codes import reading_at_most

CACHE_LINE = 64
"""Bytes that memory is read in, and the widest register."""

MOST_PLACES = 16
"""Places tried for the ranges of a quantizer; a quarter of those that malloc returns begin a cache line."""


def fill(index: Any, storage: Any, codes: Batches, width: int) -> None:
    """Put codes of ``width`` bytes into a flat index.

    The storage is made at its final size first: FAISS's ``add`` would double it as it grows.
    """
    storage.resize(codes.rows * width)
    target = view(storage, codes.rows, width, np.uint8)
    first = 0
    for batch in codes:
        target[first : first + len(batch)] = batch.view(np.uint8).reshape(len(batch), width)
        first += len(batch)
    index.ntotal = codes.rows


def view(storage: Any, count: int, columns: int, dtype: type) -> np.ndarray:
    """Return a flat index's storage as an array (count, columns) that shares its memory."""
    values = faiss.rev_swig_ptr(storage.data(), storage.size())
    return values.view(dtype).reshape(count, columns)


def read(path: Path, index_type: type, dim: int, mapped: bool = False, code_bytes: int | None = None) -> Any:
    """Read an index of ``index_type`` of ``dim`` dimensions; ``code_bytes``, if given, is the width of its codes.

    A file that is missing, that FAISS can't read or that holds something else is an InputError.
    """
    binary = issubclass(index_type, faiss.IndexBinary)
    reader = faiss.read_index_binary if binary else faiss.read_index
    # IO_FLAG_MMAP copies flat indexes into memory all the same; _IFC maps them.
    flags = faiss.IO_FLAG_MMAP_IFC if mapped else 0
    with damaged(path), reading_at_most(Path(path).stat().st_size):
        index = reader(str(path), flags)
    expected, found = (index_type, padded(dim) if binary else dim), (type(index), index.d)
    if found != expected:
        held, wanted = (f"a FAISS {one.__name__} of {columns} dimensions" for one, columns in (found, expected))
        raise InputError(f"{path}: holds {held}, expected {wanted}; delete it and run again")
    if code_bytes not in (None, index.code_size):
        raise InputError(
            f"{path}: holds codes of {index.code_size} bytes, expected {code_bytes}; delete it and run again"
        )
    if hasattr(index, "sq"):
        _align(index.sq)
    return index


def _align(quantizer: faiss.ScalarQuantizer) -> None:
    """Move a scalar quantizer's ranges to the beginning of a cache line.

    FAISS reads as many of them as a register holds for each piece of a code. Where these lie in two lines, a search
    takes up to 1.4 times as long.
    """
    ranges = faiss.vector_to_array(quantizer.trained)
    tried: list[faiss.Float32Vector] = []
    while len(ranges) and faiss.rev_swig_ptr(quantizer.trained.data(), 1).ctypes.data % CACHE_LINE:
        if len(tried) == MOST_PLACES:
            return
        elsewhere = faiss.Float32Vector()
        faiss.copy_array_to_vector(ranges, elsewhere)
        quantizer.trained.swap(elsewhere)
        tried.append(elsewhere)  # kept, so that the next is at another place


@contextmanager
def damaged(path: Path) -> Iterator[None]:
    """Turn what Python and FAISS raise for an index file that is missing or can't be read into an InputError."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (RuntimeError, MemoryError, OSError, IndexError, ValueError):
        raise InputError(f"{path}: not a readable FAISS index; delete it and run again") from None


def padded(dim: int) -> int:
    """Return the bits of FAISS's codes, whole bytes; those beyond ``dim`` are zero on both sides and never differ."""
    return -(-dim // 8) * 8


def search(index: Any, queries: np.ndarray, k: int, threads: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what FAISS finds on ``threads`` threads, scores or distances and rows (queries, min(k, documents)).

    Small lists answer a query in six microseconds. ``limit_faiss_threads`` would add one, and a class in its place a
    third of one; so this sets the threads by itself.
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        found: tuple[np.ndarray, np.ndarray] = index.search(np.ascontiguousarray(queries), min(k, index.ntotal))
    finally:
        faiss.omp_set_num_threads(before)
    return found
