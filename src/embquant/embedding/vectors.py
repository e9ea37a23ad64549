"""Vectors picked by position from Parquet or .npy files of any size."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa

from embquant.errors import InputError
from embquant.files.atomic import UNREADABLE_NPY
from embquant.files.parquet import ROWS_PER_GROUP, open_parquet, read_rows, take_ascending

WINDOW_BYTES = 256 << 20
"""Memory for the vectors of one window, which are brought into the dataset's order."""


class BadVectorError(Exception):
    """The vector at ``position`` can't be used."""

    def __init__(self, position: int, reason: str) -> None:
        """Give the reason; the caller knows the vector's id."""
        super().__init__(reason)
        self.position = position


class VectorSource(Protocol):
    """``count`` vectors of ``dim`` dimensions that can be read by position."""

    dim: int
    count: int

    def take(self, positions: np.ndarray) -> np.ndarray:
        """Return the vectors at ``positions`` (int64, any order, repeats allowed) as float32 (positions, dim)."""


class NpyVectors:
    """The rows of a two-dimensional .npy file, mapped from disk."""

    def __init__(self, path: Path) -> None:
        """Map the file; raises InputError if it holds something else."""
        self._rows = load_npy(path)
        if self._rows.ndim != 2 or self._rows.dtype.kind != "f":
            found = f"{self._rows.dtype} of shape {self._rows.shape}"
            raise InputError(f"{path}: holds {found}; expected floating-point numbers of shape (documents, dim)")
        self.count, self.dim = self._rows.shape
        if not self.dim:
            raise InputError(f"{path}: holds vectors of no dimensions")

    def take(self, positions: np.ndarray) -> np.ndarray:
        """Return the vectors at ``positions``."""
        with np.errstate(over="ignore"):  # a number too large for float32 becomes infinity, which is refused later
            return self._rows[positions].astype(np.float32, copy=False)


class ParquetVectors:
    """The lists in ``column`` of one or more Parquet files, numbered through."""

    def __init__(self, paths: Sequence[Path], column: str) -> None:
        """Read the footers; raises InputError if a file or its column is not as expected."""
        self._paths = list(paths)
        self._column = column
        files = [open_parquet(path, [column]) for path in self._paths]
        self._starts = np.cumsum([0, *(file.metadata.num_rows for file in files)], dtype=np.int64)
        self.count = int(self._starts[-1])
        self.dim = self._width([file.schema_arrow.field(column).type for file in files])

    def take(self, positions: np.ndarray) -> np.ndarray:
        """Return the vectors at ``positions``; each row group that holds one is read once."""
        wanted, places = np.unique(positions, return_inverse=True)
        vectors = np.empty((len(wanted), self.dim), dtype=np.float32)
        edges = np.searchsorted(wanted, self._starts)
        for path, start, first, last in zip(self._paths, self._starts, edges, edges[1:], strict=False):
            if first == last:
                continue
            for place, batch in take_ascending(path, [self._column], wanted[first:last] - start):
                rows = slice(first + place, first + place + len(batch))
                vectors[rows] = to_matrix(batch.column(0), self.dim, wanted[rows])
        return vectors if np.array_equal(places, np.arange(len(vectors))) else vectors[places]

    def _width(self, kinds: Sequence[pa.DataType]) -> int:
        for path, kind in zip(self._paths, kinds, strict=True):
            is_list = pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind)
            if not is_list or not pa.types.is_floating(kind.value_type):
                raise InputError(f"{path}: column {self._column!r} is {kind}; expected lists of float or double")
        if kinds and pa.types.is_fixed_size_list(kinds[0]):
            return kinds[0].list_size
        for path in self._paths:
            for _, batch in read_rows(path, [self._column], 0, 1024):
                lengths = batch.column(0).value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
                return int(np.bincount(lengths).argmax())  # the most frequent: vectors of another length are wrong
        return 0


def load_npy(path: Path) -> np.ndarray:
    """Map a .npy file from disk, without unpickling anything."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UNREADABLE_NPY as error:
        raise InputError(f"{path}: not a readable .npy file ({error})") from None


def to_matrix(lists: pa.Array, dim: int, positions: np.ndarray) -> np.ndarray:
    """Turn an Arrow array of lists into float32 (rows, dim); ``positions`` are those of the rows, for the error."""
    lengths = lists.value_lengths().fill_null(-1).to_numpy(zero_copy_only=False)
    wrong = np.flatnonzero(lengths != dim)
    if len(wrong):
        length = lengths[wrong[0]]
        found = "no vector" if length < 0 else f"{length} dimensions"
        raise BadVectorError(int(positions[wrong[0]]), f"expected {dim} dimensions, got {found}")
    values = lists.flatten()
    values = values.fill_null(np.nan) if values.null_count else values
    with np.errstate(over="ignore"):
        return values.to_numpy(zero_copy_only=False).astype(np.float32, copy=False).reshape(len(lists), dim)


def window_rows(dim: int) -> int:
    """Return the number of vectors that fit into ``WINDOW_BYTES``, in whole row groups, at least one."""
    return max(1, WINDOW_BYTES // (4 * max(dim, 1) * ROWS_PER_GROUP)) * ROWS_PER_GROUP
