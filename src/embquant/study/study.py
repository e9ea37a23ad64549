"""What follows from a configuration: for each method its scoring, depths, rescore stores, index and settings.

The workflow and the reports ask here, so nothing of this is decided anywhere else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from embquant.datasets.spec import SOURCES
from embquant.embedding.spec import PROMPTS
from embquant.entries import NoParameters, read_entry
from embquant.indexes import index_class
from embquant.indexes.base import Index
from embquant.measure.metrics import parse_metric
from embquant.quantize.codecs import CodecSpec
from embquant.quantize.extent import Extent
from embquant.study import Setting, settings_of
from embquant.study.config import Configuration, MethodEntry
from embquant.study.layout import Layout

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

    @cached_property
    def rescore_stores(self) -> list[str]:
        """The codecs whose stores can rescore it: those at least as fine, unless nothing can change."""
        if self.is_float32:
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

        Where a deeper search only appends to what a shallower one finds, these are at least twice the largest
        ``top_k``: so documents that are tied with the last one returned are seen. The baseline's margin is read there.
        """
        depth = 2 * max(self.study.config.top_k)
        is_deeper = self.index_class.prefix_stable and depth > max(self.depths)
        return self.depths + ([depth] if is_deeper or self.name == self.study.config.baseline else [])

    @property
    def growth(self) -> dict[str, int]:
        """What its search is told of the subsets of a corpus; nothing if it looks at none.

        Only settings at the least ``top_k`` are measured in them. An index that is no store would have to be built for
        each.
        """
        config = self.study.config
        if not self.is_flat or not config.growth.halvings:
            return {}
        return {**config.growth.model_dump(), "depth": min(config.top_k) * max(2, *config.rescore.multipliers)}

    @property
    def is_searched_by_part(self) -> bool:
        """Whether each part of the corpus is searched by a separate job."""
        return self.is_flat and self.index_class.is_exact and self.study.config.search.by == "part"

    @property
    def exact_twins(self) -> list[str]:
        """The methods that scan the codes of this approximate one, with the same scoring: at most one counts."""
        if self.index_class.is_exact:
            return []
        wanted = (self.entry.codec, self.scoring)
        others = self.study.methods.values()
        exact = [
            other for other in others if other.index_class.is_exact and (other.entry.codec, other.scoring) == wanted
        ]
        return [other.name for other in exact][:1]

    @cached_property
    def build(self) -> Any:
        """How its index is built, an instance of the ``build_parameters`` of its class."""
        return read_entry(self.index_class.build_parameters, self.entry.build)

    def obstacle(self, documents: int, dim: int) -> str | None:
        """Say what keeps it from being used for so many ``documents`` of ``dim`` dimensions; None if nothing."""
        if reason := self.codec.obstacle(Extent(documents, dim)):
            return reason
        reason = self.index_class.obstacle(self.codec, Extent(documents, self.codec.quantized_dim(dim)), self.build)
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


@dataclass(frozen=True)
class Study:
    """A study: its configuration, and what follows from it."""

    config: Configuration

    @classmethod
    def read(cls, values: Mapping[str, Any], name: str = "config.yaml") -> Self:
        """Check a configuration as read from YAML or JSON; what is wrong is an InputError that begins with ``name``."""
        return cls(Configuration.read(values, name))

    def swept(self) -> dict[str, Any]:
        """Return the configuration as JSON would have it, each method of a sweep by itself."""
        methods = {name: method.entry.model_dump(exclude_none=True) for name, method in self.methods.items()}
        return {**self.config.to_dict(), "methods": methods}

    @property
    def name(self) -> str:
        """The name that its reports go by."""
        return self.config.study

    @cached_property
    def layout(self) -> Layout:
        """Where its files lie."""
        return Layout(self.name, self.config.parts)

    @cached_property
    def codecs(self) -> dict[str, CodecSpec]:
        """Its codecs by name."""
        return {name: entry.spec for name, entry in self.config.codecs.items()}

    @cached_property
    def methods(self) -> dict[str, StudyMethod]:
        """Its methods by name, each combination of swept search parameters one of them."""
        return {name: StudyMethod(name, entry, self) for name, entry in self.config.methods.items()}

    @property
    def baseline(self) -> StudyMethod:
        """The method that all others are compared with."""
        return self.methods[self.config.baseline]

    @property
    def datasets(self) -> list[str]:
        """The datasets that it reports on: all, unless ``evaluate`` names some."""
        return self.config.evaluate or list(self.config.datasets)

    @property
    def models(self) -> list[str]:
        """Its models."""
        return list(self.config.models)

    @property
    def text_models(self) -> list[str]:
        """Its models that embed texts; the others were computed elsewhere."""
        return [name for name, entry in self.config.models.items() if entry.type != "precomputed"]

    def members(self, dataset: str) -> list[str]:
        """Return the datasets that a pooled one joins; none for any other."""
        return list(self.config.datasets[dataset].members())

    def dataset_inputs(self, dataset: str) -> list[str]:
        """Return the files that a dataset is read from, as far as they are there: the step names what is missing."""
        joined = [file for member in self.members(dataset) for file in self.layout.dataset_files(member)]
        return joined + [str(path) for path in self.config.datasets[dataset].input_files()]

    def dataset_modules(self, dataset: str) -> list[str]:
        """Return the library's modules that reading a dataset takes beyond those of the command."""
        return [SOURCES.module(self.config.datasets[dataset].source)]

    def model_entry(self, model: str) -> dict[str, Any]:
        """Return what preparing a model depends on: its entry without the prompts."""
        values = self.config.to_dict()["models"][model]
        return {key: value for key, value in values.items() if key not in PROMPTS}

    def prompt_option(self, model: str, role: str, option: str) -> list[str]:
        """Return ``option`` with the text that a model's entry puts before each ``query`` or ``document``, if any."""
        prompt = getattr(self.config.models[model], f"{role}_prompt", None)
        return [] if prompt is None else [f"{option}={prompt}"]

    def model_inputs(self, model: str) -> list[str]:
        """Return the local files that a model is read from, as far as they are there."""
        return [str(path) for path in self.config.models[model].input_files(self.datasets)]

    def given_vectors(self, dataset: str, model: str) -> list[str]:
        """Return the files of embeddings that were computed elsewhere; none for a model that embeds texts."""
        if model in self.text_models:
            return []
        return [str(path) for path in self.config.models[model].input_files([dataset])]

    @property
    def metric_modules(self) -> list[str]:
        """The modules that define its metrics."""
        return [parse_metric(metric).kind.__module__ for metric in self.config.metrics]

    def store_bytes(self, codec: str, documents: int, dim: int) -> int:
        """Return the bytes of a codec's store."""
        return round(self.store_class(codec).file_bytes(documents, self.codecs[codec], dim, NoParameters()))

    def store_file(self, codec: str) -> str:
        """Return the pattern of a codec's store."""
        return self.layout.store(codec, self.store_class(codec).suffix)

    def store_manifest(self, codec: str) -> str:
        """Return the pattern of the manifest beside a codec's store."""
        return f"{self.store_file(codec)}.json"

    def named_stores(self, codecs: Iterable[str]) -> list[str]:
        """Return the patterns of rescore stores as the commands take them, NAME=MANIFEST."""
        return [f"{codec}={self.store_manifest(codec)}" for codec in codecs]

    def store_modules(self, codec: str) -> list[str]:
        """Return the library's modules that a codec's store takes."""
        return [*self.codecs[codec].modules, self.store_class(codec).__module__]

    @property
    def rescore_stores(self) -> list[str]:
        """The codecs whose stores rescore any method."""
        used = {store for method in self.methods.values() for store in method.rescore_stores}
        return [store for store in self.config.rescore.stores if store in used]

    @property
    def stores(self) -> list[str]:
        """The codecs of which a store is built."""
        scanned = [method.entry.codec for method in self.methods.values() if method.is_flat]
        return list(dict.fromkeys([*scanned, *self.rescore_stores]))

    @property
    def indexes(self) -> dict[str, StudyMethod]:
        """The indexes that are no stores, each with a method that searches it; methods may share one."""
        return {method.entry.index_name: method for method in self.methods.values() if not method.is_flat}

    def store_class(self, codec: str) -> type[Index[Any]]:
        """Return the class of the flat index that a codec's store is."""
        return index_class(self.codecs[codec].family.family, FLAT)
