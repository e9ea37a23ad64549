"""hadamard: a random rotation by signs and sums, for many dimensions."""

from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from embquant.exact.threads import limit_faiss_threads
from embquant.quantize.batches import Batches
from embquant.quantize.transforms.base import Transform, TransformKind
from embquant.quantize.transforms.rotation import RotationParameters

if TYPE_CHECKING:
    import faiss

ROUNDS = 3
"""Turns of random signs and sums in FAISS's ``HadamardRotation``."""


class HadamardMap(Transform):
    """x ↦ Rx with R orthogonal, in time dim · log dim and without a matrix.

    FAISS's ``HadamardRotation`` does it to the first 2^b dimensions, the most that there are, and then to the last 2^b,
    which overlap: in turn, random signs and the Hadamard matrix.
    """

    signs: np.ndarray

    def __init__(self, dim: int, signs: np.ndarray) -> None:
        """Take the dimensions and the signs, int8 (windows, 3, 2^b); one window is enough for a power of two."""
        object.__setattr__(self, "signs", signs)  # as a frozen dataclass sets its own fields; the matrix comes if asked
        object.__setattr__(self, "offset", np.zeros(dim, np.float32))

    @classmethod
    def random(cls, dim: int, seed: int) -> Self:
        """Draw the signs."""
        width = 1 << dim.bit_length() - 1
        signs = np.random.default_rng(seed).choice(np.array([-1, 1], np.int8), (1 + (width < dim), ROUNDS, width))
        return cls(dim, signs)

    @property
    def dim(self) -> int:
        """Dimensions of what comes out."""
        return len(self.offset)

    @property
    def input_dim(self) -> int:
        """Dimensions of what goes in, as many."""
        return self.dim

    @cached_property
    def matrix(self) -> np.ndarray:
        """R, float32 (dim, dim), to be multiplied with other maps."""
        return np.ascontiguousarray(self.documents(np.eye(self.dim, dtype=np.float32)).T)

    def documents(self, vectors: np.ndarray) -> np.ndarray:
        """Map documents, float32 (rows, dim); no row affects another."""
        mapped = np.array(vectors, np.float32)
        with limit_faiss_threads(1):
            for rotation, window in zip(self._rotations, self._windows, strict=True):
                mapped[:, window] = rotation.apply(np.ascontiguousarray(mapped[:, window]))
        return mapped

    def queries(self, queries: np.ndarray) -> np.ndarray:
        """Map float queries, float32 (rows, dim), as documents are mapped."""
        return self.documents(queries)

    def after(self, first: Transform) -> Transform:
        """Return the map that does ``first`` and then this one, with its matrix."""
        return Transform(self.matrix, self.offset).after(first)

    def state(self, prefix: str = "transform_") -> dict[str, np.ndarray]:
        """Return the arrays that :meth:`from_state` rebuilds the map from."""
        return {f"{prefix}dim": np.array(self.dim), f"{prefix}signs": self.signs}

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray], prefix: str = "transform_") -> Self | None:
        """Rebuild the map from the arrays of :meth:`state` among others; None if there are none."""
        if f"{prefix}signs" not in state:
            return None
        dim, signs = state[f"{prefix}dim"], state[f"{prefix}signs"]
        if dim.dtype != np.int64 or dim.shape != () or not 0 < dim < 1 << 31 or signs.dtype != np.int8:
            raise ValueError(f"{prefix}dim and {prefix}signs are no rotation")
        width = 1 << int(dim).bit_length() - 1
        if signs.shape != (1 + (width < dim), ROUNDS, width) or not (np.abs(signs) == 1).all():
            raise ValueError(f"{prefix}signs is {signs.dtype} {signs.shape}")
        return cls(int(dim), signs)

    @property
    def _windows(self) -> list[slice]:
        windows, _, width = self.signs.shape
        return [slice(0, width), slice(self.dim - width, self.dim)][:windows]

    @cached_property
    def _rotations(self) -> "list[faiss.HadamardRotation]":
        return [_rotation(signs) for signs in self.signs]


def _rotation(signs: np.ndarray) -> "faiss.HadamardRotation":
    import faiss

    rotation = faiss.HadamardRotation(signs.shape[1])
    for turn, vector in zip(signs, (rotation.signs1, rotation.signs2, rotation.signs3), strict=True):
        faiss.copy_array_to_vector(turn.astype(np.float32), vector)
    return rotation


class Hadamard(TransformKind):
    """A random rotation by signs and sums: faster than a uniform one, the more so the more dimensions there are."""

    parameters = RotationParameters
    learns = False

    @classmethod
    def fit(cls, sample: Batches, parameters: RotationParameters) -> Transform:
        """Return x ↦ Rx, R of random signs and Hadamard matrices.

        Ailon and Chazelle 2009, "The Fast Johnson-Lindenstrauss Transform".
        """
        return HadamardMap.random(sample.dim, parameters.seed)
