"""float32: the embeddings as they are, the baseline that every other codec is measured against."""

from collections.abc import Callable

import numpy as np

from embquant.entries import NoParameters
from embquant.quantize.codecs.base import Family


class Float32(Family):
    """Stores 4 bytes per dimension; nothing is fitted, nothing is lost.

    The codes of plain float32 are the embeddings themselves, so no step writes them again. Behind a transform they are
    the transformed vectors.
    """

    family = "float32"

    @classmethod
    def bits(cls, parameters: NoParameters) -> float:
        """Return 32."""
        return 32

    @property
    def scans(self) -> tuple[Callable[[np.ndarray, np.ndarray], np.ndarray], ...]:
        """The product of queries with documents, and that of documents with queries, which may be faster."""
        return (self.scan, _by_document)

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """Return the vectors themselves."""
        return vectors

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the vectors themselves."""
        return codes


def _by_document(queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return what ``scan`` returns, as it lies in memory document by document."""
    return (codes @ queries.T).T
