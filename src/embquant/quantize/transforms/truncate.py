"""truncate: the first dimensions alone, as Matryoshka embeddings are cut."""

from dataclasses import dataclass

import numpy as np

from embquant.errors import InputError
from embquant.quantize.transforms.base import Sample, Transform


@dataclass(frozen=True)
class Parameters:
    """``dim``: dimensions kept; ``normalize``: whether documents get unit length again, as cosine similarity wants."""

    dim: int
    normalize: bool = True


def fit(sample: Sample, parameters: Parameters) -> Transform:
    """Return x ↦ the first ``dim`` of x (Kusupati et al. 2022, "Matryoshka Representation Learning")."""
    kept = checked_dim(parameters.dim, sample.dim, "truncate")
    return Transform(np.eye(kept, sample.dim, dtype=np.float32), np.zeros(kept, np.float32), parameters.normalize)


def checked_dim(asked: int, available: int, kind: str) -> int:
    """Return ``asked``; more dimensions than there are, or none, is an InputError."""
    if not 1 <= asked <= available:
        raise InputError(f"transform {kind}: dim is {asked}, expected 1 to {available}, the embedding's dimensions")
    return asked
