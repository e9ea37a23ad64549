"""truncate: the first dimensions alone, as Matryoshka embeddings are cut."""

import numpy as np
from pydantic import Field

from embquant.entries import Entry
from embquant.errors import InputError
from embquant.quantize.batches import Batches
from embquant.quantize.transforms.base import Transform, TransformKind


class TruncateParameters(Entry):
    """The parameters of truncate."""

    dim: int = Field(description="dimensions kept, the first ones")
    normalize: bool = Field(True, description="give documents unit length again, as cosine similarity wants")


class Truncate(TransformKind):
    """The first dimensions alone, as Matryoshka embeddings are cut."""

    parameters = TruncateParameters

    @classmethod
    def fit(cls, sample: Batches, parameters: TruncateParameters) -> Transform:
        """Return x ↦ the first ``dim`` of x (Kusupati et al. 2022, "Matryoshka Representation Learning")."""
        kept = checked_dim(parameters.dim, sample.dim, "truncate")
        return Transform(np.eye(kept, sample.dim, dtype=np.float32), np.zeros(kept, np.float32), parameters.normalize)

    @classmethod
    def output_dim(cls, parameters: TruncateParameters, dim: int) -> int:
        """Return the dimensions kept."""
        return parameters.dim


def checked_dim(asked: int, available: int, kind: str) -> int:
    """Return ``asked``; more dimensions than there are, or none, is an InputError."""
    if not 1 <= asked <= available:
        raise InputError(f"transform {kind}: dim is {asked}, expected 1 to {available}, the embedding's dimensions")
    return asked
