"""rabitq: 1 to 8 bits per dimension and factors that make the estimate of an inner product unbiased."""

from typing import Self

import faiss
import numpy as np
from pydantic import Field

from embquant.entries import Entry
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.base import Estimates
from embquant.quantize.codecs.faiss_codes import FaissCodec
from embquant.quantize.extent import Extent


class RaBitQParameters(Entry):
    """The parameters of RaBitQ."""

    bits: int = Field(1, ge=1, le=8, description="bits per dimension")


class RaBitQ(Estimates, FaissCodec):
    """FAISS's RaBitQ: an estimate is ⟨q, x̃⟩ + o, with a vector x̃ and an offset o per document.

    Here queries are floats; an index may round them.

    Gao and Long 2024, "RaBitQ: Quantizing High-Dimensional Vectors with a Theoretical Error Bound for Approximate
    Nearest Neighbor Search"; with several bits, Gao et al. 2025, "Practical and Asymptotically Optimal Quantization
    of High-Dimensional Vectors in Euclidean Space for Approximate Nearest Neighbor Search". Both expect
    vectors that were rotated at random (``transform: rotation``); FAISS centres them itself.
    """

    family = "rabitq"
    index_type = faiss.IndexRaBitQ
    parameters = RaBitQParameters

    def __init__(self, index: faiss.IndexRaBitQ) -> None:
        """Take a trained, empty index."""
        super().__init__(index)
        self._bits: int = index.rabitq.nb_bits
        self._center = faiss.vector_to_array(index.center)

    @classmethod
    def bits(cls, parameters: RaBitQParameters) -> float:
        """Return the ``bits`` of the parameters."""
        return parameters.bits

    @classmethod
    def code_bytes(cls, parameters: RaBitQParameters, dim: int) -> int:
        """Return the bytes of signs, further bits and factors; FAISS has two factors for 1 bit, five for more."""
        signs, further = -(-dim // 8), -(-dim * (parameters.bits - 1) // 8)
        return signs + (8 if parameters.bits == 1 else further + 20)

    @classmethod
    def obstacle(cls, parameters: RaBitQParameters, extent: Extent) -> str | None:
        """Say that distances of vectors from their mean are no float32 numbers; None if they are."""
        return extent.squares_overflow() or extent.squares_vanish()

    @classmethod
    def fit(cls, sample: Batches, parameters: RaBitQParameters) -> Self:
        """Find the mean of the corpus."""
        index = faiss.IndexRaBitQ(sample.dim, faiss.METRIC_INNER_PRODUCT, parameters.bits)
        index.train(sample.mean().astype(np.float32)[None])
        return cls(index)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return x̃, float32 (rows, dim)."""
        steps, factors = self._read(codes)
        return self._center + factors[:, 1:] * steps

    def estimator(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return x̃ = c + f·v (rows, dim) and o = a − f·⟨v, c⟩ (rows,): an estimate is ⟨q, c⟩ + f·⟨q − c, v⟩ + a."""
        steps, factors = self._read(codes)
        vectors = self._center + factors[:, 1:] * steps
        return vectors, factors[:, 0] - factors[:, 1] * np.einsum("nd,d->n", steps, self._center)

    def _read(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take FAISS's codes apart: v (rows, dim), odd multiples of ½, and the factors a and f (rows, 2), float32.

        A code is the signs, least significant bit first; ‖x − c‖² − ‖x‖² and a multiplier as float32. With several
        bits per dimension follow an error bound, the lower bits of all dimensions, and a and f themselves.
        """
        signs = -(-self.dim // 8)
        levels = np.unpackbits(codes[:, :signs], axis=1, count=self.dim, bitorder="little").astype(np.float32)
        if self._bits == 1:
            base, multiplier = _floats(codes[:, signs:]).T
            factors = [-(base + self._center @ self._center) / 2, multiplier * np.float32(2 / np.sqrt(self.dim))]
            return levels - np.float32(0.5), np.stack(factors, axis=1)
        lower = self._bits - 1
        rest = np.unpackbits(codes[:, signs + 12 : -8], axis=1, count=self.dim * lower, bitorder="little")
        levels = levels * (1 << lower) + rest.reshape(len(codes), self.dim, lower) @ (1 << np.arange(lower))
        return (levels - ((1 << self._bits) - 1) / 2).astype(np.float32), _floats(codes[:, -8:])


def _floats(codes: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(codes).view("<f4")
