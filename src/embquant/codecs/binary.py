"""binary: the sign of each dimension, one bit each."""

from typing import Self

import numpy as np
import pyarrow as pa

from embquant.codecs.base import Codec, Sample


class Binary(Codec):
    """Stores 1 where x > 0, else 0, packed most significant bit first: ⌈dim / 8⌉ bytes a vector.

    Bit for bit what sentence-transformers' ``quantize_embeddings(…, precision="ubinary")`` returns. An index
    compares bits with bits (Hamming distance); rescoring compares the float32 query with the bits as ±1
    (Yamada et al. 2021, "Efficient Passage Retrieval with Hashing for Open-domain Question Answering",
    arXiv:2106.00882).
    """

    family = "binary"
    bits = 1
    scorings = ("symmetric",)

    def __init__(self, dim: int) -> None:
        """Take vectors of ``dim`` dimensions."""
        self.dim = dim

    @classmethod
    def fit(cls, sample: Sample) -> Self:
        """Note the number of dimensions: the threshold is zero."""
        return cls(sample.dim)

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """Return uint8 codes (rows, ⌈dim / 8⌉)."""
        return np.packbits(vectors > 0, axis=-1)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return ±1 as float32 (rows, dim)."""
        return np.unpackbits(codes, axis=-1, count=self.dim).astype(np.float32) * 2 - 1

    def encode_queries(self, queries: np.ndarray, scoring: str) -> np.ndarray:
        """Return the queries' own codes."""
        return self.encode(queries)

    def score(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Inner products of queries with ±1.

        Each byte of a code looks its share of the sum up in a table of the query's 256 sums for that byte,
        so that a candidate costs ⌈dim / 8⌉ look-ups instead of ``dim`` products.
        """
        width = codes.shape[-1]
        padded = np.zeros((len(queries), width, 8))
        padded.reshape(len(queries), -1)[:, : self.dim] = queries
        tables = np.zeros((len(queries), width, 1))
        for bit in range(8):  # each bit doubles the table: what precedes it without and with the bit set
            share = padded[:, :, bit, None]
            tables = np.stack([tables - share, tables + share], axis=-1).reshape(len(queries), width, -1)
        places = np.arange(width) * 256
        flat = tables.reshape(len(queries), -1)
        return np.stack([table.take(places + own).sum(axis=1) for table, own in zip(flat, codes, strict=True)])

    @property
    def code_type(self) -> pa.DataType:
        """⌈dim / 8⌉ bytes."""
        return pa.binary(self.bytes_per_vector)

    @property
    def bytes_per_vector(self) -> int:
        """⌈dim / 8⌉."""
        return -(-self.dim // 8)

    def state(self) -> dict[str, np.ndarray]:
        """The number of dimensions."""
        return {"dim": np.array(self.dim)}

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> Self:
        """Read the number of dimensions."""
        return cls(int(state["dim"]))


CODEC = Binary
