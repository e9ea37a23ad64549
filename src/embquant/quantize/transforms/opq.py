"""opq: the rotation under which a product quantizer loses least."""

from dataclasses import dataclass

import faiss
import numpy as np

from embquant.entries import check_least
from embquant.errors import InputError
from embquant.quantize.transforms.base import Sample, Transform
from embquant.quantize.transforms.rotation import from_faiss

CENTROIDS = 256
"""Of a subspace, while FAISS looks for the rotation, and so the fewest vectors that it can be found on."""


@dataclass(frozen=True)
class Parameters:
    """``pieces``: subspaces of the quantizer that follows; ``training``: vectors, drawn with ``seed``, it is fitted on;
    ``iterations``: alternations between rotation and codebooks."""

    pieces: int
    training: int = 20_000
    seed: int = 0
    iterations: int = 20

    def __post_init__(self) -> None:
        """Refuse numbers that can't be meant."""
        check_least(self, pieces=1, training=CENTROIDS, seed=0, iterations=1)


def fit(sample: Sample, parameters: Parameters) -> Transform:
    """Return x ↦ R(x − mean), R by FAISS's ``OPQMatrix`` (Ge et al. 2013, "Optimized Product Quantization")."""
    if sample.dim % parameters.pieces:
        raise InputError(f"transform opq: {sample.dim} dimensions can't be cut into {parameters.pieces} equal pieces")
    if sample.rows < CENTROIDS:
        raise InputError(f"transform opq: needs at least {CENTROIDS} vectors, the corpus has {sample.rows}")
    mean = sample.mean()
    rotation = faiss.OPQMatrix(sample.dim, parameters.pieces)
    rotation.niter = parameters.iterations
    rotation.train(sample.draw(parameters.training, parameters.seed) - mean.astype(np.float32))
    learned = from_faiss(rotation)
    return Transform(learned.matrix, (-learned.matrix @ mean).astype(np.float32))
