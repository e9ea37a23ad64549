"""pq: product quantization, a vector as one centroid a subspace."""

from dataclasses import dataclass
from typing import Literal, Self

import faiss

from embquant.entries import check_least
from embquant.errors import InputError
from embquant.quantize.codecs.base import Sample
from embquant.quantize.codecs.faiss_codes import FaissCodec


@dataclass(frozen=True)
class PqParameters:
    """``pieces``: subspaces; ``bits``: of a centroid's number; ``training``: vectors, drawn with ``seed``, that
    centroids are found on, in ``iterations`` of k-means."""

    pieces: int
    bits: Literal[4, 8] = 8
    training: int = 50_000
    iterations: int = 15
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that can't be meant."""
        check_least(self, pieces=1, training=1, iterations=1, seed=0)


class ProductQuantization(FaissCodec):
    """Cuts a vector into ``pieces`` and stores the nearest of 2^``bits`` centroids of each.

    Jégou et al. 2011, "Product Quantization for Nearest Neighbor Search". A query is compared with codes through a
    table of its products with all centroids.
    """

    family = "pq"
    parameters = PqParameters

    @classmethod
    def bits(cls, parameters: PqParameters) -> float:
        """Counted as 1, the least: how many dimensions share a code is only known with the vectors."""
        return 1

    @classmethod
    def fit(cls, sample: Sample, parameters: PqParameters) -> Self:
        """Find the centroids of each subspace by k-means."""
        return cls(trained_pq(sample, parameters))

    @staticmethod
    def again(index: faiss.IndexPQ) -> faiss.IndexPQ:
        """Centroids are learnt, a vector for each number of each piece."""
        pq = index.pq
        if index.d < 1 or pq.M < 1 or index.d % pq.M or pq.nbits not in (4, 8):
            raise ValueError(f"{index.d} dimensions in {pq.M} pieces of {pq.nbits} bits")
        again = faiss.IndexPQ(index.d, pq.M, pq.nbits, faiss.METRIC_INNER_PRODUCT)
        centroids = faiss.vector_to_array(pq.centroids)
        if len(centroids) != again.pq.centroids.size():
            raise ValueError(f"{len(centroids)} coordinates of centroids")
        faiss.copy_array_to_vector(centroids, again.pq.centroids)
        again.is_trained = True
        return again


def trained_pq(sample: Sample, parameters: PqParameters) -> faiss.IndexPQ:
    """Return an empty FAISS ``IndexPQ`` trained on ``sample``."""
    if sample.dim % parameters.pieces:
        raise InputError(f"codec pq: {sample.dim} dimensions can't be cut into {parameters.pieces} equal pieces")
    needed, given = 1 << parameters.bits, min(sample.rows, parameters.training)
    if given < needed:
        raise InputError(f"codec pq: {needed} centroids can't be found on {given} vectors, fewer than they are")
    # Made directly, not by the factory: its PQ sorts centroids for polysemous search, which takes minutes.
    index = faiss.IndexPQ(sample.dim, parameters.pieces, parameters.bits, faiss.METRIC_INNER_PRODUCT)
    index.pq.cp.niter = parameters.iterations
    index.pq.cp.seed = 1234 + parameters.seed
    index.pq.cp.min_points_per_centroid = 1
    index.train(sample.draw(parameters.training, parameters.seed))
    return index
