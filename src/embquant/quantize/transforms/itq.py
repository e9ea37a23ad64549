"""itq: the rotation under which the corpus lies nearest to the corners of a cube, as binary codes want it."""

import numpy as np
from pydantic import Field

from embquant.entries import Entry
from embquant.quantize.batches import Batches
from embquant.quantize.extent import Extent
from embquant.quantize.transforms.base import Transform, TransformKind
from embquant.quantize.transforms.rotation import random_rotation


class ItqParameters(Entry):
    """The parameters of itq."""

    training: int = Field(20_000, ge=1, description="number of vectors that the rotation is fitted on")
    iterations: int = Field(50, ge=1, description="rounds of fitting")
    seed: int = Field(0, ge=0, description="draws the training vectors and the first rotation")


class Itq(TransformKind):
    """The rotation under which the corpus lies nearest to the corners of a cube, as binary codes want it."""

    parameters = ItqParameters

    @classmethod
    def obstacle(cls, parameters: ItqParameters, extent: Extent) -> str | None:
        """Say that sums of the training vectors may overflow float32; None if not."""
        return extent.squares_overflow()

    @classmethod
    def fit(cls, sample: Batches, parameters: ItqParameters) -> Transform:
        """Return x ↦ R(x − mean), R orthogonal and, in turn with the corners sign(R(x − mean)), the best for them.

        Gong et al. 2013, "Iterative Quantization: A Procrustean Approach to Learning Binary Codes", without their
        reduction of dimensions, from a random rotation.
        """
        mean = sample.mean()
        centred = sample.draw(parameters.training, parameters.seed) - mean.astype(np.float32)
        rotation = random_rotation(sample.dim, parameters.seed).matrix
        for _ in range(parameters.iterations):
            corners = np.where(centred @ rotation.T > 0, np.float32(1), np.float32(-1))
            left, _, right = np.linalg.svd(corners.T @ centred)
            rotation = left @ right
        return Transform(rotation, (-rotation @ mean).astype(np.float32))
