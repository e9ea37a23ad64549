"""The ids of vectors that were computed elsewhere, as text."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from embquant.embedding.spec import ID_SUFFIXES
from embquant.embedding.vectors import load_npy
from embquant.errors import InputError
from embquant.files.parquet import read_batches, uuids_as_text

IDS_AT_ONCE = 1 << 20


def read_ids(paths: Sequence[Path], column: str, parquet: bool = False) -> Iterator[tuple[Path, pa.Array]]:
    """Yield (file, ids as text) in order.

    A suffix tells the format, unless ``parquet`` says that all files are Parquet, as files of vectors with ids are.
    Raises InputError, which names the file, if it has no ids that can be read.
    """
    for path in paths:
        match ".parquet" if parquet else path.suffix.lower():
            case ".npy":
                yield path, _npy_ids(path)
            case ".txt":
                yield path, _lines(path)
            case ".csv":
                yield path, _csv_column(path, column)
            case ".parquet":
                for batch in read_batches(path, [column], IDS_AT_ONCE):
                    yield path, as_text(batch.column(0), f"{path}: no ids in column {column!r}")
            case suffix:
                expected = ", ".join(ID_SUFFIXES)
                raise InputError(f"{path}: ids in a {suffix or 'nameless'} file; expected one of {expected}")


def as_text(ids: pa.Array, where: str) -> pa.Array:
    """Return ids of any type as text; 16 bytes are a UUID. Raises InputError that begins with ``where``."""
    if isinstance(ids, pa.ExtensionArray):
        ids = ids.storage
    if pa.types.is_fixed_size_binary(ids.type) and ids.type.byte_width == 16:
        return uuids_as_text(ids)
    try:
        text = ids.cast(pa.string())
        text.validate(full=True)
    except pa.ArrowException as error:
        raise InputError(f"{where} ({error})") from None
    return text


def _lines(path: Path) -> pa.Array:
    """Return the lines of a file: a byte-order mark, any kind of line end, and empty lines at the end do no harm."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # every line end becomes "\n"
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text ({error.reason}); convert the file") from None
    return pa.array(text.rstrip("\n").split("\n"), pa.string())


def _npy_ids(path: Path) -> pa.Array:
    ids = load_npy(path)
    if ids.ndim != 1 or ids.dtype.kind not in "iuUS":
        raise InputError(
            f"{path}: holds {ids.dtype} of shape {ids.shape}; expected one id per row, text or whole numbers"
        )
    try:
        text = np.char.decode(ids, "utf-8") if ids.dtype.kind == "S" else ids.astype(str)
        return pa.array(text.tolist(), pa.string())
    except (UnicodeEncodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: an id isn't valid Unicode ({error.reason}); correct it") from None


def _csv_column(path: Path, column: str) -> pa.Array:
    options = csv.ConvertOptions(include_columns=[column], column_types={column: pa.string()})
    try:
        return csv.read_csv(path, convert_options=options).column(0).combine_chunks()
    except (pa.ArrowException, KeyError) as error:
        raise InputError(f"{path}: no ids in column {column!r} ({error})") from None
