"""What a Parquet column of vectors holds: lists of float are read as float32, anything else is refused."""

import math
from typing import Any

import numpy as np
import pyarrow as pa

from embquant.errors import InputError

WHOLE_NUMBERS = (
    "; whole numbers or bits are quantized already: name them under precisions, beside the provider's float vectors "
    "if there are some, or write float32 yourself "
    "(int8: times its scale; packed bits: np.unpackbits(x, axis=1) * 2.0 - 1)"
)
"""What to do with vectors that somebody else has quantized."""

TEXT = "; parse the text first, for example with json.loads"
MISSING = "; every value is missing: write the vectors into it"
SEVERAL = "; keep one vector for each id, for example their mean"


class BadVectorError(Exception):
    """The vector at ``position`` can't be used."""

    def __init__(self, position: int, reason: str) -> None:
        """Give the reason; the caller knows the vector's id."""
        super().__init__(reason)
        self.position = position


def fixed_width(kind: pa.DataType, where: str, codes: bool = False) -> int | None:
    """Return the dimensions of every vector in a column of type ``kind``; None if the type doesn't say.

    Columns of lists, of lists of one list each, and of tensors with one axis are understood. Any other is an InputError
    that begins with ``where``. Whole numbers are understood only as ``codes``.
    """
    if isinstance(kind, pa.FixedShapeTensorType):
        if sum(size > 1 for size in kind.shape) > 1:
            raise InputError(f"{where} is tensors of shape {tuple(kind.shape)}; expected vectors{SEVERAL}")
        if _is_number(kind.value_type, codes):
            return math.prod(kind.shape)
    inner = _stored(kind)
    width = None
    while _is_list(inner):
        width = inner.list_size if pa.types.is_fixed_size_list(inner) else None
        kind_of_values = inner.value_type
        if _is_list(kind_of_values) and width not in (None, 1):
            raise InputError(f"{where} is {kind}; expected one vector a row{SEVERAL}")
        inner = kind_of_values
    if not _is_list(_stored(kind)) or not _is_number(inner, codes):
        expected = "whole numbers" if codes else f"float or double{_advice(inner)}"
        raise InputError(f"{where} is {kind}; expected lists of {expected}")
    return width


def widths(column: pa.Array) -> np.ndarray:
    """Return the length of each vector of a column; rows without a vector are left out."""
    lists = _storage(column)
    while _is_list(lists.type.value_type):
        lists = lists.flatten()
    return lists.value_lengths().drop_null().to_numpy(zero_copy_only=False)


def to_matrix(column: pa.Array, dim: int, positions: np.ndarray) -> np.ndarray:
    """Turn a column of vectors into float32 (rows, dim); ``positions`` are those of the rows, for the error."""
    lists = _storage(column)
    while _is_list(lists.type.value_type):
        _check_lengths(lists, 1, positions, "{} vectors")
        lists = lists.flatten()
    _check_lengths(lists, dim, positions, "{} dimensions")
    values = lists.flatten()
    if values.null_count:
        row = int(np.argmax(values.is_null().to_numpy(zero_copy_only=False))) // dim
        raise BadVectorError(int(positions[row]), "null among its values")
    with np.errstate(over="ignore"):  # a number too large for float32 becomes infinity, which is refused later
        return values.to_numpy(zero_copy_only=False).astype(np.float32, copy=False).reshape(len(lists), dim)


def _check_lengths(lists: Any, expected: int, positions: np.ndarray, unit: str) -> None:
    lengths = lists.value_lengths().fill_null(-1).to_numpy(zero_copy_only=False)
    wrong = np.flatnonzero(lengths != expected)
    if len(wrong):
        length = lengths[wrong[0]]
        found = "no vector" if length < 0 else unit.format(length)
        raise BadVectorError(int(positions[wrong[0]]), f"expected {unit.format(expected)}, got {found}")


def _is_number(kind: pa.DataType, codes: bool) -> bool:
    return pa.types.is_floating(kind) or (codes and (pa.types.is_integer(kind) or pa.types.is_boolean(kind)))


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _stored(kind: pa.DataType) -> pa.DataType:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _storage(column: pa.Array) -> Any:
    return column.storage if isinstance(column, pa.ExtensionArray) else column


def _advice(kind: pa.DataType) -> str:
    types = pa.types
    if types.is_integer(kind) or types.is_boolean(kind) or types.is_fixed_size_binary(kind) or types.is_binary(kind):
        return WHOLE_NUMBERS
    if types.is_string(kind) or types.is_large_string(kind):
        return TEXT
    return MISSING if types.is_null(kind) else ""
