"""itq: the rotation under which the corpus lies nearest to the corners of a cube, as binary codes want it."""

from dataclasses import dataclass

import numpy as np

from embquant.entries import check_least
from embquant.quantize.transforms.base import Sample, Transform
from embquant.quantize.transforms.rotation import random_rotation


@dataclass(frozen=True)
class Parameters:
    """``training``: how many vectors, drawn with ``seed``, the rotation is fitted on, in ``iterations``."""

    training: int = 20_000
    iterations: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that can't be meant."""
        check_least(self, training=1, iterations=1, seed=0)


def fit(sample: Sample, parameters: Parameters) -> Transform:
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
