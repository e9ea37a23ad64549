"""Codes that a model's provider has made of its vectors: matched by id, checked, and written as ours are."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from embquant.embedding.precomputed import GivenFiles, PrecomputedVectors, find_files
from embquant.embedding.vectors import Vectors
from embquant.errors import InputError
from embquant.files.parquet import open_parquet

BITS = ("ubinary", "binary")
"""The precisions of one bit per dimension, the first dimension in the most significant bit."""

UNSIGNED = ("uint8", "ubinary")
"""The precisions whose bytes are 0 to 255; those of the others are 128 less, −128 to 127."""


@dataclass(frozen=True)
class CodeFiles(GivenFiles):
    """The files of the documents' codes in one precision, and those of their ids."""

    precision: str

    def open(self) -> Vectors:
        """Open the codes."""
        return Vectors(self.vectors, self.embedding_column, codes=True)

    @property
    def dim(self) -> int:
        """The dimensions of the vectors that they are the codes of; bits are taken to be packed."""
        return self.open().dim * (8 if self.precision in BITS else 1)


def code_files(model: Mapping[str, Any], precision: str, dataset: str, role: str = "corpus") -> CodeFiles:
    """Find the files of a model's codes in one precision; an InputError names what is missing."""
    named, what = model["precisions"][precision], f"precision {precision} of the model"
    codes, ids = find_files(model, role, dataset, named, what)
    columns = [precision, model["embedding_column"]]
    has_npy = any(path.suffix.lower() == ".npy" for path in codes)
    names = columns[1:] if has_npy else open_parquet(codes[0]).schema_arrow.names
    column = next((column for column in columns if column in names), None)
    if column is None:
        raise InputError(f"{codes[0]}: no column {' or '.join(columns)}; write {precision} codes into one of them")
    return CodeFiles(codes, ids, column, model["id_column"], precision)


class PrecomputedCodes(PrecomputedVectors):
    """The codes of rows ``start`` to ``stop`` of a corpus in one precision, in its order."""

    def __init__(self, files: CodeFiles, table: Path, start: int, stop: int, *, dim: int) -> None:
        """Find the position of each row's code; the model's vectors have ``dim`` dimensions."""
        super().__init__(files, table, start, stop, normalize=False)
        precision = self._precision = files.precision
        numbers = self._source.dim
        self.dim = dim
        self._is_unpacked = precision in BITS and numbers == dim > 1
        self._low = 0 if self._is_unpacked or precision in UNSIGNED else -128
        self._high = 1 if self._is_unpacked else self._low + 255
        check_width(self._source.path_of(0), precision, numbers, dim)
        width = -(-dim // 8) if precision in BITS else dim
        kind = pa.uint8() if precision in BITS else pa.int8()
        self.field = pa.field(precision, pa.list_(kind, width))

    def read(self, first: int, last: int) -> np.ndarray:
        """Return the codes of rows ``first`` to ``last``, int8 (rows, dim), or packed bits, uint8 (rows, ⌈dim / 8⌉).

        uint8 codes lose 128, which changes no ranking, and signed bytes of bits get 128 more.
        """
        return self._vectors(*self._window(first, last))

    def _vectors(self, ids: pa.Array, positions: np.ndarray) -> np.ndarray:
        numbers = self._take(ids, positions)
        fits = (numbers == np.rint(numbers)) & (numbers >= self._low) & (numbers <= self._high)
        if not fits.all():
            value = numbers[~fits][0]
            expected = f"whole numbers from {self._low} to {self._high} as {self._precision} codes"
            raise self._bad(ids, positions, ~fits.all(axis=1), f"{value:g} among its values, expected {expected}")
        if self._is_unpacked:
            return np.packbits(numbers.astype(np.uint8), axis=1)
        if self._precision in BITS:
            return (numbers - self._low).astype(np.uint8)
        return (numbers - (self._low + 128)).astype(np.int8)


class CodesAsVectors(PrecomputedCodes):
    """The numbers that codes stand for, where a model has no other vectors: −128 to 127, and ±1 of bits."""

    def _vectors(self, ids: pa.Array, positions: np.ndarray) -> np.ndarray:
        codes = super()._vectors(ids, positions)
        if self._precision in BITS:
            return np.unpackbits(codes, axis=1, count=self.dim).astype(np.float32) * 2 - 1
        return codes.astype(np.float32)

    def _take(self, ids: pa.Array, positions: np.ndarray) -> np.ndarray:
        numbers = super()._take(ids, positions)
        # Only the width of these numbers tells the dimensions: unpacked bits would seem to have eight times as many.
        if self._precision in BITS and ((numbers == 0) | (numbers == 1)).all():
            raise InputError(
                f"{self._source.path_of(int(positions[0]))}: {self._precision} codes that are all 0 or 1, expected "
                "packed bits, as no other vectors tell the dimensions; write np.packbits(codes, axis=1) as ubinary"
            )
        return numbers


def check_width(path: Path, precision: str, width: int, dim: int) -> None:
    """Raise an InputError if codes of so many numbers can't be those of vectors of ``dim`` dimensions."""
    expected = [-(-dim // 8), dim] if precision in BITS else [dim]
    if width not in expected:
        wanted = " or ".join(map(str, dict.fromkeys(expected)))
        raise InputError(
            f"{path}: {precision} codes of {width} numbers, expected {wanted}: the model's vectors have {dim} "
            "dimensions; name the codes of the same vectors"
        )
