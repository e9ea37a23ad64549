"""The parameters of a table of pgvector, of its index and of a session, in their words."""

from typing import Literal, Self

from pydantic import Field, model_validator

from embquant.entries import Entry

MOST_DIMENSIONS = {"vector": 2000, "halfvec": 4000, "bit": 64_000}  # of a type's index
MOST_CANDIDATES = 1000  # the largest hnsw.ef_search


class PgVectorBuild(Entry):
    """The column that is searched, and its index."""

    type: Literal["vector", "halfvec", "bit"] = Field("vector", description="float32, float16, or `binary_quantize`d")
    originals: Literal["vector", "halfvec"] = Field("vector", description="the type of the column beside one of bits")
    index: Literal["hnsw", "ivfflat"] | None = Field(None, description="the index; default: none, all is scanned")
    m: int = Field(16, ge=2, le=100, description="hnsw: edges per node")
    ef_construction: int = Field(64, ge=4, le=1000, description="hnsw: candidates compared to choose a node's edges")
    lists: int = Field(100, ge=1, le=32768, description="ivfflat: number of lists")

    @model_validator(mode="after")
    def _compares_enough(self) -> Self:
        if self.index == "hnsw" and self.ef_construction < 2 * self.m:
            raise ValueError(f"ef_construction is {self.ef_construction}, expected at least 2 × m = {2 * self.m}")
        return self


class PgVectorSearch(Entry):
    """Settings of the session, and the query in SQL."""

    ef_search: int = Field(40, ge=1, le=MOST_CANDIDATES, description="`hnsw.ef_search`, at least the rows asked for")
    probes: int = Field(1, ge=1, le=32768, description="`ivfflat.probes`: lists searched")
    iterative_scan: bool = Field(
        False, description="searches an index on until enough rows are found, from `ef_search` as it is"
    )
    exact: bool = Field(False, description="whether the index is left unused, and all is scanned")
    oversampling: int | None = Field(None, ge=1, description="ranks `k` × as many rows again by the originals")
