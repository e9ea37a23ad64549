"""The interval of each vector's own over which equal steps lose least of its inner products."""

from typing import NamedTuple

import numpy as np

ROUNDS = 5
"""Turns of the search for an interval."""

ALONG = 0.1
"""Weight of the whole error; the rest is that of the error along the vector, which matters to queries near it."""

ENDS = {1: 0.7978846, 2: 1.4935300, 4: 2.5140046, 7: 3.6110972}
"""Where the interval begins and ends with the least squared error for a standard normal distribution, by bits."""


class Steps(NamedTuple):
    """Vectors in equal steps: a value is ``first + step · level``."""

    levels: np.ndarray
    """uint8 (rows, dim)."""
    first: np.ndarray
    """float64 (rows,)."""
    step: np.ndarray
    """float64 (rows,)."""


def best_steps(vectors: np.ndarray, bits: int) -> Steps:
    """Put ``vectors``, float64 (rows, dim), in 2^bits levels over intervals that are found for each.

    The loss is (1 − λ)·⟨x, e⟩² / ‖x‖² + λ·‖e‖² with the error e and λ = 0.1 (Guo et al. 2020, "Accelerating Large-Scale
    Inference with Anisotropic Vector Quantization"). In turn the nearest levels are taken, and the interval with the
    least loss for these levels, which is a quadratic problem of two unknowns; the first that doesn't lose less ends it.
    """
    most = (1 << bits) - 1
    squares = np.einsum("nd,nd->n", vectors, vectors)
    mean, spread = vectors.mean(axis=1), vectors.std(axis=1) * ENDS[bits]
    ends = np.stack([np.maximum(mean - spread, vectors.min(axis=1)), np.minimum(mean + spread, vectors.max(axis=1))])
    loss = _loss(vectors, squares, ends, _nearest(vectors, ends, most), most)
    active = loss > 0
    for _ in range(ROUNDS):
        tried = least_ends(vectors, squares, _nearest(vectors, ends, most) / most, ends)
        now = _loss(vectors, squares, tried, _nearest(vectors, tried, most), most)
        active &= now < loss
        ends, loss = np.where(active, tried, ends), np.where(active, now, loss)
    # What is stored is float32, so levels are those of the stored interval.
    ends = ends.astype(np.float32).astype(np.float64)
    return Steps(_nearest(vectors, ends, most).astype(np.uint8), ends[0], (ends[1] - ends[0]) / most)


def _nearest(vectors: np.ndarray, ends: np.ndarray, most: int) -> np.ndarray:
    first, width = ends[0][:, None], (ends[1] - ends[0])[:, None]
    return np.clip(np.rint((vectors - first) * (most / np.where(width > 0, width, 1))), 0, most)


def _loss(vectors: np.ndarray, squares: np.ndarray, ends: np.ndarray, levels: np.ndarray, most: int) -> np.ndarray:
    error = vectors - ends[0][:, None] - levels * ((ends[1] - ends[0]) / most)[:, None]
    along = np.einsum("nd,nd->n", vectors, error)
    whole = np.einsum("nd,nd->n", error, error)
    return (1 - ALONG) * along**2 / np.where(squares > 0, squares, 1) + ALONG * whole


def least_ends(vectors: np.ndarray, squares: np.ndarray, shares: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the ends (2, rows) with the least loss where values are at ``shares`` (rows, dim) of the interval."""
    others = 1 - shares
    weight = (1 - ALONG) / np.where(squares > 0, squares, 1)
    low, high = (np.einsum("nd,nd->n", vectors, one) for one in (others, shares))
    a = weight * low**2 + ALONG * np.einsum("nd,nd->n", others, others)
    b = weight * low * high + ALONG * np.einsum("nd,nd->n", others, shares)
    c = weight * high**2 + ALONG * np.einsum("nd,nd->n", shares, shares)
    determinant = a * c - b * b
    regular = determinant > 1e-12 * a * c
    divisor = np.where(regular, determinant, 1)
    return np.where(regular, np.stack([(low * c - high * b) / divisor, (high * a - low * b) / divisor]), ends)
