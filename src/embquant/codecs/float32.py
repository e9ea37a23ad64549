"""float32: the embeddings as they are, the baseline that every other codec is measured against."""

import numpy as np
import pyarrow as pa

from embquant.codecs.base import UnfittedCodec


class Float32(UnfittedCodec):
    """Stores 4 bytes a dimension; nothing is fitted, nothing is lost."""

    family = "float32"
    bits = 32
    column = "embedding"
    scorings = ("symmetric",)

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """Return the vectors themselves."""
        return vectors

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the vectors themselves."""
        return codes

    def encode_queries(self, queries: np.ndarray, scoring: str) -> np.ndarray:
        """Return the queries themselves."""
        return queries

    def score(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Inner products in float64 (einsum without BLAS: the same on any number of threads)."""
        return np.einsum("qkd,qd->qk", codes, queries, dtype=np.float64, casting="safe")

    @property
    def code_type(self) -> pa.DataType:
        """float32[dim]."""
        return pa.list_(pa.float32(), self.dim)

    @property
    def bytes_per_vector(self) -> int:
        """4 · dim."""
        return 4 * self.dim


CODEC = Float32
