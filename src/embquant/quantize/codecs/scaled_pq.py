"""scaled-pq: product quantization with one correction per vector."""

import numpy as np

from embquant.quantize.codecs.pq import PqParameters, ProductQuantization

SCALE_BYTES = 2
"""Bytes of the factor at the end of each code."""

GREATEST = np.finfo(np.float16).max

LEAST_COSINE = 0.5
"""The least cosine between a vector and its centroids that the factor assumes, so that the factor stays bounded."""


class ScaledProductQuantization(ProductQuantization):
    """Stores, after the centroids x̂ of ``pq``, the factor s = ⟨x, x⟩ / ⟨x, x̂⟩ in float16: a vector decodes to s·x̂.

    Then x − s·x̂ is orthogonal to x. So the code has no error along the vector, where an error would matter most to
    queries near it. This is the estimator of RaBitQ (Gao and Long 2024, arXiv:2405.12497), and the only part of RaBitQ
    here. It makes up for centroids that are shorter than the vectors that they stand for; the worse they fit, the
    shorter they are. No vector is stretched beyond 1 / LEAST_COSINE of its length.
    """

    family = "scaled-pq"

    @classmethod
    def code_bytes(cls, parameters: PqParameters, dim: int) -> int:
        """Return the bytes of the centroids' numbers and of the factor."""
        return super().code_bytes(parameters, dim) + SCALE_BYTES

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """Return uint8 (rows, bytes per vector)."""
        centroids = super().encode(vectors)
        factors = unbiased(vectors, self.index.sa_decode(centroids))
        stored = np.minimum(factors, GREATEST).astype("<f2")
        return np.concatenate([centroids, stored[:, None].view(np.uint8)], axis=1)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return float32 (rows, dim)."""
        return super().decode(codes[:, :-SCALE_BYTES]) * scales(codes)[:, None]


def unbiased(vectors: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """Return the factors of ``decoded`` that leave errors orthogonal to ``vectors``, both float32 (rows, dim)."""
    squares, along, lengths = (
        np.einsum("nd,nd->n", one, other, dtype=np.float64)
        for one, other in ((vectors, vectors), (vectors, decoded), (decoded, decoded))
    )
    along = np.maximum(along, LEAST_COSINE * np.sqrt(squares * lengths))
    return squares / np.where(along == 0, 1, along)


def scales(codes: np.ndarray) -> np.ndarray:
    """Return the factors in codes of scaled-pq, float32 (rows,)."""
    return np.ascontiguousarray(codes[:, -SCALE_BYTES:]).view("<f2")[:, 0].astype(np.float32)
