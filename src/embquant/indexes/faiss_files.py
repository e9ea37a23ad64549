"""FAISS index files: filled without a second copy, checked, read into memory or mapped, viewed as arrays."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from embquant.errors import InputError
from embquant.indexes.base import Codes
from embquant.quantize.codecs.faiss_codes import reading_at_most


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
    # IO_FLAG_MMAP copies flat indexes into memory all the same; _IFC maps them.
    flags = faiss.IO_FLAG_MMAP_IFC if mapped else 0
    with damaged(path), reading_at_most(Path(path).stat().st_size):
        index = reader(str(path), flags)
    if type(index) is not kind:
        raise InputError(f"{path}: holds a {type(index).__name__}, expected {kind.__name__}; delete it and run again")
    if index.d != dim:
        raise InputError(f"{path}: holds vectors of {index.d} dimensions, expected {dim}")
    return index


@contextmanager
def damaged(path: Path) -> Iterator[None]:
    """Turn what is said of an index file that is missing or can't be read into an InputError about ``path``."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (RuntimeError, MemoryError, OSError, IndexError, ValueError):
        raise InputError(f"{path}: not a readable FAISS index; delete it and run again") from None


def read_filled(path: Path, empty: Any, mapped: bool) -> Any:
    """Read a file that is the index ``empty``, which this changes, filled with codes.

    All but the codes has to be what FAISS would write, to the byte: FAISS believes a header that lies about sizes, and
    reads beyond the file or its memory. Anything else is an InputError.
    """
    binary = isinstance(empty, faiss.IndexBinary)
    with damaged(path):
        genuine = _is_filled(path, empty, faiss.serialize_index_binary if binary else faiss.serialize_index)
    if not genuine:
        raise InputError(
            f"{path}: expected a FAISS {type(empty).__name__} of {empty.d} dimensions, whole and with its codec's own "
            "values; delete it and run again"
        )
    return read(path, type(empty), faiss.read_index_binary if binary else faiss.read_index, empty.d, mapped)


def _is_filled(path: Path, empty: Any, serialize: Callable[[Any], np.ndarray]) -> bool:
    with Path(path).open("rb") as file:
        start = file.read(20)  # kind, dimensions, of bits also the bytes of a code, and the number of codes
        at = 12 if isinstance(empty, faiss.IndexBinary) else 8
        count = int.from_bytes(start[at : at + 8], "little", signed=True)
        if start[:8] != serialize(empty)[:8].tobytes() or not 0 <= count <= file.seek(0, os.SEEK_END):
            return False
        stored = _hold(empty, count)
        bare = serialize(empty)
        storage = empty.xb if isinstance(empty, faiss.IndexBinary) else empty.codes
        storage.resize(4)
        little = serialize(empty)
        at = int(np.argmax(little[: len(bare)] != bare))  # where the size of the codes stands, in units of 1 or 4 bytes
        size = stored * int(little[at]) // 4
        head, tail = bare[:at].tobytes() + size.to_bytes(8, "little"), bare[at + 8 :].tobytes()
        if file.tell() != len(head) + stored + len(tail):
            return False
        file.seek(0)
        genuine = file.read(len(head)) == head
        file.seek(-len(tail), os.SEEK_END)
        return genuine and file.read() == tail


def _hold(empty: Any, count: int) -> int:
    """Make an index say that it has so many codes; return the bytes that they take."""
    empty.ntotal = count
    if not isinstance(empty, faiss.IndexFastScan):
        return count * empty.code_size
    empty.ntotal2 = -(-count // empty.bbs) * empty.bbs
    return empty.ntotal2 * empty.M2 // 2


def padded(dim: int) -> int:
    """Return the bits of FAISS's codes, whole bytes; those beyond ``dim`` are zero on both sides and never differ."""
    return -(-dim // 8) * 8
