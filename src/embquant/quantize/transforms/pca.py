"""pca: the directions of greatest variance, as many as asked for."""

from dataclasses import dataclass

import numpy as np

from embquant.quantize.transforms.base import Sample, Transform
from embquant.quantize.transforms.truncate import checked_dim


@dataclass(frozen=True)
class Parameters:
    """``dim``: dimensions kept."""

    dim: int


def fit(sample: Sample, parameters: Parameters) -> Transform:
    """Return x ↦ Vᵀ(x − mean), V the first ``dim`` eigenvectors of the corpus's covariance, greatest variance first."""
    kept = checked_dim(parameters.dim, sample.dim, "pca")
    mean, directions, _ = principal_axes(sample)
    matrix = directions[:kept]
    return Transform(matrix.astype(np.float32), (-matrix @ mean).astype(np.float32))


def principal_axes(sample: Sample) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean (dim,), principal directions as rows (dim, dim) and variances (dim,), all float64, greatest first.

    Each direction's largest coordinate is positive, so that the sign is no accident.
    """
    mean = sample.mean()
    covariance = np.zeros((sample.dim, sample.dim))
    for batch in sample.batches():
        centred = batch - mean
        covariance += centred.T @ centred
    variances, vectors = np.linalg.eigh(covariance / sample.rows)
    directions = vectors.T[::-1]
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    return mean, directions * np.where(largest < 0, -1, 1), np.maximum(variances[::-1], 0)
