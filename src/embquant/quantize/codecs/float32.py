"""float32: the embeddings as they are, the baseline that every other codec is measured against."""

from typing import Self

import numpy as np
import pyarrow as pa

from embquant.entries import NoParameters
from embquant.exact.products import inner_products
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.base import Family, array_of


class Float32(Family):
    """Stores 4 bytes per dimension; nothing is fitted, nothing is lost."""

    family = "float32"
    column = "embedding"
    scorings = ("asymmetric",)

    def __init__(self, dim: int) -> None:
        """Take vectors of ``dim`` dimensions."""
        self.dim = dim

    @classmethod
    def bits(cls, parameters: NoParameters) -> float:
        """32."""
        return 32

    @classmethod
    def fit(cls, sample: Batches, parameters: NoParameters) -> Self:
        """Note the number of dimensions."""
        return cls(sample.dim)

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
        """Inner products in float64."""
        return inner_products(queries, codes)

    @property
    def code_type(self) -> pa.DataType:
        """float32[dim]."""
        return pa.list_(pa.float32(), self.dim)

    @property
    def bytes_per_vector(self) -> int:
        """4 · dim."""
        return 4 * self.dim

    def state(self) -> dict[str, np.ndarray]:
        """Return the number of dimensions."""
        return {"dim": np.array(self.dim)}

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> Self:
        """Read the number of dimensions."""
        dim = int(array_of(state, "dim", np.int64))
        if not 0 < dim < 1 << 31:
            raise ValueError(f"dim is {dim}")
        return cls(dim)
