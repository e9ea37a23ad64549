"""What is done to vectors before a codec sees them: an affine map, fitted on the corpus."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from embquant.entries import NoParameters
from embquant.exact.products import products
from embquant.quantize.batches import Batches
from embquant.quantize.extent import Extent

ROWS_AT_ONCE = 4096
"""Vectors that are mapped at once, in float64."""


@dataclass(frozen=True)
class Transform:
    """The affine map x ↦ Ax + b, with A float32 (dim, input_dim) and b float32 (dim,), then to unit length if asked.

    Where the rows of A are orthonormal, ⟨Aq, Ax + b⟩ differs from ⟨q, x⟩ by what truncation drops and by ⟨Aq, b⟩,
    which is the same for all documents: so queries are mapped by A alone wherever they are not quantized themselves.
    ``before`` is a map that comes first and can't be multiplied out, since it ends in unit length.
    """

    matrix: np.ndarray
    offset: np.ndarray
    normalize: bool = False
    before: "Transform | None" = None

    @property
    def dim(self) -> int:
        """Dimensions of what comes out."""
        return len(self.matrix)

    @property
    def input_dim(self) -> int:
        """Dimensions of what goes in."""
        return self.before.input_dim if self.before else self.matrix.shape[1]

    def documents(self, vectors: np.ndarray) -> np.ndarray:
        """Map documents, float32 (rows, input_dim) to float32 (rows, dim); no row affects another."""
        vectors = self.before.documents(vectors) if self.before else vectors
        mapped = np.empty((len(vectors), self.dim), np.float32)
        for first in range(0, len(vectors), ROWS_AT_ONCE):
            block = products(vectors[first : first + ROWS_AT_ONCE], self.matrix) + self.offset
            if self.normalize:
                lengths = np.linalg.norm(block, axis=1, keepdims=True)
                block /= np.where(lengths == 0, 1, lengths)
            mapped[first : first + ROWS_AT_ONCE] = block
        return mapped

    def queries(self, queries: np.ndarray) -> np.ndarray:
        """Map float queries, float32 (rows, input_dim) to float32 (rows, dim)."""
        queries = self.before.queries(queries) if self.before else queries
        return products(queries, self.matrix).astype(np.float32)

    def mapped(self, sample: Batches) -> Batches:
        """Return the sample as it looks after the map."""
        return sample.map(self.documents, self.dim)

    def after(self, first: "Transform") -> "Transform":
        """Return the map that does ``first`` and then this one."""
        if first.normalize:
            return replace(self, before=first)
        offset = self.matrix @ first.offset + self.offset
        return Transform(self.matrix @ first.matrix, offset, self.normalize, first.before)

    def state(self, prefix: str = "transform_") -> dict[str, np.ndarray]:
        """Return the arrays that :meth:`from_state` rebuilds the map from; their names begin with ``prefix``."""
        arrays = {"matrix": self.matrix, "offset": self.offset, "normalize": np.array(self.normalize)}
        before = self.before.state(f"{prefix}before_") if self.before else {}
        return {f"{prefix}{name}": array for name, array in arrays.items()} | before

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray], prefix: str = "transform_") -> Self | None:
        """Rebuild the map from the arrays of :meth:`state` among others; None if there are none."""
        if f"{prefix}matrix" not in state:
            return None
        matrix, offset, normalize = (state[f"{prefix}{name}"] for name in ("matrix", "offset", "normalize"))
        before = cls.from_state(state, f"{prefix}before_")
        fits = matrix.ndim == 2 and matrix.size and offset.shape == matrix.shape[:1] and normalize.shape == ()
        if not fits or {matrix.dtype, offset.dtype} != {np.dtype(np.float32)} or normalize.dtype != bool:
            raise ValueError(f"{prefix}matrix and what belongs to it are no affine map")
        if before and before.dim != matrix.shape[1]:
            raise ValueError(f"{prefix}matrix takes {matrix.shape[1]} dimensions, not {before.dim}")
        return cls(matrix, offset, bool(normalize), before)


class TransformKind(ABC):
    """A kind of transform that a configuration can name."""

    parameters: ClassVar[type] = NoParameters
    """What its entry in the configuration may say, beside ``kind``."""

    learns: ClassVar[bool] = True
    """Whether the map depends on the values that it is fitted on, not on their dimensions alone."""

    @classmethod
    @abstractmethod
    def fit(cls, sample: Batches, parameters: Any) -> Transform:
        """Fit the map on the vectors ``sample``; ``parameters`` is an instance of :attr:`parameters`."""

    @classmethod
    def obstacle(cls, parameters: Any, extent: Extent) -> str | None:
        """Say what keeps the map from being fitted on such vectors; None if nothing.

        A study asks before it embeds, when ``extent`` has the number of vectors and their dimensions alone, and again
        when the vectors are there.
        """
        return None

    @classmethod
    def output_dim(cls, parameters: Any, dim: int) -> int:
        """Return the dimensions that ``dim`` dimensions are mapped to, as far as that is known before it is fitted."""
        return dim
