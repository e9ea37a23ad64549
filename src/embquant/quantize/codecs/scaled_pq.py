"""scaled-pq: product quantization by the error of scores, with one correction per vector."""

from functools import cached_property
from typing import Self

import faiss
import numpy as np

from embquant.quantize.batches import Batches
from embquant.quantize.codecs.base import array_of
from embquant.quantize.codecs.pq import PqParameters, ProductQuantization, trained_pq

STEPS = 254
"""Steps of the scale's byte, in which numbers 1 to 255 are scales and 0 stands for none."""

WIDEST = 88
"""The greatest logarithm of a scale that is a float32 number, and below zero the least."""

LEAST_COSINE = 0.5
"""The least cosine between a vector and its centroids that the scale assumes, so that the scale stays bounded."""

LEAST_WEIGHT = 1e-3
"""The least weight of a dimension, so that products with it remain float32 numbers."""


class ScaledProductQuantization(ProductQuantization):
    """Stores, after the centroids x̂ of ``pq``, the scale s = ⟨x, x⟩ / ⟨x, x̂⟩ in a byte: a vector decodes to s·x̂.

    Then x − s·x̂ is orthogonal to x, but for the rounding of s. So the code has no error along the vector, where an
    error would matter most to queries near it. This is the estimator of RaBitQ (Gao and Long 2024, arXiv:2405.12497),
    and the only part of RaBitQ here. It makes up for centroids that are shorter than the vectors that they stand for;
    the worse they fit, the shorter they are. No vector is stretched beyond 1 / LEAST_COSINE of its length.

    Centroids are fitted and chosen by a weighted error: in it a dimension counts by its deviation, the root of its
    variance. The expected squared error of scores counts a dimension's error by the variance of queries in it, which
    is that of documents if queries vary as these do, and the same for all if they vary equally in all directions. The
    deviation is half way between the two.
    """

    family = "scaled-pq"

    def __init__(self, index: faiss.IndexPQ, weights: np.ndarray, ends: np.ndarray) -> None:
        """Take an index with the centroids, the weights of dimensions, and the ends of the scales.

        ``weights`` are the roots of how much squared errors count, float32 (dim,), and ``ends`` the logarithms of the
        least and the greatest scale, float64 (2,).
        """
        super().__init__(index)
        self.weights, self.ends = weights, ends

    @classmethod
    def code_bytes(cls, parameters: PqParameters, dim: int) -> int:
        """Return the bytes of the centroids' numbers and of the scale."""
        return super().code_bytes(parameters, dim) + 1

    @classmethod
    def fit(cls, sample: Batches, parameters: PqParameters) -> Self:
        """Find the centroids of each subspace by k-means, and the least and the greatest scale of what it is given."""
        vectors = sample.draw(parameters.training, parameters.seed)
        deviations = vectors.std(axis=0, dtype=np.float64)
        weights = np.sqrt(np.maximum(deviations / (deviations.max() or 1), LEAST_WEIGHT**2)).astype(np.float32)
        index = trained_pq(vectors * weights, parameters)
        set_centroids(index, centroids_of(index) / weights_of_pieces(index, weights))
        codec = cls(index, weights, np.zeros(2))
        scales = unbiased(vectors, index.sa_decode(codec.nearest(vectors)))
        ends = np.log([scales[scales > 0].min(initial=1), scales.max(initial=1)])
        return cls(index, weights, ends.clip(-WIDEST, WIDEST))

    def nearest(self, vectors: np.ndarray) -> np.ndarray:
        """Return the centroids' numbers, uint8 (rows, bytes), with the least weighted error."""
        return self._weighted.sa_encode(np.ascontiguousarray(vectors * self.weights))

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """Return uint8 (rows, bytes per vector)."""
        numbers = self.nearest(vectors)
        scales = unbiased(vectors, self.index.sa_decode(numbers))
        return np.concatenate([numbers, self._rounded(scales)[:, None]], axis=1)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return float32 (rows, dim)."""
        return super().decode(codes[:, :-1]) * self.scales[codes[:, -1]][:, None]

    @cached_property
    def scales(self) -> np.ndarray:
        """The scale of each byte, float32 (256,), ascending."""
        first, last = self.ends
        return np.concatenate([[0], np.exp(np.linspace(first, last, STEPS + 1))]).astype(np.float32)

    def _rounded(self, scales: np.ndarray) -> np.ndarray:
        first, last = self.ends
        logarithms = np.log(np.where(scales > 0, scales, 1))
        places = np.rint((logarithms - first) * (STEPS / (last - first or 1))).clip(0, STEPS)
        return np.where(scales > 0, places + 1, 0).astype(np.uint8)

    @cached_property
    def _weighted(self) -> faiss.IndexPQ:
        """An index with weighted centroids, among which the nearest is found."""
        index = faiss.clone_index(self.index)
        set_centroids(index, centroids_of(index) * weights_of_pieces(index, self.weights))
        return index

    def state(self) -> dict[str, np.ndarray]:
        """Return the empty index as FAISS writes it, the weights and the ends."""
        return {**super().state(), "weights": self.weights, "ends": self.ends}

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> Self:
        """Read the index, the weights and the ends."""
        plain = ProductQuantization.from_state(state)
        weights, ends = array_of(state, "weights", np.float32, plain.dim), array_of(state, "ends", np.float64, 2)
        if not (np.isfinite(weights).all() and (weights > 0).all() and -WIDEST <= ends[0] <= ends[1] <= WIDEST):
            raise ValueError("weights and ends are no positive weights and logarithms of scales")
        return cls(plain.index, weights, ends)


def unbiased(vectors: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """Return the scales of ``decoded`` that leave errors orthogonal to ``vectors``, both float32 (rows, dim)."""
    squares, along, lengths = (
        np.einsum("nd,nd->n", one, other, dtype=np.float64)
        for one, other in ((vectors, vectors), (vectors, decoded), (decoded, decoded))
    )
    along = np.maximum(along, LEAST_COSINE * np.sqrt(squares * lengths))
    return squares / np.where(along == 0, 1, along)


def centroids_of(index: faiss.IndexPQ) -> np.ndarray:
    """Return the centroids, float32 (pieces, centroids of a piece, dimensions of a piece)."""
    return faiss.vector_to_array(index.pq.centroids).reshape(index.pq.M, index.pq.ksub, index.pq.dsub)


def weights_of_pieces(index: faiss.IndexPQ, weights: np.ndarray) -> np.ndarray:
    """Return weights of dimensions (dim,) in the shape of the centroids that they are multiplied with."""
    return weights.reshape(index.pq.M, 1, index.pq.dsub)


def set_centroids(index: faiss.IndexPQ, centroids: np.ndarray) -> None:
    """Replace the centroids."""
    faiss.copy_array_to_vector(np.ascontiguousarray(centroids, np.float32).ravel(), index.pq.centroids)
