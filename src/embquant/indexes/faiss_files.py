"""FAISS flat index files: filled without a second copy, read into memory or mapped, viewed as arrays."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from embquant.errors import InputError
from embquant.indexes.base import Codes


def fill(index: Any, storage: Any, codes: Codes, width: int) -> None:
    """Put codes of ``width`` bytes into a flat index.

    The storage is made at its final size first: FAISS's ``add`` would double it as it grows.
    """
    storage.resize(len(codes) * width)
    target = view(storage, len(codes), width, np.uint8)
    first = 0
    for batch in codes:
        target[first : first + len(batch)] = batch.view(np.uint8).reshape(len(batch), width)
        first += len(batch)
    index.ntotal = len(codes)


def view(storage: Any, count: int, columns: int, dtype: type) -> np.ndarray:
    """Return a flat index's storage as an array (count, columns) that shares its memory."""
    values = faiss.rev_swig_ptr(storage.data(), storage.size())
    return values.view(dtype).reshape(count, columns)


def read(path: Path, kind: type, reader: Callable[..., Any], dim: int, mapped: bool) -> Any:
    """Read an index file of ``kind`` with ``reader``; one that is missing, damaged or another is an InputError."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file")
    # IO_FLAG_MMAP copies flat indexes into memory all the same; _IFC maps them.
    flags = faiss.IO_FLAG_MMAP_IFC if mapped else 0
    try:
        index = reader(str(path), flags)
    except RuntimeError:
        raise InputError(f"{path}: not a readable FAISS index; delete it and run again") from None
    if type(index) is not kind:
        raise InputError(f"{path}: holds a {type(index).__name__}, expected {kind.__name__}; delete it and run again")
    if index.d != dim:
        raise InputError(f"{path}: holds vectors of {index.d} dimensions, expected {dim}")
    return index


def padded(dim: int) -> int:
    """Return the bits of FAISS's codes, whole bytes; those beyond ``dim`` are zero on both sides and never differ."""
    return -(-dim // 8) * 8
