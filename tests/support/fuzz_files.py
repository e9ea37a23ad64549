"""A study in small, made by the library's own commands: files of every kind that a step reads."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa

from embquant.cli import main
from embquant.files.parquet import write_parquet
from embquant.indexes import index_class, index_pairs
from embquant.quantize.codecs import CODECS
from support.embeddings import write_vectors

DOCUMENTS, QUERIES, DIM = 300, 5, 16
PQ = {"pieces": 4, "bits": 4}
PARAMETERS = {"pq": PQ, "scaled-pq": PQ}
TRANSFORMS = {"float32": "rotation", "int4": "rotation", "osq": "hadamard"}
DEPTH = 10
NAMED = {pair for pair in index_pairs() if pair[0] != "*" and not index_class(*pair).is_database}
FAMILIES = sorted(CODECS.names())
INDEXED = sorted(NAMED | {(family, "flat") for family in FAMILIES})


class Study:
    """Where each file lies; commands are run with :meth:`arguments`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.queries, self.qrels = folder / "queries.parquet", folder / "qrels.parquet"
        self.embeddings = folder / "embeddings.parquet"
        rng = np.random.default_rng(0)
        for path, rows in ((self.embeddings, DOCUMENTS), (self.queries, QUERIES)):
            vectors = rng.standard_normal((rows, DIM)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            write_vectors(path, vectors, prefix=path.stem[0])
        pairs = {"query_row": np.arange(QUERIES), "doc_row": np.arange(QUERIES) * 7, "relevance": np.ones(QUERIES, int)}
        table = pa.table(pairs)
        write_parquet(self.qrels, table.schema, [table])
        for family in FAMILIES:
            self._make(family)

    def _make(self, family: str) -> None:
        store = self.index(family, "flat")
        _run("build-store", "--entry", self.entry(family), *self.storing(self.folder, family), "--output", store)
        for kind in (kind for codes, kind in INDEXED if codes == family):
            index = self.index(family, kind)
            if kind != "flat":
                _run("build-index", "--index-kind", kind, "--store", f"{store}.json", "--output", index)
            scoring = index_class(family, kind).scorings(CODECS[family])[-1]
            method = ["--name", "method", "--manifest", f"{index}.json", "--scoring", scoring]
            _run("define-method", *method, "--output", self.method(family, kind))
            _run("search-index", *self.searching(self.folder, family, kind), "--output", self.found(family, kind))

    def entry(self, family: str) -> str:
        """The codec in the configuration."""
        transform = {"transform": TRANSFORMS[family]} if family in TRANSFORMS else {}
        return json.dumps({"family": family, **PARAMETERS.get(family, {}), **transform})

    def state(self, family: str) -> Path:
        """The fitted codec."""
        return self.folder / family / "state.npz"

    def index(self, family: str, kind: str) -> Path:
        """An index file, beside which lies its manifest."""
        return self.folder / family / f"{kind}{index_class(family, kind).suffix}"

    def method(self, family: str, kind: str) -> Path:
        """The definition of the method that searches it."""
        return self.folder / family / f"{kind}.method.json"

    def found(self, family: str, kind: str) -> Path:
        """Its candidates."""
        return self.folder / family / f"{kind}.candidates.parquet"

    def storing(self, folder: Path, family: str) -> list:
        """Options of build-store in a ``folder`` that is the study's, or a copy of some of it."""
        return ["--embeddings", folder / "embeddings.parquet", "--state", folder / family / "state.npz"]

    def searching(self, folder: Path, family: str, kind: str) -> list:
        """Options of search-index."""
        method = folder / family / f"{kind}.method.json"
        return ["--method-file", method, "--query-vectors", folder / "queries.parquet", "--depths", DEPTH]

    def evaluating(self, folder: Path, family: str, kind: str) -> list:
        """Options of evaluate-run, rescored by the family's own store."""
        candidates = folder / family / f"{kind}.candidates.parquet"
        store = folder / family / f"flat{index_class(family, 'flat').suffix}.json"
        return [
            *(
                "--method-file",
                folder / family / f"{kind}.method.json",
                "--candidates",
                candidates,
                "--reference",
                candidates,
            ),
            *("--float32-store", store, "--stores", f"own={store}", "--query-vectors", folder / "queries.parquet"),
            *("--qrels", folder / "qrels.parquet", "--multipliers", 2, "--top-k", 5),
            *("--metrics", "nDCG@5", "overlap@5", "rbo"),
        ]

    def copy(self, folder: Path, family: str) -> Path:
        """Copy what belongs to a family, and what all share."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder / family, folder / family)
        for path in (self.embeddings, self.queries, self.qrels):
            shutil.copy(path, folder)
        return folder


def _run(*arguments: object) -> None:
    assert main(list(map(str, arguments))) == 0
