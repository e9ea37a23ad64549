"""The parameters of zvec's indexes and queries, in its words."""

from typing import Literal, Self

from pydantic import Field, model_validator

from embquant.entries import Entry, Number

PARAMS = {"flat": "Flat", "hnsw": "Hnsw", "ivf": "IVF", "hnsw_rabitq": "HnswRabitq", "ivf_rabitq": "IvfRabitq"}
"""Types of index, and how the names of their classes begin in the Python package."""

BUILT = {
    "flat": ("quantize_type", "enable_rotate"),
    "hnsw": ("quantize_type", "m", "ef_construction"),
    "ivf": ("quantize_type", "enable_rotate", "n_list"),
    "hnsw_rabitq": ("total_bits", "num_clusters", "m", "ef_construction"),
    "ivf_rabitq": ("total_bits", "nlist"),
}
"""The parameters that each type of index is built with. With ``enable_rotate``, a graph of zvec 0.8.0 finds nothing."""

REFINED = ("is_using_refiner", "scale_factor")
SEARCHED: dict[str, tuple[str, ...]] = {
    "flat": (),
    **dict.fromkeys(["hnsw", "hnsw_rabitq"], ("ef", *REFINED)),
    **dict.fromkeys(["ivf", "ivf_rabitq"], ("nprobe", *REFINED)),
}
"""The parameters that each type of index is searched with."""

RABITQ_DIMENSIONS = range(64, 4096)
MOST_CANDIDATES = 2048  # the largest ef


class ZvecBuild(Entry):
    """The index of the collection."""

    index: Literal["flat", "hnsw", "ivf", "hnsw_rabitq", "ivf_rabitq"] = Field("hnsw", description="type of index")
    quantize_type: Literal["FP16", "INT8", "INT4"] | None = Field(None, description="default: no quantizer")
    enable_rotate: bool = Field(False, description="rotates vectors before `INT8` or `INT4`; not in a graph")
    m: int = Field(50, ge=2, description="edges per node of a graph")
    ef_construction: int = Field(500, ge=1, description="candidates compared to choose edges")
    n_list: int = Field(10, ge=1, description="lists of `ivf`")
    nlist: int = Field(1024, ge=1, description="lists of `ivf_rabitq`")
    total_bits: int = Field(7, ge=1, le=9, description="bits per dimension of RaBitQ")
    num_clusters: int = Field(16, ge=1, description="centroids that RaBitQ in a graph counts from")

    @model_validator(mode="after")
    def _has_its_words(self) -> Self:
        for word in self.model_fields_set - {"index"}:
            if word not in BUILT[self.index]:
                raise ValueError(f"an index of type {self.index} has no {word}")
        if self.enable_rotate and self.quantize_type not in ("INT8", "INT4"):
            raise ValueError("enable_rotate needs quantize_type INT8 or INT4")
        return self

    @property
    def is_rabitq(self) -> bool:
        """Whether its codes are RaBitQ's."""
        return self.index.endswith("rabitq")

    @property
    def lists(self) -> int | None:
        """The number of lists, if it has some."""
        return {"ivf": self.n_list, "ivf_rabitq": self.nlist}.get(self.index)


class ZvecSearch(Entry):
    """The parameters of a query."""

    ef: int | None = Field(
        None, ge=1, le=MOST_CANDIDATES, description="candidates kept while a graph is searched; default: zvec's, 300"
    )
    nprobe: int | None = Field(None, ge=1, description="lists that are looked at; default: zvec's, 10")
    is_using_refiner: bool | None = Field(None, description="ranks candidates again by the vectors; default: no")
    scale_factor: Number | None = Field(
        None, ge=1, description="candidates per document asked for; default: 10 in lists, `ef` in a graph"
    )
