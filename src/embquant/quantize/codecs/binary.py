"""binary: the side of a threshold that each dimension lies on, one bit each."""

from typing import Literal, Self

import numpy as np
from pydantic import Field

from embquant.entries import Entry
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.base import Family, array_of

SIGNS = np.array([[1 if value >> bit & 1 else -1 for bit in (3, 2, 1, 0)] for value in range(16)], dtype=np.float64)
"""The four bits of every half byte as ±1 (16, 4)."""

ENOUGH_FOR_MEDIANS = 100_000
"""The most vectors that medians are taken from: they have to be held in memory."""


class BinaryParameters(Entry):
    """The parameters of binary."""

    threshold: Literal["zero", "mean", "median"] = Field(
        "zero", description="zero, or each dimension's mean or median over the corpus"
    )
    codes: Literal["ubinary", "binary"] | None = Field(
        None, description="the provider's bits, a name of the model's `precisions`; null: bits are made here"
    )


class Binary(Family):
    """Stores 1 where x > threshold, else 0, packed most significant bit first: ⌈dim / 8⌉ bytes per vector.

    With the threshold zero, bit for bit what sentence-transformers' ``quantize_embeddings(…, precision="ubinary")``
    returns. An index compares bits with bits (``symmetric``: Hamming distance) or the float query with the bits as ±1
    (``asymmetric``), as rescoring does (Yamada et al. 2021, "Efficient Passage Retrieval with Hashing for Open-domain
    Question Answering", arXiv:2106.00882).
    """

    family = "binary"
    parameters = BinaryParameters
    scorings = ("symmetric", "asymmetric")

    def __init__(self, thresholds: np.ndarray) -> None:
        """Take the thresholds, float32 (dim,)."""
        self._thresholds = thresholds
        self.dim = len(thresholds)

    @classmethod
    def bits(cls, parameters: BinaryParameters) -> float:
        """Return 1."""
        return 1

    @classmethod
    def precision(cls, parameters: BinaryParameters) -> str | None:
        """Return the name of the provider's bits, if these are read."""
        return parameters.codes

    @classmethod
    def learns(cls, parameters: BinaryParameters) -> bool:
        """Tell whether the thresholds are others than zero."""
        return parameters.threshold != "zero"

    @classmethod
    def fit(cls, sample: Batches, parameters: BinaryParameters) -> Self:
        """Find the thresholds."""
        if parameters.threshold == "mean":
            return cls(sample.mean().astype(np.float32))
        if parameters.threshold == "median":
            return cls(np.median(sample.draw(ENOUGH_FOR_MEDIANS, seed=0), axis=0).astype(np.float32))
        return cls(np.zeros(sample.dim, np.float32))

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """Return uint8 codes (rows, ⌈dim / 8⌉)."""
        return np.packbits(vectors > self._thresholds, axis=-1)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return ±1 as float32 (rows, dim)."""
        return np.unpackbits(codes, axis=-1, count=self.dim).astype(np.float32) * 2 - 1

    def encode_queries(self, queries: np.ndarray, scoring: str) -> np.ndarray:
        """Return the codes of the queries (``symmetric``) or the queries themselves (``asymmetric``)."""
        return self.encode(queries) if scoring == "symmetric" else queries

    def score(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Inner products of queries with ±1.

        Each byte of a code looks its share of the sum up in a table of the query's 256 sums for it, so that a
        candidate costs ⌈dim / 8⌉ look-ups instead of ``dim`` products.
        """
        width = codes.shape[-1]
        padded = np.zeros((len(queries), 2 * width, 4))
        padded.reshape(len(queries), -1)[:, : self.dim] = queries
        halves = np.einsum("qhb,vb->qhv", padded, SIGNS)
        tables = (halves[:, ::2, :, None] + halves[:, 1::2, None, :]).reshape(len(queries), -1)
        firsts = np.arange(0, 256 * width, 256)
        scores = np.empty(codes.shape[:2])
        for table, candidates, score in zip(tables, codes, scores, strict=True):
            table.take(candidates + firsts).sum(axis=1, out=score)
        return scores

    def state(self) -> dict[str, np.ndarray]:
        """Return the thresholds."""
        return {"thresholds": self._thresholds}

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> Self:
        """Read the thresholds."""
        return cls(array_of(state, "thresholds", np.float32, None))
