"""Embeddings that were computed elsewhere: matched by id, checked, and brought into the dataset's order."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from embquant.embedding.columns import BadVectorError
from embquant.embedding.encoder import row_lengths, unit_rows
from embquant.embedding.ids import IDS_AT_ONCE, read_ids
from embquant.embedding.spec import ID_SUFFIXES, VECTOR_SUFFIXES, finest, for_dataset
from embquant.embedding.vectors import Vectors, window_rows
from embquant.errors import InputError
from embquant.files.named import require_files
from embquant.files.parquet import open_parquet, read_rows

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class GivenFiles:
    """The files of vectors of one role, corpus or queries, and those of their ids, if these have files of their own."""

    vectors: list[Path]
    ids: list[Path]
    embedding_column: str
    id_column: str

    def open(self) -> Vectors:
        """Open the vectors."""
        return Vectors(self.vectors, self.embedding_column)

    @property
    def dim(self) -> int:
        """The dimensions of the vectors."""
        return self.open().dim

    def read_ids(self) -> Iterator[tuple[Path, pa.Array]]:
        """Yield (file, ids as text) of all vectors, in order."""
        return read_ids(self.ids or self.vectors, self.id_column, parquet=not self.ids)


def vector_files(model: Mapping[str, Any], role: str, dataset: str) -> GivenFiles:
    """Find the files of a model's float vectors; ``role`` is corpus or queries. Raises what :func:`find_files` does."""
    vectors, ids = find_files(model, role, dataset, model["corpus"], "the model's corpus")
    return GivenFiles(vectors, ids, model["embedding_column"], model["id_column"])


def find_files(
    model: Mapping[str, Any], role: str, dataset: str, documents: str | Sequence[str], what: str
) -> tuple[list[Path], list[Path]]:
    """Find the files of vectors, or codes, and those of their ids, if these have files of their own.

    ``documents`` names those of the corpus, and ``what`` is what to call them. Queries that name none are among these.
    The model's ``ids`` are of its vectors. Codes beside them, in Parquet files with ids, keep their own.

    Raises:
        InputError: a file is missing, or .npy files have no ids.
    """
    separate = role == "queries" and model["queries"] is not None
    named, what = (model["queries"], "the model's queries") if separate else (documents, what)
    id_key = "query_ids" if separate and (model["query_ids"] is not None or named != documents) else "ids"
    vectors = require_files(for_dataset(named, dataset), VECTOR_SUFFIXES, what)
    without = [path for path in vectors if path.suffix.lower() == ".npy"]
    are_beside = documents != (model["corpus"] or model["precisions"][finest(model["precisions"])])
    if are_beside and not without and model["id_column"] in open_parquet(vectors[0]).schema_arrow.names:
        return vectors, []
    ids = require_files(for_dataset(model[id_key] or [], dataset), ID_SUFFIXES, f"the model's {id_key}")
    if without and not ids:
        raise InputError(f"{without[0]}: a .npy file carries no ids; name the file of ids in {id_key}")
    return vectors, ids


class PrecomputedVectors:
    """The vectors of rows ``start`` to ``stop`` of a table with an ``id`` column, in its order."""

    def __init__(self, files: GivenFiles, table: Path, start: int, stop: int, *, normalize: bool) -> None:
        """Find the position of each row's vector in the files; ``normalize``: vectors get unit length."""
        self._normalize = normalize
        self._source = files.open()
        self.dim = files.dim
        self._table, self._start, self._stop = table, start, stop
        self._positions = self._match(files)

    def windows(self) -> Iterator[tuple[int, pa.Array, np.ndarray]]:
        """Yield (first row, ids, vectors float32), checked and, if the model normalizes, of unit length."""
        step = window_rows(self.dim)
        for first in range(self._start, self._stop, step):
            ids, positions = self._window(first, min(first + step, self._stop))
            yield first, ids, self._vectors(ids, positions)

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
        import pyarrow.compute as pc

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


def _first_of_each(rows: np.ndarray) -> np.ndarray:
    first = np.zeros(len(rows), dtype=bool)
    first[np.unique(rows, return_index=True)[1]] = True
    return first
