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
        return self


class LanceDbSearch(Entry):
    """The parameters of a query."""

    nprobes: int | None = Field(None, ge=1, description="lists that are looked at; default: LanceDB's")
    ef: int | None = Field(None, ge=1, description="candidates kept while a graph is searched")
    refine_factor: int | None = Field(None, ge=1, description="ranks `limit` × this many again by the vectors")
    bypass_vector_index: bool = Field(False, description="scans the vectors themselves")
