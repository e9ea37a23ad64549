"""allocation: principal axes, in groups that deserve equally many bits, for a product quantizer to follow."""

import numpy as np
from pydantic import Field

from embquant.entries import Entry
from embquant.quantize.batches import Batches
from embquant.quantize.extent import Extent
from embquant.quantize.transforms.base import Transform, TransformKind
from embquant.quantize.transforms.pca import principal_axes

EXPONENT = 1.5
"""2 would share bits by the squared error of scores where queries vary as documents do, 1 by that of vectors."""


class AllocationParameters(Entry):
    """The parameters of allocation."""

    pieces: int = Field(ge=1, description="number of pieces of the quantizer that follows")
    bits: int = Field(8, ge=1, description="bits per piece of that quantizer")


class Allocation(TransformKind):
    """Principal axes, in groups that deserve equally many bits, for a product quantizer to follow."""

    parameters = AllocationParameters

    @classmethod
    def obstacle(cls, parameters: AllocationParameters, extent: Extent) -> str | None:
        """Say that there are fewer dimensions or vectors than pieces; None if there aren't."""
        if parameters.pieces > extent.dim:
            return f"{extent.dim} dimensions can't fill {parameters.pieces} pieces"
        if parameters.pieces > extent.documents:
            return f"{extent.documents} vectors have too few axes to fill {parameters.pieces} pieces"
        return None

    @classmethod
    def output_dim(cls, parameters: AllocationParameters, dim: int) -> int:
        """Return as many dimensions, filled up to whole pieces: how wide groups are is known once they are dealt."""
        return -(-dim // parameters.pieces) * parameters.pieces

    @classmethod
    def fit(cls, sample: Batches, parameters: AllocationParameters) -> Transform:
        """Return x ↦ the principal coordinates of x, grouped, each group filled up with zeros to the widest one's size.

        Bits go to an axis by reverse water-filling over variance^EXPONENT (Cover and Thomas, "Elements of Information
        Theory", theorem 10.3.3; for search, Brandt 2010, "Transform coding for fast approximate nearest neighbor
        search in high dimensions"). Axes that deserve none are left out. Those that vary most and have half of the
        bits fill half of the groups, the others the other half (:func:`dealt`).
        """
        mean, directions, variances = principal_axes(sample)
        groups = dealt(bits_of_axes(variances**EXPONENT, parameters.pieces * parameters.bits), parameters.pieces)
        width = max(map(len, groups))
        matrix = np.zeros((parameters.pieces * width, sample.dim))
        for piece, axes in enumerate(groups):
            matrix[piece * width : piece * width + len(axes)] = directions[axes]
        return Transform(matrix.astype(np.float32), (-matrix @ mean).astype(np.float32))


def bits_of_axes(weights: np.ndarray, bits: float) -> np.ndarray:
    """Share ``bits`` out among axes of descending ``weights``: ½·log₂(weight / level) where that is positive."""
    positive = weights[weights > weights[0] * 1e-12] if weights[0] > 0 else weights[:1] + 1
    logs = np.log2(positive)
    levels = (np.cumsum(logs) - 2 * bits) / np.arange(1, len(logs) + 1)  # log₂ of the level if so many axes get bits
    active = np.flatnonzero(logs > levels)[-1] + 1
    shares = np.zeros(len(weights))
    shares[:active] = (logs[:active] - levels[active - 1]) / 2
    return shares


def dealt(bits: np.ndarray, pieces: int) -> list[np.ndarray]:
    """Deal the axes out to ``pieces`` groups with about equal sums of ``bits``, which descend; a group may be empty.

    In either half the next axis goes to the group with the fewest bits, so that each has axes of many and of few
    bits: 256 centroids then fill four or five dimensions instead of two, or thirty, where they fill space less well.
    """
    axes = np.flatnonzero(bits)
    middles = np.cumsum(bits[axes]) - bits[axes] / 2
    first = -(-pieces // 2)
    in_first = middles * pieces <= first * bits.sum()
    halves = [(axes[in_first], first), (axes[~in_first], pieces - first)]
    return [group for half, groups in halves for group in _evenly(half, bits, groups)]


def _evenly(axes: np.ndarray, bits: np.ndarray, groups: int) -> list[np.ndarray]:
    found: list[list[int]] = [[] for _ in range(groups)]
    sums = np.zeros(groups)
    for axis in axes:
        least = int(sums.argmin())
        found[least].append(int(axis))
        sums[least] += bits[axis]
    return [np.array(group, np.int64) for group in found]
