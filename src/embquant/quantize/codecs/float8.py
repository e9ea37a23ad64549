"""float8: floating-point numbers of one byte, the format e4m3."""

import numkong
import numpy as np

from embquant.entries import NoParameters
from embquant.quantize.codecs.base import Family
from embquant.quantize.extent import Extent

GREATEST, LEAST = 448.0, 2.0**-9
"""The greatest number of the format, and the least above 0."""

ENOUGH_QUERIES = 64
"""Queries from which on NumKong is faster if it packs the codes and not the queries."""


class Float8(Family):
    """Stores a sign, four bits of exponent and three of mantissa: four significant bits, 1 byte per dimension.

    Micikevicius et al. 2022, "FP8 Formats for Deep Learning", arXiv:2209.05433, with numbers but no infinities, the
    format that others call ``float8_e4m3fn``. Nothing is fitted: a value becomes the nearest number, of two that are as
    near the one with the even mantissa. An index compares codes with the queries rounded in the same way, as USearch
    does, because NumKong has kernels for that; rescoring takes the queries as they are.
    """

    family = "float8"

    @classmethod
    def bits(cls, parameters: NoParameters) -> float:
        """Return 8."""
        return 8

    @classmethod
    def obstacle(cls, parameters: NoParameters, extent: Extent) -> str | None:
        """Say that a value is beyond the greatest number, or that all become 0; None if not."""
        return extent.outside(LEAST, GREATEST, cls.family)

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """Return uint8 codes (rows, dim)."""
        return np.frombuffer(_rounded(vectors), np.uint8).reshape(vectors.shape)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return float32 (rows, dim), exactly the numbers that the codes are."""
        return np.asarray(numkong.astype(_numbers(codes), "f32"))

    def encode_queries(self, queries: np.ndarray, scoring: str) -> np.ndarray:
        """Return the queries, float32, rounded; values beyond 448 become 448."""
        return self.decode(self.encode(queries))

    def scan(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Multiply numbers of one byte, whose products float32 holds exactly; ``queries`` are rounded."""
        asked, stored = _rounded(queries), _numbers(codes)
        if len(queries) < ENOUGH_QUERIES:
            return np.asarray(numkong.dots_packed(stored, numkong.dots_pack(asked))).T
        return np.asarray(numkong.dots_packed(asked, numkong.dots_pack(stored)))


def _rounded(vectors: np.ndarray) -> numkong.Tensor:
    return numkong.astype(np.ascontiguousarray(vectors), "e4m3")


def _numbers(codes: np.ndarray) -> numkong.Tensor:
    """Return uint8 codes as the numbers that they are, in the same memory."""
    codes = np.ascontiguousarray(codes)
    return numkong.from_pointer(codes.ctypes.data, codes.shape, "e4m3", owner=codes)
