"""Codes that a model's provider has made of its vectors: matched by id, checked, and written as ours are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from embquant.embedding.precomputed import GivenFiles, PrecomputedVectors, check_vectors
from embquant.embedding.spec import ID_SUFFIXES, VECTOR_SUFFIXES, PrecomputedSpec, for_dataset
from embquant.embedding.vectors import Vectors
from embquant.errors import InputError
from embquant.files.named import require_files
from embquant.files.parquet import open_parquet
from embquant.files.records import note_input

BITS = ("ubinary", "binary")
"""The precisions of one bit per dimension, the first dimension in the most significant bit."""

UNSIGNED = ("uint8", "ubinary")
"""The precisions whose bytes are 0 to 255; those of the others are 128 less, −128 to 127."""


class CodeFiles(GivenFiles):
    """The files of the documents' codes in one precision, and those of their ids."""

    @classmethod
    def of(cls, model: Mapping[str, Any], role: str, dataset: str) -> "CodeFiles":
        """Find the files of the precision ``role``; an InputError names what is missing."""
        named = for_dataset(model["precisions"][role], dataset)
        codes = require_files(named, VECTOR_SUFFIXES, f"precision {role} of the model")
        without = [path for path in codes if path.suffix.lower() == ".npy"]
        if without and not model["ids"]:
            raise InputError(f"{without[0]}: a .npy file carries no ids; name the file of ids in ids")
        wanted = for_dataset(model["ids"], dataset) if without else []
        is_column = not without and role in open_parquet(codes[0]).schema_arrow.names
        column = role if is_column else model["embedding_column"]
        return cls(codes, require_files(wanted, ID_SUFFIXES, "the model's ids"), column, model["id_column"])

    def open(self) -> Vectors:
        """Open the codes."""
        return Vectors(self.vectors, self.embedding_column, codes=True)


class PrecomputedCodes(PrecomputedVectors):
    """The codes of rows ``start`` to ``stop`` of a corpus in one precision, in its order."""

    def __init__(
        self, model: Mapping[str, Any], precision: str, dataset: str, table: Path, start: int, stop: int, *, dim: int
    ) -> None:
        """Find the position of each row's code; the model's vectors have ``dim`` dimensions."""
        super().__init__(model, precision, dataset, table, start, stop)
        self._precision = precision
        self._is_unpacked = precision in BITS and self.dim == dim > 1
        self._low = 0 if self._is_unpacked or precision in UNSIGNED else -128
        self._high = 1 if self._is_unpacked else self._low + 255
        _check_width(self._source.path_of(0), precision, self.dim, dim)
        width = -(-dim // 8) if precision in BITS else dim
        kind = pa.uint8() if precision in BITS else pa.int8()
        self.field = pa.field(precision, pa.list_(kind, width))

    def read(self, first: int, last: int) -> np.ndarray:
        """Return the codes of rows ``first`` to ``last``, int8 (rows, dim), or packed bits, uint8 (rows, ⌈dim / 8⌉).

        uint8 codes lose 128, which changes no ranking, and signed bytes of bits get 128 more.
        """
        return self._vectors(*self._window(first, last))

    @staticmethod
    def _find(model: Mapping[str, Any], role: str, dataset: str) -> GivenFiles:
        return CodeFiles.of(model, role, dataset)

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


def check_files(spec: PrecomputedSpec, datasets: Sequence[str]) -> None:
    """Check that all files exist and hold vectors, or codes; for each dataset, if the paths depend on it."""
    model = spec.model_dump()
    for dataset in datasets if spec.depends_on_dataset() else [""]:
        dim = check_vectors(model, dataset)
        for precision in spec.precisions:
            files = CodeFiles.of(model, precision, dataset)
            _check_width(files.vectors[0], precision, files.open().dim, dim)
            for path in (*files.vectors, *files.ids):
                note_input(path)


def _check_width(path: Path, precision: str, width: int, dim: int) -> None:
    """Raise an InputError if codes of so many numbers can't be those of vectors of ``dim`` dimensions."""
    expected = [-(-dim // 8), dim] if precision in BITS else [dim]
    if width not in expected:
        wanted = " or ".join(map(str, dict.fromkeys(expected)))
        raise InputError(
            f"{path}: {precision} codes of {width} numbers, expected {wanted}: the model's vectors have {dim} "
            "dimensions; name the codes of the same vectors"
        )
