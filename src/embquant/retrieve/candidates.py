"""The file of the candidates that the first stage of a search finds."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa

from embquant.errors import InapplicableError, InputError
from embquant.exact.scan import OVERFLOW
from embquant.files.matrices import flat_values
from embquant.files.parquet import damaged_parquet, metadata_of, open_parquet, read_table, write_parquet

SCHEMA = pa.schema(
    [
        ("query_row", pa.int64()),
        ("rows", pa.list_(pa.int64())),
        ("scores", pa.list_(pa.float64())),
    ]
)
"""One row group per search depth, in the order of ``depths`` in the file's metadata, then one per subset of the corpus,
in the order of their sizes, ``subsets``. Rows are −1 for no document."""


def write_candidates(path: Path, tables: Iterable[pa.Table], metadata: Mapping[str, Any], kept: bool = True) -> None:
    """Write ``tables`` of :data:`SCHEMA`; the arguments are those of :func:`write_parquet`.

    Rows and scores are random to a compressor but for the upper bytes of rows, which splitting brings together.
    """
    write_parquet(path, SCHEMA, tables, metadata, kept, split=("rows.list.element", "scores.list.element"))


def as_table(scores: np.ndarray, rows: np.ndarray) -> pa.Table:
    """Return what was found (queries, candidates) at one depth as a table of :data:`SCHEMA`."""
    return pa.table([np.arange(len(rows)), _lists(rows), _lists(scores.astype(np.float64))], schema=SCHEMA)


def noted_subsets(sizes: Sequence[int], depth: int) -> dict[str, Any]:
    """Return what the metadata say of subsets of so many documents, all searched to ``depth``; nothing of none."""
    return {"subsets": {"documents": list(sizes), "depth": depth}} if sizes else {}


def check_scores(scores: np.ndarray, rows: np.ndarray) -> None:
    """Raise an InapplicableError if a document ``rows`` (queries, candidates), −1 for none, has no finite score."""
    if not np.isfinite(scores[rows >= 0]).all():
        raise InapplicableError(OVERFLOW)


def _lists(matrix: np.ndarray) -> pa.ListArray:
    offsets = np.arange(len(matrix) + 1, dtype=np.int32) * matrix.shape[1]
    return pa.ListArray.from_arrays(offsets, np.ascontiguousarray(matrix).reshape(-1))


class Candidates:
    """Reads what ``search-index`` wrote, and checks what it reads."""

    def __init__(self, path: Path, queries: int | None = None, documents: int | None = None) -> None:
        """Open a candidates file; one that isn't is an InputError, when it is opened or when it is read.

        Where their numbers are given, it must hold rows of ``documents``, or −1 for none, for each of ``queries``.
        """
        self._path = path
        self._query_count = queries
        self._document_count = documents
        self._file = open_parquet(path, SCHEMA.names)
        self.metadata = metadata_of(path, self._file)
        depths: Any = self.metadata.get("depths")
        subsets: Any = self.metadata.get("subsets", {"documents": [], "depth": 1})
        is_known = is_ascending(depths) and _is_subsets(subsets)
        groups = len(depths) + len(subsets["documents"]) if is_known else -1
        if self._file.schema_arrow != SCHEMA or self._file.num_row_groups != groups:
            raise InputError(f"{path}: not a file of candidates; delete it and run again")
        self.depths: list[int] = depths
        self.subsets: list[int] = subsets["documents"]
        self.subset_depth: int = subsets["depth"]
        self._first_group = 0

    def subset(self, documents: int) -> Self:
        """Return the candidates among the subset of so many ``documents``, which a single search has found."""
        if documents not in self.subsets:
            raise InputError(f"{self._path}: no subset of {documents} documents; delete it and run again")
        found = copy(self)
        found.depths, found.subsets = [self.subset_depth], []
        found._first_group = len(self.depths) + self.subsets.index(documents)
        return found

    def searches(self) -> list[Self]:
        """Return the candidates among the corpus, then those among each of its subsets."""
        return [self, *map(self.subset, self.subsets)]

    def group(self, depth: int) -> int:
        """Return the row group of the shallowest search that reaches ``depth``."""
        group = int(np.searchsorted(self.depths, depth))
        if group == len(self.depths):
            raise InputError(f"{self._path}: searched to depth {self.depths[-1]}, not {depth}; delete it and run again")
        return group

    def read(self, group: int) -> tuple[np.ndarray, np.ndarray]:
        """Return rows int64 and scores float64 (queries, candidates) of a row group, best first."""
        with damaged_parquet(self._path):
            table = self._file.read_row_group(self._first_group + group, columns=["rows", "scores"])
        rows, scores = _matrix(table["rows"], self._path), _matrix(table["scores"], self._path)
        queries = len(rows) if self._query_count is None else self._query_count
        fits = self._document_count is None or within(rows, -1, self._document_count)
        if len(rows) != queries or scores.shape != rows.shape or not fits:
            what = f"candidates of {queries} queries among {self._document_count} documents"
            raise InputError(f"{self._path}: not {what}; delete it and run again")
        return rows, scores


def read_own_rows(queries: Path | None, count: int) -> np.ndarray | None:
    """Return the row of each query's own document, int64 (``count``,), −1 for none, from a dataset's queries.parquet.

    Own documents are left out of results, so that candidates are searched one deeper. None if no query has one, or no
    file is given.
    """
    if queries is None:
        return None
    column = read_table(queries, ["own_row"]).column(0)
    if len(column) != count or column.null_count or not pa.types.is_integer(column.type):
        raise InputError(f"{queries}: not the rows of {count} queries' own documents; delete it and run again")
    rows = column.to_numpy()
    return rows if (rows >= 0).any() else None


def within(rows: np.ndarray, first: int, stop: int) -> bool:
    """Whether all ``rows`` are at least ``first`` and below ``stop``."""
    return bool(((rows >= first) & (rows < stop)).all())


def is_ascending(depths: Any) -> bool:
    """Whether ``depths`` are ascending numbers of candidates, as ``search-index`` notes them."""
    numbers = isinstance(depths, list) and all(type(depth) is int and depth > 0 for depth in depths)
    return numbers and bool(depths) and depths == sorted(set(depths))


def _is_subsets(subsets: Any) -> bool:
    """Whether ``subsets`` are numbers of documents, ascending, and the depth of their searches."""
    if not isinstance(subsets, dict) or subsets.keys() != {"documents", "depth"}:
        return False
    return is_ascending([subsets["depth"]]) and (subsets["documents"] == [] or is_ascending(subsets["documents"]))


def _matrix(column: pa.ChunkedArray, path: Path) -> np.ndarray:
    """Return a column of lists of the same length as an array (lists, length)."""
    lists = column.combine_chunks()
    lengths = np.diff(lists.offsets.to_numpy())
    if lists.null_count or flat_values(lists).null_count or (lengths != lengths[:1]).any():
        raise InputError(f"{path}: queries have different numbers of candidates; delete it and run again")
    return flat_values(lists).to_numpy().reshape(len(lists), -1)
