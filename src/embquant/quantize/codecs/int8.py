"""int8: 256 equal steps over the range of each dimension, or over the same fixed range in all."""

from typing import Literal, Self

import numkong
import numpy as np
from pydantic import Field, model_validator

from embquant.entries import Entry, NoParameters
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.base import Family, array_of
from embquant.quantize.codecs.ranges import RangeParameters, fit_ranges, range_obstacle
from embquant.quantize.extent import Extent

LEVELS = 256

GREATEST = 127
"""The greatest number of a signed byte."""

DIGITS = np.array([1, 256, 65536])
"""What the int8 digits of a number stand for, the lowest first."""

LARGEST_DIGITS = GREATEST * int(DIGITS.sum())
"""The largest number that three such digits write."""


class Int8Parameters(RangeParameters):
    """The parameters of int8."""

    codes: Literal["int8", "uint8"] | None = Field(
        None, description="the provider's codes, a name of the model's `precisions`; null: codes are made here"
    )

    @model_validator(mode="after")
    def _check_codes(self) -> Self:
        if self.codes and (needless := sorted(self.model_fields_set - {"codes"})):
            raise ValueError(f"{needless[0]} is of codes that are made here, but the provider's are read; leave it out")
        return self


class _Bytes(Family):
    """Stores one byte per dimension; a code c stands for x ≈ z + s·c.

    In an index a query is compared with codes in one of two ways. ``asymmetric``: by ⟨q, z + s∘c⟩ =
    ⟨q∘s, c⟩ + ⟨q, z⟩ the scale is folded into the query, whose second term changes no ranking; q∘s is
    quantized to int8 symmetrically, so that the scan stays int8 by int8. ``symmetric``: the query's code with
    the documents' codes, which ignores scale and zero point, as most scripts do.
    """

    _step: np.ndarray
    """s, float32 (dim,)."""
    _middle: np.ndarray
    """z, float32 (dim,)."""

    @classmethod
    def bits(cls, parameters: Entry) -> float:
        """Return 8."""
        return 8

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return z + s·c, float32 (rows, dim)."""
        return codes * self._step + self._middle

    def encode_queries(self, queries: np.ndarray, scoring: str) -> np.ndarray:
        """Return int8 (rows, dim): the folded, requantized query, or its code (``symmetric``)."""
        if scoring == "symmetric":
            return self.encode(queries)
        folded = _near_one(queries) * _near_one(self._step)
        largest = np.abs(folded).max(axis=1, keepdims=True)
        return np.rint(folded * (GREATEST / np.where(largest == 0, 1, largest))).astype(np.int8)

    def score(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Inner products of queries with dequantized codes.

        The folded query is rounded to 24 bits of its largest coordinate, which changes a unit score by about 10⁻⁸,
        and written as three int8 digits: three exact products of bytes with bytes, by kernels that are several times
        as fast as those of floats. Whole numbers are written as they are.
        """
        folded = queries.astype(np.float64) * self._step
        largest = np.abs(folded).max(axis=1)
        is_whole = (folded == np.rint(folded)).all(axis=1) & (largest <= LARGEST_DIGITS)
        units = np.where(is_whole, 1, largest / LARGEST_DIGITS)
        digits = _digits(np.rint(folded / units[:, None]).astype(np.int64))
        products = np.empty((*codes.shape[:2], len(DIGITS)), np.int64)
        for query, candidates, product in zip(digits, codes, products, strict=True):
            packed = numkong.dots_pack(query, dtype="int8")
            product[:] = numkong.dots_packed(np.ascontiguousarray(candidates), packed)
        scores = (products @ DIGITS) * units[:, None]
        return scores + np.einsum("qd,d->q", queries.astype(np.float64), self._middle)[:, None]


class Int8(_Bytes):
    """Stores one byte per dimension: ``clip(⌊(x − start) / step⌋, 0, 255) − 128``, ``step = (max − min) / 255``.

    Bit for bit what sentence-transformers' ``quantize_embeddings(…, precision="int8", ranges=…)`` returns. A
    code c stands for the middle of its step, x ≈ z + s·c with s = step and z = start + 128.5 · step.

    A provider's ``codes`` are read instead. They stand for s·c with a scale that nobody tells, the same in all
    dimensions, so that it changes no ranking: it is taken as 1/127 of the greatest absolute value. Where the vectors
    are whole numbers of a signed byte, they are such codes themselves, and s is 1.
    """

    family = "int8"
    scorings = ("asymmetric", "symmetric")
    exact_scoring = "symmetric"
    parameters = Int8Parameters

    def __init__(self, ranges: np.ndarray) -> None:
        """Take the ranges, float32 (2, dim): least and greatest value of each dimension."""
        self.ranges = np.ascontiguousarray(ranges, dtype=np.float32)
        super().__init__(self.ranges.shape[1])
        self._start = self.ranges[0]
        self._step = (self.ranges[1] - self._start) / (LEVELS - 1)
        self._middle = self._start + (LEVELS // 2 + 0.5) * self._step

    @classmethod
    def learns(cls, parameters: Int8Parameters) -> bool:
        """Tell whether ranges are found: a provider's codes stay what they are."""
        return parameters.codes is None

    @classmethod
    def precision(cls, parameters: Int8Parameters) -> str | None:
        """Return the name of the provider's codes, if these are read."""
        return parameters.codes

    @classmethod
    def obstacle(cls, parameters: Int8Parameters, extent: Extent) -> str | None:
        """Say that a range or its steps are no float32 numbers; None if they are."""
        return range_obstacle(extent, LEVELS)

    @classmethod
    def fit(cls, sample: Batches, parameters: Int8Parameters) -> Self:
        """Take each dimension's range."""
        ranges = fit_ranges(sample, parameters)
        if parameters.codes is None:
            return cls(ranges)
        greatest = np.abs(ranges).max()
        are_codes = greatest <= LEVELS // 2 and all(np.array_equal(batch, np.rint(batch)) for batch in sample)
        # Rounded to the nearest step, 0 in the middle of one.
        ends = np.array([[-LEVELS // 2 - 0.5], [LEVELS // 2 - 1.5]]) * (1 if are_codes else greatest / GREATEST)
        return cls(np.repeat(ends, sample.dim, axis=1).astype(np.float32))

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """Return int8 codes (rows, dim)."""
        # In a constant dimension any step will do: the code is constant, too.
        levels = (vectors - self._start) / np.where(self._step == 0, 1, self._step)
        np.floor(levels, out=levels)
        np.clip(levels, 0, LEVELS - 1, out=levels)
        levels -= LEVELS // 2
        return levels.astype(np.int8)

    def clipped(self, vectors: np.ndarray) -> int:
        """Count the values outside of the ranges."""
        return int(np.count_nonzero((vectors < self.ranges[0]) | (vectors > self.ranges[1])))

    def state(self) -> dict[str, np.ndarray]:
        """Return the ranges."""
        return {"ranges": self.ranges}

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> Self:
        """Read the ranges."""
        return cls(array_of(state, "ranges", np.float32, 2, None))


class UnitInt8(_Bytes):
    """Stores 127·x without its fraction, whatever the values are: for vectors of unit length, and fitted to nothing.

    Bit for bit what USearch makes of unit vectors (``Index(dtype="i8")``). sqlite-vec's
    ``vec_quantize_int8(vector, 'unit')`` stores 127.5·x − 0.5 without its fraction. Both compare codes with codes
    (``symmetric``). ``asymmetric`` rounds a query to 127 steps of its own largest value.
    """

    family = "unit-int8"
    scorings = ("symmetric", "asymmetric")

    def __init__(self, dim: int) -> None:
        """Take vectors of ``dim`` dimensions."""
        super().__init__(dim)
        self._step = np.full(dim, 1 / GREATEST, np.float32)
        self._middle = np.zeros(dim, np.float32)

    @classmethod
    def obstacle(cls, parameters: NoParameters, extent: Extent) -> str | None:
        """Say that a value is beyond the range, or that all become 0; None if not."""
        return extent.outside(1 / GREATEST, 1, cls.family)

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """Return int8 codes (rows, dim)."""
        return np.clip(vectors * np.float32(GREATEST), -GREATEST, GREATEST).astype(np.int8)


def _near_one(values: np.ndarray) -> np.ndarray:
    """Multiply ``values``, float32 (…, dim), by powers of two, which are exact: products don't leave float32 then."""
    _, exponents = np.frexp(np.abs(values).max(axis=-1, keepdims=True))
    return np.asarray(np.ldexp(values, -exponents))


def _digits(numbers: np.ndarray) -> np.ndarray:
    """Write int64 ``numbers`` (queries, dim), at most LARGEST_DIGITS, as int8 digits (queries, 3, dim)."""
    digits = np.empty((len(numbers), len(DIGITS), numbers.shape[1]), np.int8)
    for place in range(len(DIGITS)):
        digits[:, place] = numbers  # wraps to the signed remainder
        numbers = (numbers - digits[:, place]) >> 8
    return digits
