"""Vectors picked by position from Parquet or .npy files of any size."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from embquant.embedding.columns import WHOLE_NUMBERS, BadVectorError, fixed_width, to_matrix, widths
from embquant.errors import InputError
from embquant.files.atomic import UNREADABLE_NPY
from embquant.files.parquet import ROWS_PER_GROUP, open_parquet, read_rows, take_ascending

WINDOW_BYTES = 256 << 20
"""Memory for the vectors of one window, which are brought into the dataset's order."""


class VectorFile(Protocol):
    """The ``count`` vectors of one file; ``dim`` is None if it has none that says."""

    dim: int | None
    count: int

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Return the vectors of ``rows`` (int64, ascending, each once) as float32 (rows, dim)."""


class Vectors:
    """The vectors of several files, numbered through: ``count`` of ``dim`` dimensions."""

    def __init__(self, paths: Sequence[Path], column: str, codes: bool = False) -> None:
        """Open the files; raises InputError if one isn't as expected. ``column`` is that of Parquet files.

        Whole numbers are taken only as ``codes``.
        """
        self._paths = list(paths)
        self._files = [open_vectors(path, column, codes) for path in self._paths]
        self._starts = np.cumsum([0, *(file.count for file in self._files)], dtype=np.int64)
        self.count = int(self._starts[-1])
        known = [(path, file.dim) for path, file in zip(self._paths, self._files, strict=True) if file.dim is not None]
        for path, dim in known:
            if dim != known[0][1]:
                expected = f"{known[0][1]} as in {known[0][0]}"
                raise InputError(
                    f"{path}: holds vectors of {dim} dimensions, expected {expected}; remove or replace it"
                )
        self.dim = known[0][1] if known else 0

    def take(self, positions: np.ndarray) -> np.ndarray:
        """Return the vectors at ``positions`` (int64, any order, repeats allowed) as float32 (positions, dim).

        Each file's rows are read in ascending order, each once. Raises BadVectorError for a vector that can't be used.
        """
        wanted, places = np.unique(positions, return_inverse=True)
        vectors = np.empty((len(wanted), self.dim), dtype=np.float32)
        edges = np.searchsorted(wanted, self._starts)
        for file, start, first, last in zip(self._files, self._starts, edges, edges[1:], strict=False):
            if first < last:
                try:
                    vectors[first:last] = file.take(wanted[first:last] - start)
                except BadVectorError as error:
                    raise BadVectorError(error.position + int(start), str(error)) from None
        return vectors if np.array_equal(places, np.arange(len(vectors))) else vectors[places]

    def path_of(self, position: int) -> Path:
        """Return the file that holds the vector at ``position``."""
        return self._paths[int(np.searchsorted(self._starts, position, side="right")) - 1]


class NpyVectors:
    """The rows of a .npy file of shape (vectors, dim), mapped from disk."""

    def __init__(self, path: Path, codes: bool = False) -> None:
        """Map the file; raises InputError if it holds something else."""
        rows = load_npy(path)
        if rows.ndim == 3 and 1 in rows.shape[1:]:  # a list of one vector each
            rows = rows.squeeze(1 + rows.shape[1:].index(1))
        if rows.ndim != 2 or rows.dtype.kind not in ("fiub" if codes else "f"):
            numbers = "whole numbers" if codes else "floating-point numbers"
            raise InputError(
                f"{path}: holds {rows.dtype} of shape {rows.shape}; expected {numbers} of shape "
                f"(vectors, dim){_npy_advice(rows.dtype)}"
            )
        self._rows = rows
        self.count, self.dim = rows.shape
        if not self.dim:
            raise InputError(f"{path}: holds vectors of no dimensions")

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Return the vectors of ``rows``."""
        with np.errstate(over="ignore"):  # a number too large for float32 becomes infinity, which is refused later
            return self._rows[rows].astype(np.float32, copy=False)


class ParquetVectors:
    """The lists in ``column`` of a Parquet file."""

    def __init__(self, path: Path, column: str, codes: bool = False) -> None:
        """Read the footer; raises InputError if the file or its column is not as expected."""
        self._path, self._column = path, column
        file = open_parquet(path, [column])
        self.count = file.metadata.num_rows
        kind = file.schema_arrow.field(column).type
        self.dim = fixed_width(kind, f"{path}: column {column!r}", codes) or self._frequent()

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Return the vectors of ``rows``; each row group that holds one is read once."""
        if self.dim is None:
            raise BadVectorError(int(rows[0]), "no vector")
        vectors = np.empty((len(rows), self.dim), dtype=np.float32)
        for place, batch in take_ascending(self._path, [self._column], rows):
            taken = slice(place, place + len(batch))
            vectors[taken] = to_matrix(batch.column(0), self.dim, rows[taken])
        return vectors

    def _frequent(self) -> int | None:
        """Return the most frequent length of the first lists: vectors of another length are wrong."""
        for _, batch in read_rows(self._path, [self._column], 0, 1024):
            lengths = widths(batch.column(0))
            if len(lengths):
                return int(np.bincount(lengths).argmax())
        return None


def open_vectors(path: Path, column: str, codes: bool = False) -> VectorFile:
    """Open a file of vectors, or of ``codes``, as what its first bytes say it is, whatever its name."""
    with path.open("rb") as file:
        beginning = file.read(6)
    suffix = path.suffix.lower()
    if beginning.startswith((b"\x93NUMPY", b"PK\x03\x04")) or suffix == ".npy":
        return NpyVectors(path, codes)
    if beginning.startswith(b"PAR1") or suffix == ".parquet":
        return ParquetVectors(path, column, codes)
    raise InputError(
        f"{path}: neither a Parquet nor a .npy file; expected vectors in one of these; "
        "write them with np.save(path, vectors.astype(np.float32))"
    )


def load_npy(path: Path) -> np.ndarray:
    """Map a .npy file from disk, without unpickling anything; raises InputError if it is something else."""
    try:
        if zipfile.is_zipfile(path):
            raise InputError(f"{path}: {_archived(path)}")
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (*UNREADABLE_NPY, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: not a readable .npy file ({error}); write it with np.save, as numbers or text, not objects"
        ) from None


def _archived(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
    shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    example = f"np.load({path.name!r})[{names[0] if names else 'name'!r}]"
    return f"an archive (.npz) of {shown or 'nothing'}; expected a single array, write it with np.save(path, {example})"


def _npy_advice(dtype: np.dtype) -> str:
    if dtype.kind in "iub":
        return WHOLE_NUMBERS
    if dtype.kind == "V" and dtype.itemsize == 2 and not dtype.names:
        return "; NumPy writes bfloat16 like this: write np.save(path, vectors.astype(np.float32))"
    return ""


def window_rows(dim: int) -> int:
    """Return the number of vectors that fit into ``WINDOW_BYTES``, in whole row groups, at least one."""
    return max(1, WINDOW_BYTES // (4 * max(dim, 1) * ROWS_PER_GROUP)) * ROWS_PER_GROUP
