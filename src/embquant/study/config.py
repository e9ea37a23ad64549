"""The configuration of a study as typed entries: checked, with defaults filled in."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from embquant.datasets.spec import DatasetSpec, parse_dataset
from embquant.embedding.spec import ModelSpec, parse_model
from embquant.entries import Entry, Expected, Number, read_entry, reading, shown
from embquant.errors import InputError
from embquant.measure.metrics import parse_metric
from embquant.quantize.codecs import CODECS, CodecSpec, parse_codec
from embquant.quantize.fit_on import FitOn
from embquant.study.configfile import read_yaml
from embquant.study.grid import Grid, with_grid
from embquant.study.hybrid import BM25Entry, Fusion, Reranker
from embquant.study.method_entry import MethodEntry, swept
from embquant.study.references import check_references
from embquant.study.requirements import Prices, Requirements

SMALL_BYTES = 100_000
"""Bytes of text, at most, that are embedded in one part if a configuration doesn't say in how many."""


def _unique(values: list[Any]) -> list[Any]:
    twice = next((value for place, value in enumerate(values) if value in values[:place]), None)
    if twice is not None:
        raise ValueError(f"{twice!r} is listed twice")
    return values


def _known_metric(name: str) -> str:
    parse_metric(name)
    return name


def _chosen(read: Callable[[Any], Any]) -> PlainValidator:
    """Return the validator of an entry whose class depends on one of its values."""

    def read_mapping(values: Any) -> Any:
        if not isinstance(values, Mapping):
            raise InputError(f"expected a mapping, not {shown(values)}")
        return read(values)

    return PlainValidator(reading(read_mapping), json_schema_input_type=dict[str, Any])


Name = Annotated[
    str, Field(pattern="^[a-z0-9][a-z0-9-]*$"), Expected("a name of lower-case letters, digits and hyphens")
]
Unique = Field(min_length=1, json_schema_extra={"uniqueItems": True})
Counts = Annotated[list[Annotated[int, Field(ge=1)]], Unique, AfterValidator(_unique)]
Names = Annotated[list[str], Unique, AfterValidator(_unique)]
Metrics = Annotated[list[Annotated[str, AfterValidator(reading(_known_metric))]], Unique, AfterValidator(_unique)]


@dataclass(frozen=True)
class CodecEntry:
    """The entry of a codec: ``family``, perhaps ``transform``, and the family's parameters."""

    values: dict[str, Any]
    """The entry as it was written."""
    spec: CodecSpec

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """Read and check the entry."""
        if not isinstance(values.get("family"), str):
            raise InputError(f"family is {shown(values.get('family'))}, expected one of {', '.join(CODECS.names())}")
        return cls(dict(values), parse_codec(values))


class Rescore(Entry):
    """How candidates are scored again."""

    stores: Annotated[list[str], AfterValidator(_unique), Field(json_schema_extra={"uniqueItems": True})] = Field(
        [],
        description="codecs whose stores rescore candidates, if they are at least as fine as the method's codec",
    )
    multipliers: Counts = Field([4], description="candidates per query = `top_k` × multiplier")


class Search(Entry):
    """How candidates are found."""

    by: Literal["index", "part"] = Field(
        "index",
        description="`index`: one job searches the whole corpus. `part`: one job per part, and the results are merged; "
        "they are the same. Approximate methods always search their one index",
    )


class Growth(Entry):
    """The smaller corpora that exact methods are measured on as well, to show what more documents change."""

    halvings: int = Field(
        10,
        ge=0,
        le=30,
        description="how often the corpus is halved, at most: until a half would lose judged documents, or has no more "
        "documents than a search finds candidates. 0: not at all",
    )
    seed: int = Field(0, ge=0, description="seed of the choice of documents")


class Statistics(Entry):
    """How differences are judged."""

    confidence: Number = Field(
        0.95, ge=0.5, le=0.9999, description="confidence level of all intervals; tests use α = 1 − confidence"
    )
    resamples: int = Field(10_000, ge=1000, description="number of bootstrap resamples and of random sign flips")
    seed: int = Field(0, ge=0, description="seed of the resamples and of the sign flips")


class Timing(Entry):
    """How searches are timed."""

    threads: Annotated[Literal["all"] | Annotated[int, Field(ge=1)], Expected("a number of threads, or all")] = Field(
        "all", description="threads of a timed search; `all`: the cores of the run"
    )
    rounds: int = Field(6, ge=1, description="least number of rounds; each times everything once")
    single_queries: int = Field(20, ge=1, description="queries per round that are timed one at a time")
    precision: Number = Field(
        0.03,
        gt=0,
        description="half the width of a median's 95 % interval, as a share of the median, that ends the rounds",
    )
    seconds: Number = Field(
        0.2, ge=0, description="seconds that a search may be timed for, after which it gets no further round"
    )


def _are_small(datasets: Iterable[DatasetSpec]) -> bool:
    """Return whether loading the model for each part would take longer than embedding their texts.

    Pooled datasets have the texts of their members.
    """
    own = [dataset for dataset in datasets if not dataset.members()]
    files = [[] if dataset.addresses() else dataset.input_files() for dataset in own]
    return all(files) and sum(file.stat().st_size for some in files for file in some) <= SMALL_BYTES


class Configuration(Entry):
    """A study: datasets × models × methods."""

    study: Name = Field(description="name; the reports go to `results/reports/<study>/`")
    datasets: dict[Name, Annotated[DatasetSpec, _chosen(partial(parse_dataset, where=""))]] = Field(
        min_length=1, description="name → a source and its keys"
    )
    evaluate: Names | None = Field(
        None, description="datasets in the reports, all by default; the others are only members of `pooled` ones"
    )
    models: dict[Name, Annotated[ModelSpec, _chosen(partial(parse_model, where=""))]] = Field(
        min_length=1, description="name → a model"
    )
    parts: int = Field(
        4,
        ge=1,
        le=999,
        description="pieces of a corpus, embedded in parallel; a crash loses unfinished ones only. Left out: `1` if "
        "the files of all datasets have at most 100 kB together",
    )
    codecs: dict[Name, Annotated[CodecEntry, _chosen(CodecEntry.read)]] = Field(
        min_length=1, description="name → `family`, its parameters and, if wanted, `transform`"
    )
    methods: Annotated[dict[Name, MethodEntry], AfterValidator(swept)] = Field(
        min_length=1, description="name → `codec`, `index`, `scoring`, `build`, `search`"
    )
    grid: Grid | None = Field(
        None,
        description="dimensions and codecs, each measured with each: codecs and methods are made of it",
    )
    disk_gb: Number | None = Field(
        None,
        ge=0,
        description="GB (10⁹ bytes) that the study may still write; default: the free space of the disk. A run that "
        "needs more is refused before it embeds anything",
    )
    baseline: str = Field(
        "float32",
        description="the method that all others are compared with: a float32 codec with a flat index; if models "
        "have codes alone, a codec that reads the finest of these, with a flat index and exact `scoring`",
    )
    top_k: Counts = Field([10, 100], description="numbers of documents that a search returns")
    rescore: Rescore = Rescore()
    search: Search = Search()
    bm25: Annotated[BM25Entry | Literal["none"], Expected("a mapping with k1, b and stopwords, or none")] = Field(
        BM25Entry(),
        description="a search by words, with which judged datasets are compared; `none`: none. See below",
    )
    fusion: Fusion | None = Field(
        None,
        description="fuse the list of each setting with that of another search, as hybrid searches do; `fusion.csv` "
        "has what settings keep then. See below",
    )
    reranker: Reranker | None = Field(
        None,
        description="rank what each setting returns again; `reranking.csv` has what settings keep then. See below",
    )
    fit_on: FitOn | None = Field(
        None,
        description="the documents that codecs and indexes are fitted on a second time, as in a system that grows; "
        "`drift.csv` compares. See below",
    )
    metrics: Metrics = Field(
        ["nDCG@10", "RR@10", "AP@100", "R@10", "R@100", "overlap@10", "rbo"],
        description="`nDCG@k`, `RR@k`, `AP@k`, `R@k`, `P@k`, `overlap@k`, `rbo`",
    )
    growth: Growth = Growth()
    statistics: Statistics = Statistics()
    worst_queries: int = Field(
        10,
        ge=0,
        description="number of queries per setting in `worst_queries.csv`: those that lose most against float32",
    )
    timing: Timing = Timing()
    prices: Prices = Prices()
    requirements: Requirements = Field(
        Requirements(), description="what the recommended setting has to meet; see below"
    )

    @model_validator(mode="before")
    @classmethod
    def _with_grid(cls, values: Any) -> Any:
        return reading(with_grid)(values)

    @model_validator(mode="after")
    def _check_references(self) -> Self:
        check_references(self)
        return self

    @property
    def reference(self) -> str | None:
        """The precision of the codes that stand for the models' vectors; None where these are floats."""
        return next(iter(self.models.values())).reference

    @property
    def compared_with(self) -> str:
        """What reports call the search that all else is compared with: float32, or the baseline if it scans codes."""
        return "float32" if self.reference is None else self.baseline

    @property
    def depth_with_ties(self) -> int:
        """How many documents a search finds at least, so that those tied with the last one returned are seen."""
        return 2 * max(self.top_k)

    @classmethod
    def read(cls, values: Mapping[str, Any], name: str = "config.yaml") -> Self:
        """Check a configuration and fill in its defaults; a mistake is an InputError that starts with ``name``."""
        config = read_entry(cls, values, name)
        is_one_part = "parts" not in values and _are_small(config.datasets.values())
        return config.model_copy(update={"parts": 1}) if is_one_part else config

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the YAML file ``path``; anything wrong is an InputError that starts with its name."""
        return cls.read(read_yaml(path), str(path))

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as JSON would have it, with all defaults; :meth:`read` makes the same of it."""
        entries = {"datasets", "models", "codecs", "methods"}
        values = self.model_dump(exclude=entries, exclude_none=True)
        return {
            **values,
            "datasets": {name: entry.given() for name, entry in self.datasets.items()},
            "models": {name: entry.given() for name, entry in self.models.items()},
            "codecs": {name: entry.values for name, entry in self.codecs.items()},
            "methods": {
                method.index_name: method.written.model_dump(exclude_none=True) for method in self.methods.values()
            },
        }
