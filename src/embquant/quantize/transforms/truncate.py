"""truncate: the first dimensions alone, as Matryoshka embeddings are cut."""

import numpy as np
from pydantic import Field

from embquant.entries import Entry
from embquant.quantize.batches import Batches
from embquant.quantize.extent import Extent
from embquant.quantize.transforms.base import Transform, TransformKind


class TruncateParameters(Entry):
    """The parameters of truncate."""

    dim: int = Field(description="dimensions kept, the first ones")
    normalize: bool = Field(True, description="give documents unit length again, as cosine similarity wants")


class Truncate(TransformKind):
    """The first dimensions alone, as Matryoshka embeddings are cut."""

    parameters = TruncateParameters
    learns = False

    @classmethod
    def obstacle(cls, parameters: TruncateParameters, extent: Extent) -> str | None:
        """Say that more dimensions are to be kept than there are; None if not."""
        return too_many_dimensions(parameters.dim, extent.dim)

    @classmethod
    def fit(cls, sample: Batches, parameters: TruncateParameters) -> Transform:
        """Return x ↦ the first ``dim`` of x (Kusupati et al. 2022, "Matryoshka Representation Learning")."""
        kept = parameters.dim
        return Transform(np.eye(kept, sample.dim, dtype=np.float32), np.zeros(kept, np.float32), parameters.normalize)

    @classmethod
    def output_dim(cls, parameters: TruncateParameters, dim: int) -> int:
        """Return the dimensions kept."""
        return parameters.dim


def too_many_dimensions(asked: int, available: int) -> str | None:
    """Say that more dimensions are asked for than there are, or none; None if that isn't so."""
    if 1 <= asked <= available:
        return None
    return f"dim is {asked}, expected 1 to {available}, the embedding's dimensions"
