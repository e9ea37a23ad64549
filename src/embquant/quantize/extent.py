"""How many vectors there are and how large their values are: what decides whether a codec can be fitted on them."""

from dataclasses import dataclass
from math import inf, sqrt
from typing import Self

import numpy as np

from embquant.quantize.batches import Batches

GREATEST, LEAST = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)
"""The greatest float32 number, and the least above 0 that has all its digits."""


@dataclass(frozen=True)
class Extent:
    """A number of vectors, their dimensions, and the size of their values.

    ``largest`` is the greatest absolute value, ``longest`` and ``shortest`` are the greatest and the least length; None
    before there are vectors.
    ``seen`` is the number of vectors that something is fitted on; None stands for all of them.
    """

    documents: int
    dim: int
    largest: float | None = None
    longest: float | None = None
    seen: int | None = None
    shortest: float | None = None

    @property
    def fitted_on(self) -> int:
        """The number of vectors that something is fitted on."""
        return self.documents if self.seen is None else self.seen

    @classmethod
    def of(cls, sample: Batches) -> Self:
        """Measure the vectors ``sample``."""
        largest, squared, least = 0.0, 0.0, inf
        for batch in sample:
            squares = np.einsum("nd,nd->n", batch, batch, dtype=np.float64)
            largest = float(np.maximum(largest, np.abs(batch).max(initial=0)))  # NaN stays NaN
            squared = float(np.maximum(squared, squares.max(initial=0)))
            least = float(np.minimum(least, squares.min(initial=inf)))
        seen = None if sample.seen is None else sample.sample.rows
        return cls(sample.rows, sample.dim, largest, sqrt(squared), seen, sqrt(least))

    def beyond_float32(self) -> str | None:
        """Say that inner products overflow float32; None if they don't."""
        if self.longest is None or self.longest <= GREATEST:
            return None
        return f"vectors are up to {self.longest:.3g} long; inner products overflow float32 beyond {GREATEST:.3g}"

    def squares_overflow(self) -> str | None:
        """Say that squared distances between vectors overflow float32; None if they don't."""
        limit = sqrt(GREATEST) / 2
        if self.longest is None or self.longest <= limit:
            return None
        return (
            f"vectors are up to {self.longest:.3g} long; squared distances overflow float32 beyond {limit:.3g}; "
            "normalize or scale the vectors"
        )

    def squares_vanish(self) -> str | None:
        """Say that squared distances between vectors are too small for float32; None if they aren't."""
        limit = sqrt(self.dim * LEAST)
        if not self.longest or self.longest >= limit:
            return None
        return (
            f"vectors are at most {self.longest:.3g} long; squared distances vanish in float32 below {limit:.3g}; "
            "normalize or scale the vectors"
        )

    def lengths_differ(self) -> str | None:
        """Say that vectors are of different lengths, so that the nearest need not have the greatest product."""
        if self.longest is None or self.shortest is None or self.longest - self.shortest <= 1e-3 * self.longest:
            return None
        return (
            f"vectors are {self.shortest:.3g} to {self.longest:.3g} long, and it has no inner product; normalize them"
        )

    def outside(self, least: float, greatest: float, what: str) -> str | None:
        """Say that the largest value is above ``greatest``, or lies below ``least``; ``what`` has these limits."""
        if self.largest is not None and self.largest > greatest:
            return f"values of up to {self.largest:.3g} are beyond {greatest:.6g}, the greatest that {what} holds"
        if self.largest and self.largest < least:
            return f"no value is above {self.largest:.3g}; {what} holds none below {least:.3g}"
        return None
