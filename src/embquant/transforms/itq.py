"""itq: the rotation under which the corpus lies nearest to the corners of a cube, as binary codes want it."""

from dataclasses import dataclass

import faiss
import numpy as np

from embquant.spec import check_least
from embquant.transforms.base import Sample, Transform
from embquant.transforms.rotation import from_faiss


@dataclass(frozen=True)
class Parameters:
    """``training``: how many vectors, drawn with ``seed``, the rotation is fitted on."""

    training: int = 50_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that can't be meant."""
        check_least(self, training=1, seed=0)


def fit(sample: Sample, parameters: Parameters) -> Transform:
    """Return x ↦ R(x − mean) with R found by FAISS's ``ITQMatrix`` (50 iterations).

    Gong et al. 2013, "Iterative Quantization: A Procrustean Approach to Learning Binary Codes", without their
    reduction of dimensions.
    """
    mean = sample.mean()
    rotation = faiss.ITQMatrix(sample.dim)
    rotation.train(sample.draw(parameters.training, parameters.seed) - mean.astype(np.float32))
    learned = from_faiss(rotation)
    return Transform(learned.matrix, (-learned.matrix @ mean).astype(np.float32))
