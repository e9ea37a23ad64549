"""Embeddings that were computed elsewhere: matched by id, checked, and brought into the dataset's order."""

import filecmp
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embquant.embedding.columns import BadVectorError
from embquant.embedding.encoder import row_lengths, unit_rows
from embquant.embedding.ids import IDS_AT_ONCE, read_ids
from embquant.embedding.spec import ID_SUFFIXES, VECTOR_SUFFIXES, for_dataset
from embquant.embedding.vectors import Vectors, window_rows
from embquant.errors import InputError
from embquant.files.named import require_files
from embquant.files.parquet import read_batches, read_rows, read_table
from embquant.files.records import note_input

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class GivenFiles:
    """The files of vectors of one role, corpus or queries, and those of their ids, if these have files of their own."""

    vectors: list[Path]
    ids: list[Path]
    embedding_column: str
    id_column: str

    @classmethod
    def of(cls, model: Mapping[str, Any], role: str, dataset: str) -> "GivenFiles":
        """Find the files; an InputError names what is missing. Queries may be among the corpus's vectors."""
        separate = role == "queries" and model["queries"] is not None
        key, id_key = ("queries", "query_ids") if separate else ("corpus", "ids")
        if separate and model["query_ids"] is None and model["queries"] == model["corpus"]:
            id_key = "ids"
        vectors = require_files(for_dataset(model[key], dataset), VECTOR_SUFFIXES, f"the model's {key}")
        named = for_dataset(model[id_key] or [], dataset)
        ids = require_files(named, ID_SUFFIXES, f"the model's {id_key}")
        without = [path for path in vectors if path.suffix.lower() == ".npy"]
        if not ids and without:
            raise InputError(f"{without[0]}: a .npy file carries no ids; name the file of ids in {id_key}")
        return cls(vectors, ids, model["embedding_column"], model["id_column"])

    def open(self) -> Vectors:
        """Open the vectors."""
        return Vectors(self.vectors, self.embedding_column)

    def read_ids(self) -> Iterator[tuple[Path, pa.Array]]:
        """Yield (file, ids as text) of all vectors, in order."""
        return read_ids(self.ids or self.vectors, self.id_column, parquet=not self.ids)


class PrecomputedVectors:
    """The vectors of rows ``start`` to ``stop`` of a table with an ``id`` column, in its order."""

    def __init__(self, model: Mapping[str, Any], role: str, dataset: str, table: Path, start: int, stop: int) -> None:
        """Find the position of each row's vector in the files; ``role`` is corpus or queries."""
        files = self._find(model, role, dataset)
        self._normalize = model["normalize"]
        self._source = files.open()
        self.dim = self._source.dim
        self._table, self._start, self._stop = table, start, stop
        self._positions = self._match(files)

    def windows(self) -> Iterator[tuple[int, pa.Array, np.ndarray]]:
        """Yield (first row, ids, vectors float32), checked and, if the model normalizes, of unit length."""
        step = window_rows(self.dim)
        for first in range(self._start, self._stop, step):
            ids, positions = self._window(first, min(first + step, self._stop))
            yield first, ids, self._vectors(ids, positions)

    @staticmethod
    def _find(model: Mapping[str, Any], role: str, dataset: str) -> GivenFiles:
        return GivenFiles.of(model, role, dataset)

    def _window(self, first: int, last: int) -> tuple[pa.Array, np.ndarray]:
        """Return ids and positions of the rows ``first`` to ``last``."""
        return self._wanted(first, last), self._positions[first - self._start : last - self._start]

    def _take(self, ids: pa.Array, positions: np.ndarray) -> np.ndarray:
        try:
            return self._source.take(positions)
        except BadVectorError as error:
            raise self._bad(ids, positions, positions == error.position, str(error)) from None

    def _vectors(self, ids: pa.Array, positions: np.ndarray) -> np.ndarray:
        vectors = self._take(ids, positions)
        lengths = row_lengths(vectors)
        if not np.isfinite(lengths).all():
            raise self._bad(ids, positions, ~np.isfinite(lengths), "NaN or infinity among its values as float32")
        if not self._normalize:
            return vectors
        if not lengths.all():
            raise self._bad(ids, positions, lengths == 0, "length zero, can't be normalized")
        return unit_rows(vectors)

    def _bad(self, ids: pa.Array, positions: np.ndarray, wrong: np.ndarray, reason: str) -> InputError:
        first = int(np.argmax(wrong))
        path = self._source.path_of(int(positions[first]))
        return InputError(f"{path}: vector of id {ids[first].as_py()!r}: {reason}; correct or remove it")

    def _wanted(self, start: int, stop: int) -> pa.Array:
        batches = [batch.column(0) for _, batch in read_rows(self._table, ["id"], start, stop, IDS_AT_ONCE)]
        return pa.concat_arrays(batches) if batches else pa.array([], pa.string())

    def _match(self, files: GivenFiles) -> np.ndarray:
        """Return the position of the vector of each wanted id (int64); other ids are left out."""
        wanted = self._wanted(self._start, self._stop)
        positions = np.full(len(wanted), -1, dtype=np.int64)
        offset = matched = 0
        first_id = None
        for path, ids in files.read_ids():
            if first_id is None and len(ids):
                first_id = ids[0].as_py()
            rows = pc.index_in(ids, value_set=wanted)
            found = np.flatnonzero(rows.is_valid().to_numpy(zero_copy_only=False))
            rows = rows.drop_null().to_numpy()
            repeated = (positions[rows] >= 0) | ~_first_of_each(rows)
            if repeated.any():
                identifier = wanted[int(rows[np.argmax(repeated)])].as_py()
                raise InputError(f"{path}: id {identifier!r} occurs more than once; keep one vector per id")
            positions[rows] = found + offset
            offset += len(ids)
            matched += len(rows)
        where = (files.ids or files.vectors)[0]
        if offset != self._source.count:
            raise InputError(
                f"{where}: {offset} ids, but {self._source.count} vectors in {files.vectors[0]}; expected one id each"
            )
        missing = np.flatnonzero(positions < 0)
        if len(missing):
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            identifier = wanted[int(missing[0])].as_py()
            none = f"; its first id is {first_id!r}" if not matched and first_id is not None else ""
            raise InputError(
                f"{where}: no vector for id {identifier!r} of {self._table}{more}{none}; every id needs one"
            )
        logger.info("%d vectors matched by id, %d others in %s left out", matched, offset - matched, where)
        return positions


def check_vectors(model: Mapping[str, Any], dataset: str) -> int:
    """Check that all files exist and hold vectors; return their dimensions."""
    dims = {}
    for role in ("corpus", "queries"):
        files = GivenFiles.of(model, role, dataset)
        dims[role] = files.open().dim
        for path in (*files.vectors, *files.ids):
            note_input(path)
        next(files.read_ids(), None)
    if dims["corpus"] != dims["queries"]:
        raise InputError(
            f"{files.vectors[0]}: expected {dims['corpus']} dimensions as the corpus has, got {dims['queries']}"
        )
    return dims["corpus"]


def check_query_vectors(model: Mapping[str, Any], dataset: str, queries: Path, corpus: Path, held_out: bool) -> None:
    """Raise InputError if a query could get the vector of a document.

    Only queries that were held out of the corpus may have their vectors in its files without a word. A file that is
    named for both, or whose copy is, needs different ids for queries and documents, but for queries that are documents,
    text and all. ``queries`` and ``corpus`` are the dataset's tables.
    """
    if held_out:
        return
    if model["queries"] is None:
        raise InputError(
            f"model {model['model']}: names no file of queries' vectors, and the queries of {dataset!r} are not "
            "documents held out of the corpus; add queries: FILE to the model (the corpus's file, if it has both)"
        )
    shared = _same_files(*(GivenFiles.of(model, role, dataset).vectors for role in ("corpus", "queries")))
    if not shared:
        return
    table = read_table(queries, ["id", "own_row"])
    asked = table["id"].filter(pc.less(table["own_row"], 0))
    for batch in read_batches(corpus, ["id"], IDS_AT_ONCE):
        both = batch.column(0).filter(pc.is_in(batch.column(0), value_set=asked))
        if len(both):
            raise InputError(
                f"{shared[0]}: id {both[0].as_py()!r} is a query's and a document's, and this file, named as corpus "
                "and as queries, or copied, has one vector for it; write the queries' vectors to a file of their own"
            )


def _same_files(first: Sequence[Path], second: Iterable[Path]) -> list[Path]:
    """Return the files of ``second`` that are one of ``first``, or a copy of one."""

    def same(path: Path, other: Path) -> bool:
        return path.samefile(other) or filecmp.cmp(path, other, shallow=False)

    return [path for path in second if any(same(path, other) for other in first)]


def _first_of_each(rows: np.ndarray) -> np.ndarray:
    first = np.zeros(len(rows), dtype=bool)
    first[np.unique(rows, return_index=True)[1]] = True
    return first
