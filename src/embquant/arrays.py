"""Evaluate methods on arrays, in one process: for notebooks and scripts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from embquant.datasets.queries import QRELS_FILE
from embquant.errors import InputError, require
from embquant.files.atomic import read_json
from embquant.files.inapplicable import why_inapplicable
from embquant.files.parquet import write_embeddings, write_parquet
from embquant.steps.build_index import build_index
from embquant.steps.build_store import build_store
from embquant.steps.define_method import define_method
from embquant.steps.evaluate_run import evaluate_run
from embquant.steps.search_index import search_index
from embquant.study.study import Study

if TYPE_CHECKING:
    import pandas as pd

Qrels = Mapping[int, Mapping[int, int]]

DATASET, MODEL = "corpus", "vectors"
"""What the arrays are called in a study, which has names for all it measures."""

EXAMPLE = '{"bits": {"codec": "binary", "index": "flat"}}'

SIZES = ("bytes_per_vector", "index_file_bytes", "store_file_bytes")


def evaluate(  # noqa: PLR0913 - a study in one call
    corpus: np.ndarray,
    queries: np.ndarray,
    methods: Mapping[str, Mapping[str, Any]],
    qrels: Qrels | None = None,
    *,
    codecs: Mapping[str, Mapping[str, Any]] | None = None,
    baseline: str = "float32",
    top_k: Sequence[int] = (10,),
    rescore_stores: Sequence[str] = (),
    multipliers: Sequence[int] = (4,),
    metrics: Sequence[str] = ("nDCG@10", "R@10", "overlap@10"),
    threads: int = 1,
) -> "pd.DataFrame":
    """Measure what methods keep of float32's retrieval quality and what they take in bytes.

    The numbers are those of the workflow, whose own steps run in a temporary folder that is removed at the end.

    ``corpus`` float32 (documents, dim) and ``queries`` float32 (queries, dim) are compared by inner product: normalize
    them for cosine similarity. ``methods`` are entries as in ``config.yaml``, by name: ``codec``, ``index`` and perhaps
    ``scoring``, ``build`` and ``search``. A codec is a name of ``codecs``, entries of ``config.yaml`` too, or a family
    such as ``int8`` with its default parameters. ``qrels`` has the relevance of documents, as
    ``{query row: {document row: relevance}}``; without it, metrics that need judgements are empty. Queries
    without a relevant document (above 0) are left out then, as in studies.

    ``baseline`` is the method that others are compared with, exact float32, added if ``methods`` lacks it. The
    candidates of a method are scored again by each of ``rescore_stores``, names of codecs, at each of ``multipliers``,
    if the store is at least as fine as the method's codec.

    It measures the corpus as it is. How results change as a corpus grows (``growth``), and what documents cost that
    come later (``fit_on``), is measured by studies alone: run one of precomputed embeddings (docs/config.md), or call
    this for a part of the corpus that has all judged documents, too.

    Returns one row per setting: ``method``, ``rescore_store``, ``rescore_multiplier``, ``top_k``, ``queries``, the mean
    of each metric, its share of the baseline's (``retention_…``), intervals (``…_low``, ``…_high``), ``verdict``, and
    ``bytes_per_vector``, ``index_file_bytes`` and ``store_file_bytes``; docs/columns.md describes them.
    Shares are empty where the baseline isn't distinguishable from chance (``baseline_p``).

    Anything wrong with the input is an InputError.
    """
    require("report", "pandas")
    _check_kinds(methods, top_k=top_k, rescore_stores=rescore_stores, multipliers=multipliers, metrics=metrics)
    vectors, asked = _matrix(corpus, "corpus"), _matrix(queries, "queries")
    if asked.shape[1] != vectors.shape[1]:
        raise InputError(f"queries: {asked.shape[1]} dimensions, expected {vectors.shape[1]}, as the corpus has")
    methods = {baseline: {"codec": "float32", "index": "flat"}, **methods}
    used = dict.fromkeys([*rescore_stores, *(entry["codec"] for entry in methods.values() if "codec" in entry)])
    study = Study.read(
        {
            "study": "evaluate",
            "datasets": {DATASET: {"source": "files", "path": "."}},
            "models": {MODEL: {"type": "precomputed", "corpus": "."}},
            "parts": 1,
            "codecs": {name: (codecs or {}).get(name, {"family": name}) for name in used},
            "methods": {name: dict(entry) for name, entry in methods.items()},
            "baseline": baseline,
            "top_k": list(top_k),
            "rescore": {"stores": list(rescore_stores), "multipliers": list(multipliers)},
            "metrics": list(metrics),
            "growth": {"halvings": 0},
        },
        "evaluate",
    )
    with TemporaryDirectory(prefix="embquant-") as folder:
        run = StudyOfArrays(study, Path(folder), threads)
        run.write_inputs(vectors, *(_judged(asked, qrels, len(vectors)) if qrels else (asked, {})))
        run.build_and_search()
        for name in study.searched:
            run.evaluate(name)
        return run.table()


@dataclass(frozen=True)
class StudyOfArrays:
    """A study whose files lie below ``folder``."""

    study: Study
    folder: Path
    threads: int

    def path(self, pattern: str) -> Path:
        """Return the file of one of the study's patterns."""
        return self.folder / pattern.format(dataset=DATASET, model=MODEL)

    def write_inputs(self, corpus: np.ndarray, queries: np.ndarray, qrels: Qrels) -> None:
        """Write what a study has of a dataset and a model."""
        layout = self.study.layout
        (embeddings,) = layout.each_part(layout.embeddings())
        for pattern, vectors in ((embeddings, corpus), (layout.query_vectors(), queries)):
            ids = pa.array(np.arange(len(vectors))).cast(pa.string())
            write_embeddings(self.path(pattern), vectors.shape[1], [(ids, vectors)])
        write_parquet(self.path(layout.qrels()), QRELS_FILE, [_judgements(qrels)])

    def build_and_search(self) -> None:
        """Build the stores of all codecs and all indexes, and find the candidates of all methods."""
        for codec in self.study.codecs:
            self.build_store(codec)
        for name in self.study.indexes:
            self.build_index(name)
        for name in self.study.searched:
            self.search(name)

    def build_store(self, codec: str) -> None:
        """Fit a codec, encode the corpus and build the store of its codes."""
        layout = self.study.layout
        build_store(
            entry=self.study.codec_entry(codec),
            embeddings=[self.path(pattern) for pattern in layout.each_part(layout.embeddings())],
            fit_on=self.study.fit_on(codec),
            state=self.path(layout.codec_state(codec)),
            output=self.path(self.study.store_file(codec)),
        )
        self.check(self.study.store_file(codec), codec)

    def build_index(self, name: str) -> None:
        """Build an index that is no store."""
        method = self.study.indexes[name]
        build_index(
            index_kind=method.entry.index,
            store=self.path(self.study.store_manifest(method.entry.codec)),
            parameters=method.entry.build,
            fit_on=self.study.fit_on(name),
            output=self.path(method.index_file),
        )
        self.check(method.index_file, name)

    def search(self, name: str) -> None:
        """Define a method and find its candidates."""
        layout, method = self.study.layout, self.study.searched[name]
        file = self.path(layout.method(name))
        manifest = self.path(method.manifest)
        define_method(name=name, manifest=manifest, scoring=method.scoring, search=method.entry.search, output=file)
        search_index(
            method_file=file,
            query_vectors=self.path(layout.query_vectors()),
            corpus=self.path(layout.corpus()),
            qrels=self.path(layout.qrels()),
            depths=method.searched_depths,
            growth=method.growth,
            threads=self.threads,
            output=self.path(layout.candidates(name)),
        )
        self.check(layout.candidates(name), name)

    def check(self, pattern: str, name: str) -> None:
        """Raise an InputError if a file says that the codec or method ``name`` doesn't fit the vectors."""
        if reason := why_inapplicable(self.path(pattern)):
            raise InputError(f"{name}: {reason}")

    def evaluate(self, name: str) -> None:
        """Measure all settings of a method."""
        study, layout, method = self.study, self.study.layout, self.study.searched[name]
        twins = [self.path(layout.candidates(twin)) for twin in method.exact_twins]
        evaluate_run(
            method_file=self.path(layout.method(name)),
            candidates=self.path(layout.candidates(name)),
            reference=self.path(layout.candidates(study.baseline.name)),
            exact_twin=twins[0] if twins else None,
            float32_store=self.path(study.baseline.manifest),
            query_vectors=self.path(layout.query_vectors()),
            qrels=self.path(layout.qrels()),
            stores={store: self.path(study.store_manifest(store)) for store in method.rescore_stores},
            multipliers=study.config.rescore.multipliers,
            top_k=study.config.top_k,
            metrics=study.config.metrics,
            targets=method.targets,
            threads=self.threads,
            output=self.path(layout.metrics(name)),
            growth=self.path(layout.growth(name)),
        )

    def table(self) -> "pd.DataFrame":
        """Return the settings of all methods with their quality and their sizes."""
        from embquant.report.numbers.builds import with_builds
        from embquant.report.numbers.intervals import Chance
        from embquant.report.numbers.significance import Analysis

        runs = [self.path(self.study.layout.run(name)) for name in self.study.methods]
        chance = Chance(**self.study.config.statistics.model_dump())
        again = [self.path(self.study.layout.run(name)) for name in self.study.repeated]
        table = with_builds(Analysis.of(runs, self.study.baseline.name, chance).retrieval(), runs, again)
        table = table.drop(columns=["dataset", "model"])
        pairs = zip(table["method"], table["rescore_store"], strict=True)
        sizes = [self.sizes(method, store) for method, store in pairs]
        return table.assign(**{name: [size[name] for size in sizes] for name in SIZES})

    def sizes(self, method: str, store: str) -> dict[str, int]:
        """Return the bytes of a vector, of the index and of the rescore store of a setting."""
        manifest = self.path(self.study.methods[method].manifest)
        stored = store in self.study.config.rescore.stores
        values = (
            read_json(manifest)["bytes_per_vector"],
            manifest.with_suffix("").stat().st_size,
            self.path(self.study.store_file(store)).stat().st_size if stored else 0,
        )
        return dict(zip(SIZES, values, strict=True))


def _check_kinds(methods: object, **lists: object) -> None:
    """Refuse one value where a list of them is expected, and methods that are no entries."""
    for name, values in lists.items():
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise InputError(f"{name} is {values!r}, expected a list: [{values!r}]")
    if not (isinstance(methods, Mapping) and all(isinstance(entry, Mapping) for entry in methods.values())):
        raise InputError(f"methods is {methods!r}, expected names and entries: {EXAMPLE}")


def _matrix(values: np.ndarray, name: str) -> np.ndarray:
    """Return vectors as float32 (rows, dim) in C order; what isn't a matrix of finite numbers is an InputError."""
    matrix = np.ascontiguousarray(values, dtype=np.float32)
    if matrix.ndim != 2 or not len(matrix) or not matrix.shape[1]:
        raise InputError(f"{name}: an array of shape {np.shape(values)}, expected (rows, dimensions), none of them 0")
    if not np.isfinite(matrix).all():
        row = int(np.flatnonzero(~np.isfinite(matrix).all(axis=1))[0])
        raise InputError(f"{name}: row {row} has a value that is no finite float32 number")
    return matrix


def _judged(queries: np.ndarray, qrels: Qrels, documents: int) -> tuple[np.ndarray, Qrels]:
    """Return the queries that have a relevant document, as a study evaluates them, and what is relevant to each."""
    relevant: dict[int, dict[int, int]] = {}
    for query, document, gain in _triples(qrels):
        what = f"qrels: query {query}, document {document}"
        if not (0 <= query < len(queries) and 0 <= document < documents):
            raise InputError(f"{what}: expected rows of {len(queries)} queries and {documents} documents, from 0")
        if gain != int(gain):
            raise InputError(f"{what}: relevance {gain}, expected a whole number; round or multiply grades")
        if gain > 0:
            relevant.setdefault(query, {})[document] = int(gain)
    if not relevant:
        raise InputError("qrels: no relevance is above 0; without qrels, agreement alone is measured")
    rows = sorted(relevant)
    return queries[rows], {place: relevant[query] for place, query in enumerate(rows)}


def _triples(qrels: Qrels) -> list[tuple[int, int, int]]:
    return [(query, document, gain) for query, gains in qrels.items() for document, gain in gains.items()]


def _judgements(qrels: Qrels) -> pa.Table:
    """Return judgements as a study has them."""
    triples = _triples(qrels)
    columns = {
        "query_id": [str(query) for query, _, _ in triples],
        "doc_id": [str(document) for _, document, _ in triples],
        "relevance": [gain for _, _, gain in triples],
        "query_row": [query for query, _, _ in triples],
        "doc_row": [document for _, document, _ in triples],
    }
    return pa.table({name: columns[name] for name in QRELS_FILE.names}, schema=QRELS_FILE)
