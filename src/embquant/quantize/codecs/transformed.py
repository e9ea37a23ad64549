"""A codec behind a transform: it quantizes the vectors that an affine map makes of the embeddings."""

from typing import TYPE_CHECKING

import numpy as np

from embquant.quantize.codecs.base import Codec
from embquant.quantize.transforms.base import Transform

if TYPE_CHECKING:
    import pyarrow as pa


class TransformedCodec(Codec):
    """Maps vectors by ``transform`` and leaves the rest to ``inner``, whose family it has.

    ``dim`` is that of the mapped vectors, the ones that indexes hold. Scores lack ⟨Aq, b⟩, which is the same for all
    documents of a query.
    """

    def __init__(self, transform: Transform, inner: Codec) -> None:
        """Put ``transform`` before ``inner``."""
        self.transform = transform
        self.inner = inner
        self.family = inner.family
        self.scorings = inner.scorings
        self.dim = inner.dim

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """Map and encode float32 vectors (rows, input dim)."""
        return self.inner.encode(self.mapped(vectors))

    def mapped(self, vectors: np.ndarray) -> np.ndarray:
        """Map float32 vectors (rows, input dim)."""
        return self.transform.documents(vectors)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the mapped vectors, float32 (rows, dim), that ``codes`` stand for."""
        return self.inner.decode(codes)

    def encode_queries(self, queries: np.ndarray, scoring: str) -> np.ndarray:
        """Map queries as documents are where they are quantized alike, without the offset where they are not."""
        mapped = self.transform.documents if scoring == "symmetric" else self.transform.queries
        return self.inner.encode_queries(mapped(queries), scoring)

    def score(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Score codes by mapped float32 queries."""
        return self.inner.score(self.transform.queries(queries), codes)

    @property
    def input_dim(self) -> int:
        """Input dimensions of the transform."""
        return self.transform.input_dim

    @property
    def core(self) -> Codec:
        """The inner codec."""
        return self.inner

    @property
    def code_type(self) -> "pa.DataType":
        """The inner codec's."""
        return self.inner.code_type

    @property
    def bytes_per_vector(self) -> int:
        """The inner codec's."""
        return self.inner.bytes_per_vector

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays of the codec and of the transform."""
        return {**self.inner.state(), **self.transform.state()}
