"""rotation: a random rotation, which spreads what a few dimensions hold over all of them."""

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from embquant.entries import Entry
from embquant.quantize.batches import Batches
from embquant.quantize.transforms.base import Transform, TransformKind

if TYPE_CHECKING:
    import faiss


class RotationParameters(Entry):
    """The parameters of rotation."""

    seed: int = Field(0, ge=0, description="draws the rotation")


class Rotation(TransformKind):
    """A random rotation, which spreads what a few dimensions hold over all of them."""

    parameters = RotationParameters
    learns = False

    @classmethod
    def fit(cls, sample: Batches, parameters: RotationParameters) -> Transform:
        """Return x ↦ Rx, R orthogonal, drawn uniformly."""
        return random_rotation(sample.dim, parameters.seed)


def random_rotation(dim: int, seed: int) -> Transform:
    """Return FAISS's random rotation of ``dim`` dimensions."""
    import faiss

    rotation = faiss.RandomRotationMatrix(dim, dim)
    rotation.init(seed)
    return from_faiss(rotation)


def from_faiss(linear: "faiss.LinearTransform") -> Transform:
    """Return a trained FAISS transform as ours."""
    import faiss

    matrix = faiss.vector_to_array(linear.A).reshape(linear.d_out, linear.d_in)
    offset = faiss.vector_to_array(linear.b) if linear.have_bias else np.zeros(linear.d_out, np.float32)
    return Transform(matrix, offset)
