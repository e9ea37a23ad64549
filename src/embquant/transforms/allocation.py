"""allocation: principal axes, in groups that deserve equally many bits, for a product quantizer to follow."""

from dataclasses import dataclass

import numpy as np

from embquant.errors import InputError
from embquant.spec import check_least
from embquant.transforms.base import Sample, Transform
from embquant.transforms.pca import principal_axes

EXPONENT = 1.5
"""Halfway between the squared error of a vector (1) and, where queries vary as documents do, that of a score (2)."""


@dataclass(frozen=True)
class Parameters:
    """``pieces``: subspaces of the quantizer that follows; ``bits`` it gives to each."""

    pieces: int
    bits: int = 8

    def __post_init__(self) -> None:
        """Refuse numbers that can't be meant."""
        check_least(self, pieces=1, bits=1)


def fit(sample: Sample, parameters: Parameters) -> Transform:
    """Return x ↦ the principal coordinates of x, grouped, each group filled up with zeros to the widest one's size.

    Bits go to an axis by reverse water-filling over variance^EXPONENT (Cover and Thomas, "Elements of Information
    Theory", theorem 10.3.3; for search, Brandt 2010, "Transform coding for fast approximate nearest neighbor search
    in high dimensions"). Axes in order of variance are cut where the bits add up to a subspace's, so that a few axes
    that vary much share a subspace, or many that vary little; those that deserve no bits are left out.
    """
    if parameters.pieces > sample.dim:
        raise InputError(f"transform allocation: {sample.dim} dimensions can't fill {parameters.pieces} pieces")
    mean, directions, variances = principal_axes(sample)
    groups = equal_shares(bits_of_axes(variances**EXPONENT, parameters.pieces * parameters.bits), parameters.pieces)
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


def equal_shares(bits: np.ndarray, pieces: int) -> list[np.ndarray]:
    """Cut the axes that have ``bits``, in order, into ``pieces`` groups of about equal sums; some may be empty."""
    axes = np.flatnonzero(bits)
    middles = np.cumsum(bits[axes]) - bits[axes] / 2
    group = np.minimum((middles * pieces / bits.sum()).astype(np.int64), pieces - 1)
    return [axes[group == piece] for piece in range(pieces)]
