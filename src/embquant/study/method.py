"""A method of a study, and what follows from it: scoring, rescore stores, search depths, exact twin, settings."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from embquant.entries import read_entry
from embquant.indexes import index_class
from embquant.indexes.base import Index
from embquant.quantize.codecs import CodecSpec
from embquant.quantize.extent import Extent
from embquant.study import Setting, settings_of
from embquant.study.method_entry import MethodEntry

if TYPE_CHECKING:
    from embquant.study.study import Study

SIZES = (10**6, 10**7, 10**8, 10**9)
"""Numbers of vectors that costs, and what settings keep, are reported for besides those of the corpus."""

LISTED = 4
"""Documents listed at least, times ``top_k``, from which larger corpora are drawn. In lists of 20, half of them judged,
too few others are left to tell a place by, and float32 was expected to find half of what it finds from lists of 40."""

FLAT = "flat"
"""The kind of index that a codec's store is."""


@dataclass(frozen=True)
class StudyMethod:
    """A method of a study: an entry of ``methods``, and what follows from it."""

    name: str
    entry: MethodEntry
    study: "Study"

    @property
    def codec(self) -> CodecSpec:
        """Its codec."""
        return self.study.codecs[self.entry.codec]

    @property
    def index_class(self) -> type[Index[Any]]:
        """The class of its index."""
        return index_class(self.codec.family.family, self.entry.index)

    @property
    def is_flat(self) -> bool:
        """Whether it scans its codec's store."""
        return self.entry.index == FLAT

    @property
    def is_float32(self) -> bool:
        """Whether it is an exact search among the embeddings themselves, which nothing can improve."""
        return self.is_flat and not self.codec.is_encoded

    @cached_property
    def scoring(self) -> str:
        """How it compares queries with codes: what its entry says, or the index's default."""
        return self.entry.scoring or self.index_class.scorings(self.codec.family)[0]

    @property
    def index_file(self) -> str:
        """The pattern of its index: its codec's store if that is what it scans."""
        layout = self.study.layout
        if self.is_flat:
            return layout.store(self.entry.codec, self.index_class.suffix)
        return layout.index(self.entry.index_name, self.index_class.suffix)

    @property
    def manifest(self) -> str:
        """The pattern of the manifest that lies beside its index."""
        return f"{self.index_file}.json"

    @property
    def learns(self) -> bool:
        """Whether its codec or its index depends on the values that it is fitted on."""
        return self.codec.learns or self.index_class.learns

    @cached_property
    def rescore_stores(self) -> list[str]:
        """The codecs whose stores can rescore it: those at least as fine, unless nothing can change."""
        if self.is_float32 or self.index_class.is_database or self.name == self.study.config.baseline:
            return []
        stores = self.study.config.rescore.stores
        return [store for store in stores if self.study.codecs[store].bits >= self.codec.bits]

    @property
    def settings(self) -> list[Setting]:
        """The settings that it is measured at."""
        config = self.study.config
        return settings_of(self.rescore_stores, config.rescore.multipliers, config.top_k)

    @property
    def depths(self) -> list[int]:
        """The numbers of candidates that its settings need, ascending."""
        return sorted({setting.depth for setting in self.settings})

    @property
    def searched_depths(self) -> list[int]:
        """The numbers of candidates that are searched for.

        Where a deeper search only appends to what a shallower one finds, documents that are tied with the last one
        returned are searched for, too. The baseline's margin is read there. What is expected of larger corpora is drawn
        from lists of the same depth for all methods, those that nothing rescores and the baseline among them.
        """
        depth = max(self.study.config.depth_with_ties, self.growth.get("depth", 0))
        is_deeper = self.index_class.prefix_stable and depth > max(self.depths)
        return self.depths + ([depth] if is_deeper or self.name == self.study.config.baseline else [])

    @property
    def growth(self) -> dict[str, int]:
        """What its search is told of the subsets of a corpus; nothing if it looks at none.

        Only settings at the least ``top_k`` are measured in them. An index that is no store would have to be built for
        each.
        """
        config = self.study.config
        is_exact = self.is_flat and self.index_class.is_exact
        if not is_exact or not config.growth.halvings or self.study.is_drifted:
            return {}
        return {**config.growth.model_dump(), "depth": min(config.top_k) * max(LISTED, *config.rescore.multipliers)}

    def subset_depths(self, documents: int) -> list[int]:
        """Return the candidates that are found in each subset of so many ``documents``, of as many as there may be."""
        halvings = range(1, self.growth.get("halvings", 0) + 1)
        return [self.growth["depth"] for halving in halvings if documents >> halving > self.growth["depth"]]

    @property
    def targets(self) -> list[int]:
        """The numbers of documents that its growth is projected to."""
        vectors = self.study.config.requirements.vectors
        return sorted({*SIZES, *([vectors] if vectors else [])}) if self.growth else []

    @property
    def is_searched_by_part(self) -> bool:
        """Whether each part of the corpus is searched by a separate job."""
        return self.is_flat and self.index_class.is_exact and self.study.config.search.by == "part"

    @property
    def exact_twins(self) -> list[str]:
        """The methods that scan the codes of this approximate one, with the same scoring: at most one counts."""
        if self.scans_all:
            return []
        others = self.study.methods.values()
        return [other.name for other in others if other.scans_all and other.scored_by == self.scored_by][:1]

    @property
    def scans_all(self) -> bool:
        """Whether it compares a query with the codes of all documents."""
        return self.index_class.scans_all(self.build, self.search)

    @property
    def scored_by(self) -> tuple[Any, ...]:
        """What decides the scores of documents: methods with the same rank all codes in the same order."""
        return self.entry.codec, self.scoring, *self.index_class.same_codes(self.build, self.search)

    @cached_property
    def build(self) -> Any:
        """How its index is built, an instance of the ``build_parameters`` of its class."""
        return read_entry(self.index_class.build_parameters, self.entry.build)

    @cached_property
    def search(self) -> Any:
        """How its index is searched, an instance of the ``search_parameters`` of its class."""
        return read_entry(self.index_class.search_parameters, self.entry.search)

    def obstacle(self, documents: int, dim: int) -> str | None:
        """Say what keeps it from being used for so many ``documents`` of ``dim`` dimensions; None if nothing."""
        fitted_on = self.study.fitted_on(documents)
        if reason := self.codec.obstacle(Extent(fitted_on, dim)):
            return reason
        extent = Extent(documents, self.codec.quantized_dim(dim), seen=fitted_on)
        reason = self.index_class.obstacle(self.codec, extent, self.build)
        return f"index {self.entry.index}: {reason}" if reason else None

    def index_bytes(self, documents: int, dim: int) -> int:
        """Return the bytes of its index of ``documents`` of ``dim`` dimensions."""
        return round(self.index_class.file_bytes(documents, self.codec, dim, self.build))

    @property
    def modules(self) -> list[str]:
        """The library's modules that searching it takes, beyond those of the command."""
        return [*self.codec.modules, self.index_class.__module__]

    @property
    def store_modules(self) -> list[str]:
        """The library's modules that its rescore stores take."""
        return [module for store in self.rescore_stores for module in self.study.store_modules(store)]
