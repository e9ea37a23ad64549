"""The plan of a study: how many texts and settings it has, how long embedding takes, and what it writes at most.

The disk is checked before anything is embedded. Bytes are an upper estimate, rows × bytes per row:
Parquet compresses most files to less. Only the time of embedding is estimated, from a measurement.
"""

import math
import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from embquant.errors import InputError
from embquant.files.atomic import read_json
from embquant.measure.crowding import REACH
from embquant.quantize.extent import Extent
from embquant.study.study import Study

SCORE_BYTES = 8
"""The score of a candidate in Parquet. Its row takes as many bytes as the greatest one needs."""

METRIC_BYTES = 8
"""A metric of one query at one setting, float64."""

MINUTE, HOUR, DAY = 60, 3600, 86_400

PLANNED = (
    *("study", "evaluate", "parts", "codecs", "fit_on", "methods"),
    *("disk_gb", "top_k", "bm25", "fusion", "reranker", "rescore", "metrics", "growth"),
)
"""The keys of a configuration that its plan depends on: another price is no reason to plan again."""


@dataclass(frozen=True)
class Rate:
    """Texts per second of one job, and the mean tokens per text and per query."""

    texts_per_second: float
    tokens_per_text: float
    tokens_per_query: float

    def seconds(self, texts: int, queries: int) -> float:
        """Return the seconds that one job takes for so many texts and queries, in proportion to their tokens."""
        return (texts + queries * self.tokens_per_query / self.tokens_per_text) / self.texts_per_second


@dataclass(frozen=True)
class Corpus:
    """What is known of a dataset with a model once both are prepared.

    ``distinct``: different texts; ``embedded``: texts that are embedded, or vectors that are looked up; ``rate``: how
    fast texts are embedded here, None if the vectors were computed elsewhere; ``vectors``: what those of a sample are
    like, in words, empty if they were computed elsewhere.
    """

    dataset: str
    model: str
    documents: int
    distinct: int
    embedded: int
    queries: int
    dim: int
    rate: Rate | None
    vectors: str = ""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what :func:`dataclasses.asdict` made of one."""
        return cls(**{**values, "rate": Rate(**values["rate"]) if values["rate"] else None})


@dataclass(frozen=True)
class LeftOut:
    """A method, or a rescore ``store`` of it, that doesn't fit a dataset and model, and the number of its settings."""

    dataset: str
    model: str
    method: str
    store: str | None
    settings: int
    reason: str

    @property
    def name(self) -> str:
        """What is left out, to a reader."""
        return f"rescoring by {self.store}" if self.store else self.method


@dataclass(frozen=True)
class PlannedFile:
    """A file that the study writes; a temporary one counts ``until`` the file made from it exists."""

    path: str
    bytes: int
    until: str | None = None

    @property
    def is_missing(self) -> bool:
        """Whether it is still to be written."""
        return not Path(self.path).exists() and not (self.until and Path(self.until).exists())


@dataclass(frozen=True)
class Plan:
    """A study's corpora, its axes (how many methods, stores, multipliers, top_k, settings), and its files.

    ``left_out`` has what can't be measured, for the numbers of documents and dimensions that there are.
    """

    study: str
    disk_gb: float | None
    results: str
    axes: dict[str, int]
    corpora: list[Corpus]
    left_out: list[LeftOut]
    files: list[PlannedFile]

    @classmethod
    def of(cls, study: Study, corpora: Sequence[Corpus]) -> Self:
        """Plan a study of the ``corpora`` that are known."""
        config = study.config
        return cls(
            study=study.name,
            disk_gb=config.disk_gb,
            results=study.layout.dataset("").rstrip("/"),
            axes={
                "methods": len(study.methods),
                "stores": len(study.rescore_stores),
                "multipliers": len(config.rescore.multipliers),
                "top_k": len(config.top_k),
                "settings": sum(len(method.settings) for method in study.methods.values()),
            },
            corpora=list(corpora),
            left_out=[one for corpus in corpora for one in left_out(study, corpus)],
            files=list({file.path: file for corpus in corpora for file in files(study, corpus)}.values()),
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a plan that ``plan-study`` wrote."""
        values = read_json(path, noted=False)
        corpora = [Corpus.from_dict(corpus) for corpus in values.pop("corpora")]
        files = [PlannedFile(**file) for file in values.pop("files")]
        without = [LeftOut(**one) for one in values.pop("left_out")]
        return cls(corpora=corpora, left_out=without, files=files, **values)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as values for JSON."""
        return asdict(self)

    def bytes_to_write(self) -> int:
        """Return the bytes of the files that don't exist yet."""
        return sum(file.bytes for file in self.files if file.is_missing)

    def check_disk(self) -> None:
        """Refuse, in one line, a plan whose files don't fit on the disk."""
        needed, (free, source) = self.bytes_to_write(), self._available()
        if needed > free:
            raise InputError(
                f"study {self.study}: up to {size(needed)} are to be written under {Path(self.results).resolve()}, "
                f"{size(free)} {source}; make room, leave out methods or depths, or set disk_gb to what may be written"
            )

    def lines(self) -> Iterator[str]:
        """Say what the study does, for a terminal of 80 columns."""
        yield f"Plan of the study {self.study}"
        for corpus in self.corpora:
            yield f"  {corpus.dataset} · {corpus.model}"
            yield (
                f"    documents  {corpus.documents:,}, {corpus.distinct:,} different texts; {corpus.queries:,} queries"
            )
            if corpus.rate is not None:
                seconds = corpus.rate.seconds(corpus.embedded, corpus.queries)
                yield (
                    f"    embedding  {corpus.dim} dimensions, {corpus.rate.tokens_per_text:.0f} tokens per text; "
                    f"{duration(seconds)} on one core"
                )
            yield from _wrapped("vectors", corpus.vectors)
            yield from self._left_out(corpus)
        free, source = self._available()
        yield f"  settings   {self._settings()}"
        yield f"  disk       up to {size(self.bytes_to_write())} to write, {size(free)} {source}"

    def _left_out(self, corpus: Corpus) -> Iterator[str]:
        """Say what is left out for a corpus: what has the same reason together."""
        names: dict[str, dict[str, None]] = {}
        for one in self.left_out:
            if (one.dataset, one.model) == (corpus.dataset, corpus.model):
                names.setdefault(one.reason, {})[one.name] = None
        for reason, what in names.items():
            yield from _wrapped("left out", f"{', '.join(what)}: {reason}")

    def _settings(self) -> str:
        counted = [_counted(self.axes[f"{word}s"], word) for word in ("method", "store", "multiplier")]
        settings = self.axes["settings"] * len(self.corpora) - sum(one.settings for one in self.left_out)
        return f"{settings:,} ({counted[0]}, {counted[1]} × {counted[2]} × {self.axes['top_k']} top_k)"

    def _available(self) -> tuple[float, str]:
        """Return the bytes that may be written, and what limits them: the configuration or the disk."""
        if self.disk_gb is not None:
            return self.disk_gb * 1e9, "allowed by disk_gb"
        folder = Path(self.results).resolve()
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        return shutil.disk_usage(existing).free, "free"


def _wrapped(label: str, text: str) -> list[str]:
    """Return the lines of a text for a terminal of 80 columns; none if it is empty."""
    return textwrap.wrap(text, 80, initial_indent=f"    {label:11}", subsequent_indent=15 * " ")


def left_out(study: Study, corpus: Corpus) -> Iterator[LeftOut]:
    """Yield the methods and the rescore stores that can't be used for a dataset with a model.

    Those that are there to compare a study's methods with have no settings of their own.
    """
    for method in study.searched.values():
        extent = Extent(method.study.fitted_on(corpus.documents), corpus.dim)
        stores = [setting.store for setting in method.settings if method.name in study.methods]
        if reason := method.obstacle(corpus.documents, corpus.dim):
            yield LeftOut(corpus.dataset, corpus.model, method.name, None, len(stores), reason)
            continue
        for store in method.rescore_stores:
            if reason := study.codecs[store].obstacle(extent):
                yield LeftOut(corpus.dataset, corpus.model, method.name, store, stores.count(store), reason)


def files(study: Study, corpus: Corpus) -> Iterator[PlannedFile]:
    """Yield the files of a dataset with a model that are larger than a few kB."""
    extent = Extent(corpus.documents, corpus.dim)
    methods = [method for method in study.searched.values() if not method.obstacle(corpus.documents, corpus.dim)]
    layout, place = study.layout, (corpus.dataset, corpus.model)
    vector_bytes = 4 * corpus.dim
    row_bytes = vector_bytes + sum(study.config.models[corpus.model].code_widths(corpus.dim).values())
    for part, distinct in zip(
        layout.each_part(layout.embeddings(*place)),
        layout.each_part(layout.distinct_embeddings(*place)),
        strict=True,
    ):
        yield PlannedFile(part, math.ceil(corpus.documents / study.config.parts) * row_bytes)
        yield PlannedFile(distinct, math.ceil(corpus.embedded / study.config.parts) * row_bytes, until=part)
    yield PlannedFile(layout.query_vectors(*place), corpus.queries * vector_bytes)
    for name in study.stores:
        codec = study.codecs[name]
        if codec.obstacle(extent):
            continue
        yield PlannedFile(layout.codec_state(name, *place), codec.state_bytes(corpus.dim))
        store = study.store_file(name).format(dataset=corpus.dataset, model=corpus.model)
        yield PlannedFile(store, study.store_bytes(name, corpus.documents, corpus.dim))
    for method in [index for index in study.indexes.values() if index in methods]:
        path = method.index_file.format(dataset=corpus.dataset, model=corpus.model)
        yield PlannedFile(path, method.index_bytes(corpus.documents, corpus.dim))
    candidate_bytes = SCORE_BYTES + math.ceil(corpus.documents.bit_length() / 8)
    if study.config.bm25 != "none":
        found = corpus.queries * min(study.config.depth_with_ties, corpus.documents)
        yield PlannedFile(layout.bm25(corpus.dataset), found * candidate_bytes)
    for method in methods:
        depths = method.searched_depths[-1:] if method.index_class.prefix_stable else method.searched_depths
        in_subsets = method.subset_depths(corpus.documents)
        found = corpus.queries * sum(min(depth, corpus.documents) for depth in [*depths, *in_subsets])
        yield PlannedFile(layout.candidates(method.name, *place), found * candidate_bytes)
        values = corpus.queries * len(method.settings) * len(study.config.metrics)
        yield PlannedFile(layout.metrics(method.name, *place), values * METRIC_BYTES)
        projected = [target for target in method.targets if corpus.documents < target <= REACH * corpus.documents]
        of_one = values // len(study.config.top_k) * METRIC_BYTES
        yield PlannedFile(layout.growth(method.name, *place), of_one * (1 + len(in_subsets) + len(projected)))
        if study.companion:
            yield PlannedFile(layout.fused(method.name, *place), of_one)


def planned_keys(study: Study) -> dict[str, Any]:
    """Return the part of a configuration that its plan depends on."""
    values = study.config.to_dict()
    return {key: values.get(key) for key in PLANNED}


def duration(seconds: float) -> str:
    """Write a time as roughly as it is known."""
    if seconds < 1.5 * MINUTE:
        return f"about {max(1, round(seconds, -1 if seconds > 20 else 0)):.0f} s"
    if seconds < 1.5 * HOUR:
        return f"about {seconds / MINUTE:.0f} min"
    if seconds < 2 * DAY:
        return f"about {seconds / HOUR:.1f} h"
    return f"about {seconds / DAY:.1f} days"


def size(count: float) -> str:
    """Write bytes in the largest decimal unit that leaves one or more."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB" if count < 1000 else f"{count:,.0f} TB"


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
