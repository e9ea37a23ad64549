"""The parameters of LanceDB's indexes and queries, in its words."""

from typing import Literal, Self

from pydantic import Field, model_validator

from embquant.entries import Entry

CONFIGS = {
    "IVF_FLAT": "IvfFlat",
    "IVF_SQ": "IvfSq",
    "IVF_PQ": "IvfPq",
    "IVF_RQ": "IvfRq",
    "IVF_HNSW_SQ": "HnswSq",
    "IVF_HNSW_PQ": "HnswPq",
}
"""Types of index, and what the Python package calls their configurations."""

OF = {
    "num_partitions": ["IVF"],
    "num_sub_vectors": ["PQ"],
    "num_bits": ["PQ", "RQ"],
    "m": ["HNSW"],
    "ef_construction": ["HNSW"],
}
"""The types of index, by pieces of their names, that a parameter belongs to."""

PQ_BITS = (4, 8)
"""Bits per piece that `PQ` has."""


class LanceDbBuild(Entry):
    """The index of the table."""

    index_type: Literal["IVF_FLAT", "IVF_SQ", "IVF_PQ", "IVF_RQ", "IVF_HNSW_SQ", "IVF_HNSW_PQ"] | None = Field(
        None, description="default: no index, all vectors are scanned"
    )
    num_partitions: int | None = Field(None, ge=1, description="lists; default: LanceDB's")
    num_sub_vectors: int | None = Field(None, ge=1, description="pieces of `PQ`; default: one per 16 dimensions")
    num_bits: int | None = Field(None, ge=1, le=8, description="bits per piece of `PQ`, per dimension of `RQ`")
    m: int | None = Field(None, ge=2, description="edges per node of `HNSW`")
    ef_construction: int | None = Field(None, ge=1, description="candidates compared to choose edges")

    @model_validator(mode="after")
    def _has_its_words(self) -> Self:
        kind = self.index_type or ""
        for word in self.model_fields_set - {"index_type"}:
            if not any(piece in kind for piece in OF[word]):
                raise ValueError(f"an index of type {kind or 'none'} has no {word}")
        if "PQ" in kind and self.num_bits not in (None, *PQ_BITS):
            raise ValueError(f"num_bits is {self.num_bits}, expected 4 or 8 for an index of type {kind}")
        if self.num_bits == PQ_BITS[0] and (self.num_sub_vectors or 0) % 2:
            raise ValueError(f"num_sub_vectors is {self.num_sub_vectors}, expected an even number for num_bits of 4")
        return self

    def pieces(self, dim: int) -> int:
        """Return the pieces that `PQ` cuts vectors of ``dim`` dimensions into.

        By default those of 16 dimensions, of 8, or one; one more where codes of 4 bits need an even number.
        """
        chosen = next((dim // of for of in (16, 8) if dim % of == 0), 1)
        one_more = self.num_bits == PQ_BITS[0] and chosen % 2 == 1
        return self.num_sub_vectors or chosen + one_more

    def obstacle(self, dim: int) -> str | None:
        """Say that it takes no vectors of ``dim`` dimensions; None if it does."""
        if "PQ" in (self.index_type or "") and dim % (pieces := self.pieces(dim)):
            chosen = "" if self.num_sub_vectors else " by default"
            return f"vectors have {dim} dimensions; LanceDB's PQ takes a multiple of num_sub_vectors, {pieces}{chosen}"
        if "RQ" in (self.index_type or "") and dim % 8:
            return f"vectors have {dim} dimensions; LanceDB's RQ takes a multiple of 8"
        return None


class LanceDbSearch(Entry):
    """The parameters of a query."""

    nprobes: int | None = Field(None, ge=1, description="lists that are looked at; default: LanceDB's")
    ef: int | None = Field(None, ge=1, description="candidates kept while a graph is searched")
    refine_factor: int | None = Field(None, ge=1, description="ranks `limit` × this many again by the vectors")
    bypass_vector_index: bool = Field(False, description="scans the vectors themselves")
