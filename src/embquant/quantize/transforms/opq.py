"""opq: the rotation under which a product quantizer loses least."""

import faiss
import numpy as np
from pydantic import Field

from embquant.entries import Entry
from embquant.quantize.batches import Batches
from embquant.quantize.extent import Extent
from embquant.quantize.transforms.base import Transform, TransformKind
from embquant.quantize.transforms.rotation import from_faiss

CENTROIDS = 256
"""Of a subspace, while FAISS looks for the rotation, and so the fewest vectors that it can be found on."""


class OpqParameters(Entry):
    """The parameters of opq."""

    pieces: int = Field(ge=1, description="number of pieces of the quantizer that follows")
    training: int = Field(20_000, ge=CENTROIDS, description="number of vectors that the rotation is fitted on")
    seed: int = Field(0, ge=0, description="draws the training vectors")
    iterations: int = Field(20, ge=1, description="rounds; each fits a rotation and a codebook")


class Opq(TransformKind):
    """The rotation under which a product quantizer loses least."""

    parameters = OpqParameters

    @classmethod
    def obstacle(cls, parameters: OpqParameters, extent: Extent) -> str | None:
        """Say that pieces are unequal, vectors too few, or their distances no float32 numbers; None if not."""
        if extent.dim % parameters.pieces:
            return f"{extent.dim} dimensions can't be cut into {parameters.pieces} equal pieces"
        if extent.documents < CENTROIDS:
            return f"needs at least {CENTROIDS} vectors, the corpus has {extent.documents}"
        return extent.squares_overflow() or extent.squares_vanish()

    @classmethod
    def fit(cls, sample: Batches, parameters: OpqParameters) -> Transform:
        """Return x ↦ R(x − mean), R by FAISS's ``OPQMatrix`` (Ge et al. 2013, "Optimized Product Quantization")."""
        mean = sample.mean()
        rotation = faiss.OPQMatrix(sample.dim, parameters.pieces)
        rotation.niter = parameters.iterations
        rotation.train(sample.draw(parameters.training, parameters.seed) - mean.astype(np.float32))
        learned = from_faiss(rotation)
        return Transform(learned.matrix, (-learned.matrix @ mean).astype(np.float32))
