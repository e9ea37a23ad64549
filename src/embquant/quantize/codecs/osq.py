"""osq: steps over an interval of each vector's own, Lucene's and Elasticsearch's optimized scalar quantization."""

from typing import Literal, NamedTuple, Self

import numpy as np
from pydantic import Field

from embquant.entries import Entry
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.base import Estimates, array_of
from embquant.quantize.codecs.intervals import Steps, best_steps
from embquant.quantize.extent import Extent

QUERY_BITS = 4
"""The fewest bits per dimension that an index rounds a query to."""


class OsqParameters(Entry):
    """The parameters of osq."""

    bits: Literal[1, 2, 4, 7] = Field(1, description="bits per dimension")


class Corrections(NamedTuple):
    """What a code has beside its levels, each (rows,)."""

    first: np.ndarray
    """Where the interval begins, float32."""
    step: np.ndarray
    """The step between levels, float32."""
    along: np.ndarray
    """⟨x − c, c⟩, float32."""
    total: np.ndarray
    """The sum of the levels, unsigned."""


class Osq(Estimates):
    """Stores x − c, with the corpus mean c, in equal steps over an interval [a, b] that suits the vector best.

    "Understanding optimized scalar quantization" (Elastic Search Labs, 2024); Lucene's ``OptimizedScalarQuantizer``,
    which is what BBQ in Elasticsearch stores. Behind the levels follow a and b, ⟨x − c, c⟩ and the sum of the levels.
    An estimate is ⟨q − c, x̂ − c⟩ + ⟨q, c⟩ + ⟨x − c, c⟩, in which what the mean contributes is exact. Here queries are
    floats; an index rounds them in the same way, to 4 bits or as many as documents have.
    """

    family = "osq"
    parameters = OsqParameters

    def __init__(self, center: np.ndarray, bits: int) -> None:
        """Take the mean of the corpus, float32 (dim,), and the bits per dimension."""
        super().__init__(len(center))
        self.center = center
        self.levels_bits = bits
        self.query_bits = max(QUERY_BITS, bits)

    @classmethod
    def bits(cls, parameters: OsqParameters) -> float:
        """Return the ``bits`` of the parameters."""
        return parameters.bits

    @classmethod
    def code_bytes(cls, parameters: OsqParameters, dim: int) -> int:
        """Return the bytes of the levels, one each for 7 bits, and of three floats and a sum of 2 or 4 bytes."""
        return levels_bytes(parameters.bits, dim) + 12 + total_bytes(parameters.bits)

    @classmethod
    def obstacle(cls, parameters: OsqParameters, extent: Extent) -> str | None:
        """Say that the sum of levels may not fit, or that squares are no float32 numbers; None if neither."""
        width = total_bytes(parameters.bits)
        most = (256**width - 1) // last_level(parameters.bits)
        if extent.dim > most:
            return (
                f"the sum of its levels has {width} bytes, as in Lucene: at most {most:,} dimensions, "
                f"found {extent.dim:,}"
            )
        return extent.squares_overflow() or extent.squares_vanish()

    @classmethod
    def fit(cls, sample: Batches, parameters: OsqParameters) -> Self:
        """Find the mean of the corpus."""
        return cls(sample.mean().astype(np.float32), parameters.bits)

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """Return uint8 codes (rows, bytes per vector)."""
        steps = self._steps(vectors, self.levels_bits)
        along = np.einsum("nd,d->n", vectors.astype(np.float64) - self.center, self.center.astype(np.float64))
        total = steps.levels.sum(axis=1, dtype=self._total)
        numbers = [np.asarray(value, "<f4") for value in (steps.first, steps.first + steps.step * self._most, along)]
        behind = [np.ascontiguousarray(value)[:, None].view(np.uint8) for value in (*numbers, total)]
        return np.concatenate([packed(steps.levels, self.levels_bits), *behind], axis=1)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return c + a + step · level, float32 (rows, dim)."""
        levels, corrections = self.read(codes)
        return self.center + corrections.first[:, None] + corrections.step[:, None] * levels.astype(np.float32)

    def rounded(self, queries: np.ndarray) -> Steps:
        """Return the queries less the mean, in steps as an index compares them with codes."""
        return self._steps(queries, self.query_bits)

    def read(self, codes: np.ndarray) -> tuple[np.ndarray, Corrections]:
        """Take codes apart: levels, uint8 (rows, dim), and corrections."""
        return unpacked(codes[:, : self.levels_width], self.levels_bits, self.dim), self.corrections(codes)

    def corrections(self, codes: np.ndarray) -> Corrections:
        """Return what lies behind the levels."""
        floats = np.ascontiguousarray(codes[:, self.levels_width : self.levels_width + 12]).view("<f4")
        total = np.ascontiguousarray(codes[:, self.levels_width + 12 :]).view(self._total)[:, 0]
        first, last, along = floats.T
        return Corrections(first, (last - first) / np.float32(self._most), along, total)

    @property
    def levels_width(self) -> int:
        """Bytes of the levels of a code."""
        return levels_bytes(self.levels_bits, self.dim)

    @property
    def _most(self) -> int:
        """The last level."""
        return last_level(self.levels_bits)

    @property
    def _total(self) -> str:
        return f"<u{total_bytes(self.levels_bits)}"

    def _steps(self, vectors: np.ndarray, bits: int) -> Steps:
        return best_steps(vectors.astype(np.float64) - self.center, bits)

    def estimator(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return x̂ (rows, dim) and ⟨x − x̂, c⟩ (rows,), both float32: an estimate is ⟨q, x̂⟩ and the latter."""
        vectors, along = self.decode(codes), self.corrections(codes).along
        return vectors, along - np.einsum("nd,d->n", vectors - self.center, self.center)

    def state(self) -> dict[str, np.ndarray]:
        """Return the mean and the bits."""
        return {"center": self.center, "bits": np.array(self.levels_bits)}

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> Self:
        """Read the mean and the bits."""
        bits = int(array_of(state, "bits", np.int64))
        if bits not in (1, 2, 4, 7):
            raise ValueError(f"bits is {bits}")
        return cls(array_of(state, "center", np.float32, None), bits)


def last_level(bits: int) -> int:
    """Return the last level of so many bits."""
    return (1 << bits) - 1


def total_bytes(bits: int) -> int:
    """Return the bytes of the sum of the levels."""
    return 4 if bits == 7 else 2


def levels_bytes(bits: int, dim: int) -> int:
    """Return the bytes of the levels of ``dim`` dimensions, as :func:`packed` packs them."""
    return {1: -(-dim // 8), 2: 2 * -(-dim // 8), 4: -(-dim // 2), 7: dim}[bits]


def packed(levels: np.ndarray, bits: int) -> np.ndarray:
    """Pack levels, uint8 (rows, dim): of 1 or 2 bits as planes of bits, the lowest first; of 4 bits two to a byte."""
    if bits == 7:
        return levels
    if bits == 4:
        halves = np.pad(levels, ((0, 0), (0, levels.shape[1] % 2)))
        return halves[:, ::2] | halves[:, 1::2] << 4
    return np.concatenate([np.packbits(levels >> plane & 1, axis=1) for plane in range(bits)], axis=1)


def unpacked(codes: np.ndarray, bits: int, dim: int) -> np.ndarray:
    """Return the levels that :func:`packed` packed."""
    if bits == 7:
        return codes
    if bits == 4:
        return np.stack([codes & 15, codes >> 4], axis=2).reshape(len(codes), -1)[:, :dim]
    planes = [np.unpackbits(plane, axis=1, count=dim) for plane in np.split(codes, bits, axis=1)]
    return planes[0] if bits == 1 else planes[0] | planes[1] << 1
