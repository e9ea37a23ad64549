"""Codecs of FAISS: a trained, empty FAISS index encodes and decodes; filled with codes it is searched."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Self

import faiss
import numpy as np

from embquant.quantize.codecs.base import Family, array_of


class FaissCodec(Family):
    """Stores what ``sa_encode`` of a FAISS ``IndexFlatCodes`` returns; float queries meet decoded codes."""

    index_type: ClassVar[type[Any]]
    """The FAISS class of the index."""

    def __init__(self, index: faiss.IndexFlatCodes) -> None:
        """Take a trained, empty index."""
        self.index = index
        self.dim = index.d

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """Return uint8 codes (rows, bytes per vector)."""
        return self.index.sa_encode(np.ascontiguousarray(vectors, np.float32))

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return float32 (rows, dim)."""
        return self.index.sa_decode(np.ascontiguousarray(codes))

    def state(self) -> dict[str, np.ndarray]:
        """Return the empty index as FAISS writes it."""
        return {"faiss": faiss.serialize_index(self.index)}

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> Self:
        """Read the index."""
        written = array_of(state, "faiss", np.uint8, None)
        with reading_at_most(written.nbytes):
            index = faiss.deserialize_index(written)
        if type(index) is not cls.index_type or index.ntotal:
            raise ValueError(f"expected an empty {cls.index_type.__name__}, found a {type(index).__name__}")
        return cls(index)


@contextmanager
def reading_at_most(size: int) -> Iterator[None]:
    """Let FAISS read no array or list larger than the ``size`` bytes that it is read from, whatever a header says."""
    limits = faiss.get_deserialization_vector_byte_limit(), faiss.get_deserialization_loop_limit()
    faiss.set_deserialization_vector_byte_limit(size + 1)
    faiss.set_deserialization_loop_limit(size + 1)
    try:
        yield
    finally:
        faiss.set_deserialization_vector_byte_limit(limits[0])
        faiss.set_deserialization_loop_limit(limits[1])
