"""Codecs that are FAISS's own: a trained, empty FAISS index encodes, decodes and, filled, is searched."""

from typing import Self

import faiss
import numpy as np
import pyarrow as pa

from embquant.codecs.base import Family
from embquant.products import inner_products


class FaissCodec(Family):
    """Stores what ``sa_encode`` of a FAISS ``IndexFlatCodes`` returns; float queries meet decoded codes."""

    scorings = ("asymmetric",)

    def __init__(self, index: faiss.IndexFlatCodes) -> None:
        """Take a trained, empty index."""
        self.index = index
        self.dim = index.d

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """Return uint8 codes (rows, bytes a vector)."""
        return self.index.sa_encode(np.ascontiguousarray(vectors, np.float32))

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return float32 (rows, dim)."""
        return self.index.sa_decode(np.ascontiguousarray(codes))

    def encode_queries(self, queries: np.ndarray, scoring: str) -> np.ndarray:
        """Return the queries themselves."""
        return queries

    def score(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Inner products of queries with decoded codes."""
        decoded = self.decode(codes.reshape(-1, codes.shape[-1]))
        return inner_products(queries, decoded.reshape(*codes.shape[:2], self.dim))

    @property
    def code_type(self) -> pa.DataType:
        """So many bytes."""
        return pa.binary(self.bytes_per_vector)

    @property
    def bytes_per_vector(self) -> int:
        """As FAISS counts them."""
        return self.index.code_size

    def state(self) -> dict[str, np.ndarray]:
        """The index as FAISS writes it."""
        return {"faiss": faiss.serialize_index(self.index)}

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> Self:
        """Read the index."""
        return cls(faiss.deserialize_index(state["faiss"]))
