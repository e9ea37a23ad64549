"""center and pca: the mean of the corpus becomes the origin, the directions of greatest variance the axes."""

import numpy as np
from pydantic import Field

from embquant.entries import Entry, NoParameters
from embquant.quantize.batches import Batches
from embquant.quantize.extent import Extent
from embquant.quantize.transforms.base import Transform, TransformKind
from embquant.quantize.transforms.truncate import too_many_dimensions


class Center(TransformKind):
    """The mean of the corpus becomes the origin."""

    @classmethod
    def fit(cls, sample: Batches, parameters: NoParameters) -> Transform:
        """Return x ↦ x − mean."""
        return Transform(np.eye(sample.dim, dtype=np.float32), -sample.mean().astype(np.float32))


class PcaParameters(Entry):
    """The parameters of pca."""

    dim: int = Field(description="dimensions kept")


class Pca(TransformKind):
    """The directions of greatest variance, as many as asked for."""

    parameters = PcaParameters

    @classmethod
    def obstacle(cls, parameters: PcaParameters, extent: Extent) -> str | None:
        """Say that there are fewer dimensions or vectors than directions are asked for; None if there aren't."""
        if reason := too_many_dimensions(parameters.dim, extent.dim):
            return reason
        if parameters.dim > extent.documents:
            return f"dim is {parameters.dim}, but {extent.documents} vectors have no more directions than vectors"
        return None

    @classmethod
    def fit(cls, sample: Batches, parameters: PcaParameters) -> Transform:
        """Return x ↦ Vᵀ(x − mean), V the first ``dim`` eigenvectors of the covariance, by descending variance."""
        mean, directions, _ = principal_axes(sample)
        matrix = directions[: parameters.dim]
        return Transform(matrix.astype(np.float32), (-matrix @ mean).astype(np.float32))

    @classmethod
    def output_dim(cls, parameters: PcaParameters, dim: int) -> int:
        """Return the dimensions kept."""
        return parameters.dim


def principal_axes(sample: Batches) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean (dim,), principal directions as rows (dim, dim) and variances (dim,), all float64, greatest first.

    Each direction's largest coordinate is positive, so that the sign is no accident.
    """
    mean = sample.mean()
    covariance = np.zeros((sample.dim, sample.dim))
    for batch in sample:
        centred = batch - mean
        covariance += centred.T @ centred
    variances, vectors = np.linalg.eigh(covariance / sample.rows)
    directions = vectors.T[::-1]
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    return mean, directions * np.where(largest < 0, -1, 1), np.maximum(variances[::-1], 0)
