"""What follows from a configuration: for each method its scoring, depths, rescore stores, index and settings.

The workflow and the reports ask here, so nothing of this is decided anywhere else.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from embquant.datasets.spec import SOURCES
from embquant.embedding.spec import PROMPTS, for_dataset
from embquant.entries import NoParameters
from embquant.errors import InputError
from embquant.indexes import index_class
from embquant.indexes.base import Index
from embquant.measure.metrics import parse_metric
from embquant.quantize.codecs import CodecSpec
from embquant.study.builds import further_builds
from embquant.study.config import Configuration
from embquant.study.drift import drifted, drifted_configuration, is_drifted, undrifted
from embquant.study.hybrid import Fusion, Reranker
from embquant.study.layout import Layout
from embquant.study.method import FLAT, StudyMethod


@dataclass(frozen=True)
class Study:
    """A study: its configuration, and what follows from it.

    ``is_drifted``: all that is fitted is fitted on the documents of ``fit_on`` alone.
    """

    config: Configuration
    is_drifted: bool = False

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
    def drifted(self) -> "Study":
        """The study as it is if documents are added later; itself if its configuration has no ``fit_on``."""
        if self.config.fit_on is None or self.is_drifted:
            return self
        return Study(drifted_configuration(self), is_drifted=True)

    @cached_property
    def drifted_methods(self) -> dict[str, StudyMethod]:
        """The methods that differ if documents are added later, by names of their own."""
        return {name: method for name, method in self.drifted.methods.items() if name not in self.methods}

    @cached_property
    def repeated(self) -> dict[str, StudyMethod]:
        """The methods of indexes that vary on their further builds, by names of their own."""
        return {
            again: StudyMethod(again, method.entry.with_codes(method.entry.codec, index), self)
            for name, method in self.methods.items()
            if method.index_class.varies
            for again, index in zip(further_builds(name), further_builds(method.entry.index_name), strict=True)
        }

    @cached_property
    def searched(self) -> dict[str, StudyMethod]:
        """The methods that are searched and evaluated: its own, and those to compare them with."""
        return self.methods | self.drifted_methods | self.repeated

    def fitted_on(self, documents: int) -> int:
        """Return how many of so many ``documents`` codecs and indexes are fitted on."""
        fit_on = self.config.fit_on
        return fit_on.count(documents) if fit_on is not None and self.is_drifted else documents

    def fit_on(self, name: str) -> dict[str, Any] | None:
        """Return what the codec or index ``name`` is fitted on, as an entry; None for all documents."""
        fit_on = self.config.fit_on
        return fit_on.model_dump(exclude_none=True) if fit_on is not None and is_drifted(name) else None

    def groups(self, name: str) -> list[str]:
        """Return the pattern of the file that has the groups that the codec or index ``name`` is fitted on, if any."""
        fit_on = self.fit_on(name)
        return [self.layout.corpus()] if fit_on and fit_on["by"] == "group" else []

    def fit_on_option(self, name: str) -> list[str]:
        """Return the option that says what the codec or index ``name`` is fitted on; none for all documents."""
        fit_on = self.fit_on(name)
        return [f"--fit-on={json.dumps(fit_on)}"] if fit_on else []

    @cached_property
    def codecs(self) -> dict[str, CodecSpec]:
        """Its codecs by name, those fitted on the documents of ``fit_on`` among them."""
        specs = {name: entry.spec for name, entry in self.config.codecs.items()}
        if self.config.fit_on is None or self.is_drifted:
            return specs
        return specs | {drifted(name, spec.learns): spec for name, spec in specs.items()}

    def codec_entry(self, codec: str) -> dict[str, Any]:
        """Return a codec's entry as it was written."""
        return self.config.codecs[undrifted(codec)].values

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
    def companion(self) -> list[str]:
        """The pattern of what the list of each setting is fused with, if it is."""
        if self.config.fusion is None:
            return []
        return [self.layout.bm25() if self.config.fusion.run is None else self.layout.given_run()]

    def run_file(self, dataset: str) -> str:
        """Return the run file of what a dataset's lists are fused with; an InputError if it is missing."""
        run = self.config.fusion.run if self.config.fusion else None
        return _existing(for_dataset(run or "", dataset)[0], "fusion.with.run")

    @property
    def fusion_depth(self) -> int:
        """How many documents of each list are fused."""
        return self._depth(self.config.fusion)

    @property
    def fusion_options(self) -> list[str]:
        """The options of evaluating a method that say how its lists are fused; patterns, none without fusion."""
        if self.config.fusion is None:
            return []
        return [
            f"--companion={self.companion[0]}",
            f"--fusion-k={self.config.fusion.k}",
            f"--fusion-depth={self.fusion_depth}",
            f"--fused={self.layout.fused()}",
        ]

    @property
    def stage_depth(self) -> int:
        """How many documents a setting hands to the stage that it is judged after."""
        is_fused = self.config.requirements.judge_after == "fusion"
        return self._depth(self.config.fusion if is_fused else self.config.reranker)

    def _depth(self, stage: Fusion | Reranker | None) -> int:
        return (stage and stage.depth) or max(self.config.top_k)

    @property
    def reranked(self) -> list[str]:
        """The patterns of the folders of all runs of a dataset whose results are ranked again."""
        if self.config.reranker is None:
            return []
        return [self.layout.run(method, model=model) for model in self.models for method in self.methods]

    def reranker_option(self, dataset: str) -> list[str]:
        """Return the options that say what ranks the results of a dataset again."""
        return self.config.reranker.options(dataset) if self.config.reranker else []

    def reranker_inputs(self, dataset: str) -> list[str]:
        """Return the files of what ranks the results of a dataset again; an InputError if they are missing."""
        option, _, name = self.reranker_option(dataset)[0].partition("=")
        if option == "--run-file":
            return [_existing(name, "reranker.run")]
        folder = Path(name)
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; reranker.model names it, save a CrossEncoder there")
        return [str(file) for file in sorted(folder.iterdir()) if file.is_file()]

    def require_stages(self) -> None:
        """Raise an InputError if a file that lists are fused with, or that ranks them again, is missing.

        Where reports are there already, Snakemake takes them for up to date if an input is missing.
        """
        for dataset in self.datasets:
            if self.config.fusion and self.config.fusion.run:
                self.run_file(dataset)
            if self.config.reranker:
                self.reranker_inputs(dataset)

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
        scanned = [method.entry.codec for method in self.searched.values() if method.is_flat]
        return list(dict.fromkeys([*scanned, *self.rescore_stores, *self.drifted.rescore_stores]))

    @property
    def indexes(self) -> dict[str, StudyMethod]:
        """The indexes that are no stores, each with a method that searches it; methods may share one."""
        methods = [*self.drifted_methods.values(), *self.repeated.values(), *self.methods.values()]
        return {method.entry.index_name: method for method in methods if not method.is_flat}

    def store_class(self, codec: str) -> type[Index[Any]]:
        """Return the class of the flat index that a codec's store is."""
        return index_class(self.codecs[codec].family.family, FLAT)


def _existing(path: str, key: str) -> str:
    """Return the path of a file; an InputError if there is none."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; {key} names it")
    return path
