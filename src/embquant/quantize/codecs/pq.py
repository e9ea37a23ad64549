"""pq: product quantization, a vector as one centroid per subspace."""

from typing import Literal, Self

import faiss
import numpy as np
from pydantic import Field

from embquant.entries import Entry
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.faiss_codes import FaissCodec
from embquant.quantize.extent import Extent


class PqParameters(Entry):
    """The parameters of product quantization."""

    pieces: int = Field(ge=1, description="pieces that a vector is cut into")
    bits: Literal[4, 8] = Field(8, description="bits per piece: 4 for 16 centroids, 8 for 256")
    training: int = Field(50_000, ge=1, description="number of vectors that the centroids are fitted on")
    iterations: int = Field(15, ge=1, description="rounds of k-means")
    seed: int = Field(0, ge=0, description="draws the training vectors and the first centroids")


class ProductQuantization(FaissCodec):
    """Cuts a vector into ``pieces`` and stores the nearest of 2^``bits`` centroids of each.

    Jégou et al. 2011, "Product Quantization for Nearest Neighbor Search". A query is compared with codes through a
    table of its products with all centroids.
    """

    family = "pq"
    index_type = faiss.IndexPQ
    parameters = PqParameters

    @classmethod
    def bits(cls, parameters: PqParameters) -> float:
        """Return 1, the least possible: how many dimensions a piece has is only known with the vectors."""
        return 1

    @classmethod
    def code_bytes(cls, parameters: PqParameters, dim: int) -> int:
        """Return the bytes of the numbers of the centroids, one per piece."""
        return -(-parameters.pieces * parameters.bits // 8)

    @classmethod
    def state_bytes(cls, parameters: PqParameters, dim: int) -> int:
        """Return the bytes of the centroids, float32: 2^bits per piece, of dim / pieces dimensions each."""
        return 4 * dim << parameters.bits

    @classmethod
    def obstacle(cls, parameters: PqParameters, extent: Extent) -> str | None:
        """Say that pieces are unequal, vectors too few, or their distances no float32 numbers; None if not."""
        if extent.dim % parameters.pieces:
            return f"{extent.dim} dimensions can't be cut into {parameters.pieces} equal pieces"
        needed, given = 1 << parameters.bits, min(extent.documents, parameters.training)
        if given < needed:
            fewer = " or use bits: 4" if parameters.bits > 4 else ""
            return (
                f"needs at least {needed} training vectors to fit {needed} centroids, got {given}; "
                f"embed more documents, raise training{fewer}"
            )
        return extent.squares_overflow() or extent.squares_vanish()

    @classmethod
    def fit(cls, sample: Batches, parameters: PqParameters) -> Self:
        """Find the centroids of each subspace by k-means."""
        return cls(trained_pq(sample.draw(parameters.training, parameters.seed), parameters))


def trained_pq(vectors: np.ndarray, parameters: PqParameters) -> faiss.IndexPQ:
    """Return an empty FAISS ``IndexPQ`` trained on ``vectors``, float32 (rows, dim)."""
    # Made directly, not by the factory: its PQ sorts centroids for polysemous search, which takes minutes.
    index = faiss.IndexPQ(vectors.shape[1], parameters.pieces, parameters.bits, faiss.METRIC_INNER_PRODUCT)
    index.pq.cp.niter = parameters.iterations
    index.pq.cp.seed = 1234 + parameters.seed
    index.pq.cp.min_points_per_centroid = 1
    index.train(vectors)
    return index
