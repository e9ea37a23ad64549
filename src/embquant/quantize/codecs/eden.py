"""eden: 1 to 8 bits per dimension over the steps that suit a normal distribution, and a scale per vector."""

from typing import Self

import faiss
import numpy as np
from pydantic import Field

from embquant.entries import Entry
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.faiss_codes import FaissCodec
from embquant.quantize.extent import Extent

SHORTEST = float(np.sqrt(np.finfo(np.float32).eps))
"""Of what a vector has beyond the mean: FAISS takes a square below this one's for 0."""


class EdenParameters(Entry):
    """The parameters of EDEN."""

    bits: int = Field(2, ge=1, le=8, description="bits per dimension")


class Eden(FaissCodec):
    """Stores the nearest levels v of x − c, with the corpus mean c, and the factor f = ‖x − c‖² / ⟨x − c, v⟩.

    Vargaftik et al. 2022, "EDEN: Communication-Efficient and Robust Distributed Mean Estimation for Federated
    Learning", arXiv:2108.08842; FAISS ``IndexEDEN``. A code stands for c + f·v, whose error is orthogonal to x − c. The
    levels are those with the least squared error for a normal distribution, which is what the values of vectors that
    were rotated at random have (``transform: rotation``).
    """

    family = "eden"
    index_type = faiss.IndexEDEN
    parameters = EdenParameters

    @classmethod
    def bits(cls, parameters: EdenParameters) -> float:
        """Return the ``bits`` of the parameters."""
        return parameters.bits

    @classmethod
    def code_bytes(cls, parameters: EdenParameters, dim: int) -> int:
        """Return the bytes of the levels and of two factors."""
        return super().code_bytes(parameters, dim) + 8

    @classmethod
    def obstacle(cls, parameters: EdenParameters, extent: Extent) -> str | None:
        """Say that distances of vectors from their mean overflow float32, or are zero to FAISS; None if not."""
        if extent.longest and extent.longest <= SHORTEST:
            return (
                f"vectors are at most {extent.longest:.3g} long; FAISS takes what is within {SHORTEST:.3g} of their "
                "mean for the mean; normalize or scale the vectors"
            )
        return extent.squares_overflow()

    @classmethod
    def fit(cls, sample: Batches, parameters: EdenParameters) -> Self:
        """Find the mean of the corpus."""
        index = faiss.index_factory(sample.dim, f"EDEN{parameters.bits}", faiss.METRIC_INNER_PRODUCT)
        index.train(sample.mean().astype(np.float32)[None])
        return cls(index)
