"""Embeddings that were computed elsewhere: matched by id, checked, and brought into the dataset's order."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from embquant.embedding.encoder import row_lengths, unit_rows
from embquant.embedding.spec import PrecomputedSpec
from embquant.embedding.vectors import (
    BadVectorError,
    NpyVectors,
    ParquetVectors,
    VectorSource,
    load_npy,
    window_rows,
)
from embquant.errors import InputError
from embquant.files.parquet import read_batches, read_rows
from embquant.files.records import note_input

logger = logging.getLogger(__name__)

IDS_AT_ONCE = 1 << 20


class PrecomputedVectors:
    """The vectors of rows ``start`` to ``stop`` of a table with an ``id`` column, in its order."""

    def __init__(self, model: Mapping[str, Any], role: str, dataset: str, table: Path, start: int, stop: int) -> None:
        """Find the position of each row's vector in the files; ``role`` is corpus or queries."""
        self._paths, id_path = locate(model, role, dataset)
        self._normalize = model["normalize"]
        self._source = _open(self._paths, model["embedding_column"])
        self.dim = self._source.dim
        self._table, self._start, self._stop = table, start, stop
        self._positions = self._match(_ids([id_path] if id_path else self._paths, model["id_column"]))

    def windows(self) -> Iterator[tuple[int, pa.Array, np.ndarray]]:
        """Yield (first row, ids, vectors float32), checked and, if the model normalizes, of unit length."""
        step = window_rows(self.dim)
        for first in range(self._start, self._stop, step):
            last = min(first + step, self._stop)
            ids = self._wanted(first, last)
            yield first, ids, self._vectors(ids, self._positions[first - self._start : last - self._start])

    def _vectors(self, ids: pa.Array, positions: np.ndarray) -> np.ndarray:
        try:
            vectors = self._source.take(positions)
        except BadVectorError as error:
            raise self._bad(ids, positions == error.position, str(error)) from None
        lengths = row_lengths(vectors)
        if not np.isfinite(lengths).all():
            raise self._bad(ids, ~np.isfinite(lengths), "NaN or infinity among its values")
        if not self._normalize:
            return vectors
        if not lengths.all():
            raise self._bad(ids, lengths == 0, "length zero, can't be normalized")
        return unit_rows(vectors)

    def _bad(self, ids: pa.Array, wrong: np.ndarray, reason: str) -> InputError:
        first = ids[int(np.argmax(wrong))].as_py()
        return InputError(f"{self._paths[0]}: vector of id {first!r}: {reason}; correct or remove it")

    def _wanted(self, start: int, stop: int) -> pa.Array:
        batches = [batch.column(0) for _, batch in read_rows(self._table, ["id"], start, stop, IDS_AT_ONCE)]
        return pa.concat_arrays(batches) if batches else pa.array([], pa.string())

    def _match(self, batches: Iterator[pa.Array]) -> np.ndarray:
        """Return the position of the vector of each wanted id (int64); other ids are left out."""
        wanted = self._wanted(self._start, self._stop)
        positions = np.full(len(wanted), -1, dtype=np.int64)
        offset = matched = 0
        for ids in batches:
            rows = pc.index_in(ids, value_set=wanted)
            found = np.flatnonzero(rows.is_valid().to_numpy(zero_copy_only=False))
            rows = rows.drop_null().to_numpy()
            repeated = (positions[rows] >= 0) | ~_first_of_each(rows)
            if repeated.any():
                identifier = wanted[int(rows[np.argmax(repeated)])].as_py()
                raise InputError(f"{self._paths[0]}: id {identifier!r} occurs more than once; keep one vector per id")
            positions[rows] = found + offset
            offset += len(ids)
            matched += len(rows)
        if offset != self._source.count:
            raise InputError(f"{self._paths[0]}: {self._source.count} vectors but {offset} ids; expected one id each")
        missing = np.flatnonzero(positions < 0)
        if len(missing):
            raise InputError(
                f"{self._paths[0]}: no vector for id {wanted[int(missing[0])].as_py()!r} of {self._table} "
                f"and {len(missing) - 1} more; every id needs one"
            )
        logger.info("%d vectors matched by id, %d others in %s left out", matched, offset - matched, self._paths[0])
        return positions


def locate(model: Mapping[str, Any], role: str, dataset: str) -> tuple[list[Path], Path | None]:
    """Return the files with the vectors of ``role`` (corpus or queries), and the file with their ids, if any.

    Queries without a file of their own are among the corpus's vectors. A folder stands for its Parquet files.
    """
    separate = role == "queries" and model["queries"] is not None
    template, ids = (model["queries"], model["query_ids"]) if separate else (model["corpus"], model["ids"])
    path = Path(template.replace("{dataset}", dataset)).expanduser()
    if not path.exists():
        raise InputError(f"{path}: no such file; the model's {'queries' if separate else 'corpus'!s} names it")
    paths = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not paths:
        raise InputError(f"{path}: no .parquet file in this folder; expected the embeddings")
    id_path = Path(ids.replace("{dataset}", dataset)).expanduser() if ids else None
    if id_path is None and path.suffix == ".npy":
        raise InputError(
            f"{path}: a .npy file carries no ids; name the file of ids in {'query_ids' if separate else 'ids'}"
        )
    if id_path is not None and not id_path.is_file():
        raise InputError(f"{id_path}: no such file; the model's ids name it")
    return paths, id_path


def check_files(spec: PrecomputedSpec, datasets: Sequence[str]) -> None:
    """Check that all files exist and hold vectors; for each dataset, if the paths depend on it."""
    templated = any("{dataset}" in path for path in spec.files("{dataset}"))
    for dataset in datasets if templated else [""]:
        dims = {}
        for role in ("corpus", "queries"):
            paths, id_path = locate(spec.model_dump(), role, dataset)
            dims[role] = _open(paths, spec.embedding_column).dim
            for path in (*paths, *([id_path] if id_path else [])):
                note_input(path)
            next(_ids([id_path] if id_path else paths, spec.id_column), None)
        if dims["corpus"] != dims["queries"]:
            raise InputError(
                f"{paths[0]}: expected {dims['corpus']} dimensions as the corpus has, got {dims['queries']}"
            )


def _open(paths: Sequence[Path], column: str) -> VectorSource:
    return NpyVectors(paths[0]) if paths[0].suffix == ".npy" else ParquetVectors(paths, column)


def _ids(paths: Sequence[Path], column: str) -> Iterator[pa.Array]:
    """Yield ids as strings, in order, from .parquet, .npy, .csv or .txt (one per line)."""
    for path in paths:
        match path.suffix:
            case ".npy":
                yield _npy_ids(path)
            case ".txt":
                try:
                    yield pa.array(path.read_text(encoding="utf-8").removesuffix("\n").split("\n"), pa.string())
                except UnicodeDecodeError as error:
                    raise InputError(f"{path}: not UTF-8 text ({error.reason}); convert the file") from None
            case ".csv":
                yield _csv_column(path, column)
            case ".parquet":
                for batch in read_batches(path, [column], IDS_AT_ONCE):
                    yield _as_text(batch.column(0), path, column)
            case suffix:
                raise InputError(f"{path}: ids in a {suffix or 'nameless'} file; expected .parquet, .npy, .csv or .txt")


def _npy_ids(path: Path) -> pa.Array:
    ids = load_npy(path)
    if ids.ndim != 1 or ids.dtype.kind not in "iuUS":
        raise InputError(
            f"{path}: holds {ids.dtype} of shape {ids.shape}; expected one id per row, text or whole numbers"
        )
    try:
        return pa.array(ids.astype(str).tolist(), pa.string())
    except UnicodeEncodeError as error:
        raise InputError(f"{path}: an id isn't valid Unicode ({error.reason}); correct it") from None


def _as_text(ids: pa.Array, path: Path, column: str) -> pa.Array:
    try:
        text = ids.cast(pa.string())
        text.validate(full=True)
    except pa.ArrowException as error:
        raise InputError(f"{path}: no ids in column {column!r} ({error})") from None
    return text


def _csv_column(path: Path, column: str) -> pa.Array:
    options = csv.ConvertOptions(include_columns=[column], column_types={column: pa.string()})
    try:
        return csv.read_csv(path, convert_options=options).column(0).combine_chunks()
    except (pa.ArrowException, KeyError) as error:
        raise InputError(f"{path}: no ids in column {column!r} ({error})") from None


def _first_of_each(rows: np.ndarray) -> np.ndarray:
    first = np.zeros(len(rows), dtype=bool)
    first[np.unique(rows, return_index=True)[1]] = True
    return first
