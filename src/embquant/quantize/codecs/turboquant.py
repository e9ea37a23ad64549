"""turboquant: fixed levels that suit a normal distribution, perhaps with a sketch of the rest."""

from typing import Literal, Self

import faiss
import numpy as np
from pydantic import Field, model_validator

from embquant.entries import Entry
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.faiss_codes import FaissCodec
from embquant.quantize.extent import Extent

VARIANTS = {"mse": ("SQtqmse", (1, 2, 3, 4, 8)), "prod": ("SQtq", (2, 3, 4, 5))}
"""What FAISS calls a variant, and the bits per dimension that it has."""


class TurboQuantParameters(Entry):
    """The parameters of TurboQuant."""

    bits: int = Field(2, description="bits per dimension: 1, 2, 3, 4 or 8; for `variant: prod` 2, 3, 4 or 5")
    variant: Literal["mse", "prod"] = Field(
        "mse",
        description="`mse`, levels alone, for unit vectors; `prod`, levels of one bit less and a bit of a sketch",
    )

    @model_validator(mode="after")
    def _has_bits(self) -> Self:
        *others, last = VARIANTS[self.variant][1]
        if self.bits not in (*others, last):
            expected = f"{', '.join(map(str, others))} or {last} for variant {self.variant}"
            raise ValueError(f"bits is {self.bits}, expected {expected}")
        return self


class TurboQuant(FaissCodec):
    """Stores, of each dimension of a unit vector, the nearest of the levels with the least squared error.

    Zandieh et al. 2025, "TurboQuant: Online Vector Quantization with Near-optimal Distortion Rate", arXiv:2504.19874;
    FAISS's ``SQtqmse…`` and ``SQtq…``. The levels are fixed: those for a normal distribution of the variance 1 / dim,
    which is what the values of unit vectors that were rotated at random have (``transform: rotation``). Nothing is
    fitted. ``prod`` has levels of one bit less, and adds a sketch of what they leave over, one bit per dimension, and
    two lengths.
    """

    family = "turboquant"
    index_type = faiss.IndexScalarQuantizer
    parameters = TurboQuantParameters

    @classmethod
    def bits(cls, parameters: TurboQuantParameters) -> float:
        """Return the ``bits`` of the parameters."""
        return parameters.bits

    @classmethod
    def code_bytes(cls, parameters: TurboQuantParameters, dim: int) -> int:
        """Return the bytes of the levels; ``prod`` fills them up to whole bytes for each bit, and has two lengths."""
        return (
            super().code_bytes(parameters, dim) if parameters.variant == "mse" else -(-dim // 8) * parameters.bits + 8
        )

    @classmethod
    def obstacle(cls, parameters: TurboQuantParameters, extent: Extent) -> str | None:
        """Say that vectors are far from unit length, or their squares no float32 numbers; None if not."""
        if parameters.variant == "prod":
            return extent.squares_overflow() or extent.squares_vanish()
        if extent.longest and not 0.5 <= extent.longest <= 2:
            return f"vectors are up to {extent.longest:.3g} long; its levels are made for unit length; normalize them"
        return None

    @classmethod
    def learns(cls, parameters: TurboQuantParameters) -> bool:
        """Return False: the levels follow from the dimensions."""
        return False

    @classmethod
    def fit(cls, sample: Batches, parameters: TurboQuantParameters) -> Self:
        """Take the levels for so many dimensions."""
        name = f"{VARIANTS[parameters.variant][0]}{parameters.bits}"
        index = faiss.index_factory(sample.dim, name, faiss.METRIC_INNER_PRODUCT)
        index.train(np.zeros((1, sample.dim), np.float32))
        return cls(index)
