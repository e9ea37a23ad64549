"""Inner products in float64, each of which depends on nothing but its two vectors.

A BLAS sums in another order at the edge of a block than inside it. So equal vectors may score differently, and a vector
may score differently alone than among others. NumKong's packed kernels avoid this, at half the rate of a float32
product.
"""

import numkong
import numpy as np


def products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the inner products of all pairs of rows, float64 (rows, columns).

    Args:
        left: float32 (rows, dim).
        right: float32 (columns, dim).
    """
    packed = numkong.dots_pack(np.ascontiguousarray(right), dtype="float32")
    return np.asarray(numkong.dots_packed(np.ascontiguousarray(left), packed))


def inner_products(queries: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return the products of each float32 query (queries, dim) with its own vectors (queries, candidates, dim).

    Returns float64 (queries, candidates).
    """
    scores = np.empty(vectors.shape[:2])
    for query, candidates, score in zip(queries, vectors, scores, strict=True):
        score[:] = products(candidates, query[None])[:, 0]
    return scores
