"""rotation: a random rotation, which spreads what a few dimensions hold over all of them."""

from dataclasses import dataclass

import faiss
import numpy as np

from embquant.entries import check_least
from embquant.quantize.transforms.base import Sample, Transform


@dataclass(frozen=True)
class Parameters:
    """``seed`` of the rotation."""

    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a seed that FAISS can't take."""
        check_least(self, seed=0)


def fit(sample: Sample, parameters: Parameters) -> Transform:
    """Return x ↦ Rx, R orthogonal, drawn uniformly."""
    return random_rotation(sample.dim, parameters.seed)


def random_rotation(dim: int, seed: int) -> Transform:
    """Return FAISS's random rotation of ``dim`` dimensions."""
    rotation = faiss.RandomRotationMatrix(dim, dim)
    rotation.init(seed)
    return from_faiss(rotation)


def from_faiss(linear: faiss.LinearTransform) -> Transform:
    """Return a trained FAISS transform as ours."""
    matrix = faiss.vector_to_array(linear.A).reshape(linear.d_out, linear.d_in)
    offset = faiss.vector_to_array(linear.b) if linear.have_bias else np.zeros(linear.d_out, np.float32)
    return Transform(matrix, offset)
