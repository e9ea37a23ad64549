"""scaled-int8: one byte per dimension and a scale of each vector's own."""

import numkong
import numpy as np

from embquant.entries import NoParameters
from embquant.quantize.codecs.base import Family
from embquant.quantize.extent import GREATEST, LEAST, Extent

STEPS = 127
"""Steps between 0 and a vector's largest value."""

ENOUGH_QUERIES = 64
"""Queries from which on NumKong is faster if it packs the codes and not the queries."""

SCALE_BYTES = 4
"""Bytes of the scale at the end of each code, float32."""


class ScaledInt8(Family):
    """Stores c = x / s, rounded, and s = max |x| / 127: dim + 4 bytes per vector. A code stands for s·c.

    Nothing is fitted: a vector's code depends on the vector alone. The queries of a search are rounded in the same way,
    so that the scan multiplies bytes by bytes; rescoring takes them as they are.
    """

    family = "scaled-int8"

    @classmethod
    def bits(cls, parameters: NoParameters) -> float:
        """Return 8."""
        return 8

    @classmethod
    def code_bytes(cls, parameters: NoParameters, dim: int) -> int:
        """Return the bytes of the dimensions and of the scale."""
        return dim + SCALE_BYTES

    @classmethod
    def obstacle(cls, parameters: NoParameters, extent: Extent) -> str | None:
        """Say that no scale is a float32 number with all its digits; None if one is."""
        return extent.outside(LEAST * STEPS, GREATEST, f"{STEPS} steps of float32")

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """Return uint8 codes (rows, dim + 4)."""
        largest = np.abs(vectors).max(axis=1, keepdims=True).astype(np.float64)
        steps = np.rint(vectors * (STEPS / np.where(largest == 0, 1, largest))).astype(np.int8)
        return np.concatenate([steps.view(np.uint8), (largest / STEPS).astype("<f4").view(np.uint8)], axis=1)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return s·c, float32 (rows, dim)."""
        steps, scales = self._read(codes)
        return steps * scales[:, None]

    def encode_queries(self, queries: np.ndarray, scoring: str) -> np.ndarray:
        """Return the queries, float32, rounded."""
        return self.decode(self.encode(queries))

    def scan(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Multiply bytes, then their sums by the scales; ``queries`` are rounded."""
        asked, lengths = self._read(self.encode(queries))
        steps, scales = self._read(codes)
        if len(queries) < ENOUGH_QUERIES:
            products = np.asarray(numkong.dots_packed(steps, numkong.dots_pack(asked, dtype="int8"))).T
        else:
            products = np.asarray(numkong.dots_packed(asked, numkong.dots_pack(steps, dtype="int8")))
        return products.astype(np.float32) * scales * lengths[:, None]

    def _read(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return c, int8 (rows, dim), in the same memory, and s, float32 (rows,)."""
        scales = np.ascontiguousarray(codes[:, self.dim :]).view("<f4")[:, 0]
        return codes[:, : self.dim].view(np.int8), scales
