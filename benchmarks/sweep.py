"""What does measuring every rescore setting take, beside its largest setting and beside a loop over the peer's helpers?

The sweep is what a study does: ``search-index`` and the ranking of every store, multiplier and ``top_k`` that
``evaluate-run`` then measures, for a binary and an int8 method. The peer is ``semantic_search_faiss`` and
``semantic_search_usearch`` of sentence-transformers, called once per setting with an index that is built already. It
has only settings whose candidates are rescored by the codes that found them: the sweep is timed with these, and with
all of its own.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path

import faiss
import numpy as np
import vectors
from harness import CORES, Row, in_turn, rounds_option, save, share, times_faster
from sentence_transformers.util.quantization import semantic_search_faiss, semantic_search_usearch
from usearch.index import Index

from embquant.files.parquet import write_embeddings
from embquant.indexes import index_class
from embquant.measure.quality import Sweep
from embquant.quantize.codecs import load_codec
from embquant.retrieve.candidates import Candidates
from embquant.retrieve.rescoring import Store
from embquant.steps.build_store import build_store
from embquant.steps.define_method import define_method
from embquant.steps.search_index import search_index
from embquant.study import NO_STORE, Setting, settings_of

TOP_K = (10, 100)
MULTIPLIERS = (1, 2, 4, 10)
STORES = {"binary": ("binary", "int8", "float32"), "int8": ("int8", "float32")}
TIED = 1e-5
"""Scores nearer than this are float noise: the peer sums in float32."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=20_000, help="documents beside the peer (default 20,000)")
    parser.add_argument("--queries", type=int, default=200, help="queries beside the peer (default 200)")
    parser.add_argument("--large", type=int, default=200_000, help="documents beside the largest setting")
    parser.add_argument("--large-queries", type=int, default=1000)
    rounds_option(parser, 3)
    args = parser.parse_args()
    rows = []
    for measure, count, queries in (
        (beside_peer, args.vectors, args.queries),
        (beside_largest, args.large, args.large_queries),
    ):
        with tempfile.TemporaryDirectory() as folder:
            size = f"{queries:,} queries, {count:,} vectors"
            rows += measure(Study(Path(folder), count, queries), args.rounds, size)
    save("sweep", rows, ["sentence-transformers", "faiss-cpu", "usearch", "numkong", "numpy"])


class Study:
    """A corpus in the library's files, and the peer's indexes of the same codes."""

    def __init__(self, folder: Path, count: int, queries: int) -> None:
        self.folder = folder
        self.queries = vectors.queries(queries)
        documents = vectors.corpus(count)
        parts = self._written("corpus", documents)
        self._written("queries", self.queries)
        self.codecs, self.codes = {}, {}
        for family in ("binary", "int8", "float32"):
            state = folder / f"{family}.npz"
            build_store(entry={"family": family}, embeddings=[parts], state=state, output=self._index(family))
            self.codecs[family] = load_codec(state)
            self.codes[family] = self.codecs[family].encode(documents)
        for family in STORES:
            manifest, output = self.manifest(family), folder / f"{family}.json"
            define_method(name=family, manifest=manifest, scoring="symmetric", output=output)
        self.ranges = load_codec(folder / "int8.npz").ranges

    @cached_property
    def bits(self) -> faiss.IndexBinaryFlat:
        """The peer's index for the binary method."""
        index = faiss.IndexBinaryFlat(self.queries.shape[1])
        index.add(self.codes["binary"])
        return index

    @cached_property
    def bytes(self) -> Index:
        """The peer's index for the int8 method."""
        index = Index(ndim=self.queries.shape[1], metric="ip", dtype="i8")
        index.add(np.arange(len(self.codes["int8"])), self.codes["int8"])
        return index

    def sweep(self, method: str, grid: Sequence[Setting]) -> dict[Setting, np.ndarray]:
        """Search and rank every setting of the grid, as ``search-index`` and ``evaluate-run`` do."""
        output = self.folder / f"{method}.candidates.parquet"
        search_index(
            method_file=self.folder / f"{method}.json",
            query_vectors=self.folder / "queries.parquet",
            depths=[setting.depth for setting in grid],
            threads=CORES,
            output=output,
        )
        stores = {name: Store.open(self.manifest(name)) for name in {setting.store for setting in grid} - {NO_STORE}}
        rankings = Sweep(Candidates(output), self.queries, stores, CORES).rankings(grid)
        return {setting: best.rows for setting, best in rankings}

    def peer(self, method: str, setting: Setting) -> list[list[dict[str, float]]]:
        """Search one setting as the peer's documentation shows it."""
        options = {
            "top_k": setting.top_k,
            "rescore": setting.store != NO_STORE,
            "rescore_multiplier": setting.multiplier,
        }
        if method == "binary":
            return semantic_search_faiss(self.queries, corpus_index=self.bits, corpus_precision="ubinary", **options)[0]
        return semantic_search_usearch(
            self.queries, corpus_index=self.bytes, corpus_precision="int8", ranges=self.ranges, **options
        )[0]

    def scores(self, method: str, setting: Setting, query: int, rows: np.ndarray) -> np.ndarray:
        """Score documents in float64 as both rank them in a setting."""
        codes, asked = self.codes[method][rows], self.queries[query].astype(np.float64)
        if setting.store != NO_STORE:
            return self.codecs[method].decode(codes).astype(np.float64) @ asked
        own = self.codecs[method].encode(self.queries[query][None])[0]
        if method == "binary":
            return -np.bitwise_count(codes ^ own).sum(axis=1).astype(np.float64)
        return codes.astype(np.float64) @ own

    def manifest(self, family: str) -> Path:
        """Return the manifest of a family's flat index."""
        return Path(f"{self._index(family)}.json")

    def _index(self, family: str) -> Path:
        return self.folder / f"{family}{index_class(family, 'flat').suffix}"

    def _written(self, name: str, matrix: np.ndarray) -> Path:
        ids = list(map(str, range(len(matrix))))
        write_embeddings(self.folder / f"{name}.parquet", matrix.shape[1], [(ids, matrix)])
        return self.folder / f"{name}.parquet"


def grids() -> dict[str, list[Setting]]:
    return {method: settings_of(stores, MULTIPLIERS, TOP_K) for method, stores in STORES.items()}


def beside_largest(study: Study, rounds: int, size: str) -> list[Row]:
    rows = []
    for method, grid in grids().items():
        largest = [Setting(store, max(MULTIPLIERS), max(TOP_K)) for store in STORES[method]]
        contestants: dict[str, Callable[[], object]] = {"all": partial(study.sweep, method, grid)}
        contestants |= {setting.store: partial(study.sweep, method, [setting]) for setting in largest}
        seconds = in_turn(rounds, contestants)
        longest = [max(own) for own in zip(*(seconds[setting.store] for setting in largest), strict=True)]
        what = f"sweep of {method}, {len(grid)} settings, beside the largest of them: {size}"
        rows.append(share(what, seconds["all"], longest, "s", goal=1.5, at_most=True))
    return rows


def beside_peer(study: Study, rounds: int, size: str) -> list[Row]:
    theirs = {
        method: [setting for setting in grid if setting.store in (NO_STORE, method)] for method, grid in grids().items()
    }
    differing = sum(check(study, method, study.sweep(method, own), own) for method, own in theirs.items())
    seconds = in_turn(
        rounds,
        {
            "same": lambda: [study.sweep(method, grid) for method, grid in theirs.items()],
            "all": lambda: [study.sweep(method, grid) for method, grid in grids().items()],
            "theirs": lambda: [study.peer(method, setting) for method, own in theirs.items() for setting in own],
        },
    )
    settings, done = (sum(map(len, own.values())) for own in (grids(), theirs))
    what = "sweep of both, {} settings, beside sentence-transformers' {}: {}"
    note = f"{differing} documents differ" if differing else "same documents in the same order, ties apart"
    return [
        times_faster(what.format(done, done, size), seconds["same"], seconds["theirs"], 20.0, note=note),
        times_faster(what.format(settings, done, size), seconds["all"], seconds["theirs"], None),
    ]


def check(study: Study, method: str, ours: dict[Setting, np.ndarray], grid: Sequence[Setting]) -> int:
    """Return the number of documents that one of the two has and the other hasn't, or elsewhere, for no tie."""
    differing = 0
    for setting in grid:
        for query, (rows, hits) in enumerate(zip(ours[setting], study.peer(method, setting), strict=True)):
            found = np.array([hit["corpus_id"] for hit in hits])
            common, theirs_common = np.isin(rows, found), np.isin(found, rows)
            own, peer = (study.scores(method, setting, query, documents) for documents in (rows, found))
            differing += int((np.abs(own[common] - peer[theirs_common]) > TIED).sum())
            lone = np.concatenate([rows[~common], found[~theirs_common]])
            if len(lone) and not tied_for_the_last_place(study, method, setting, query, lone):
                differing += len(lone)
    return differing


def tied_for_the_last_place(study: Study, method: str, setting: Setting, query: int, rows: np.ndarray) -> bool:
    """Whether one of ``rows`` was tied for the last place among the candidates: either search may take either."""
    plain = Setting(NO_STORE, 1, setting.depth)
    everything = study.scores(method, plain, query, np.arange(len(study.codes[method])))
    last = np.partition(everything, -setting.depth)[-setting.depth]
    return bool((everything[rows] == last).any())


if __name__ == "__main__":
    main()
