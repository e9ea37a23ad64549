"""Collections for growth.py: their vectors, and what searches of nested subsets of them find."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow.parquet as pq
import yaml

from embquant.embedding.encoder import unit_rows
from embquant.errors import InputError, require
from embquant.exact.topk import TopK, rank
from embquant.files.parquet import read_embeddings
from embquant.measure.judgements import Judgements
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import Codec, parse_codec

DEPTH = 400
"""Candidates of each search: ten, at the greatest multiplier that is tried."""
BLOCK = 8192
CONFIG = Path("config/storage.yaml")
STORES = {"float32": (), "binary": ("binary", "int8")}
"""The rescore stores of a codec; those that are not named have int8's."""


@dataclass(frozen=True)
class Collection:
    """Float32 vectors of documents and judged queries, and judgements as rows of query, document and relevance."""

    documents: np.ndarray
    queries: np.ndarray
    qrels: np.ndarray

    def first_judged(self, count: int) -> Self:
        """Return the collection with the first ``count`` queries that have a relevant document."""
        kept = np.unique(self.qrels[self.qrels[:, 2] > 0, 0])[:count]
        among = np.isin(self.qrels[:, 0], kept)
        qrels = self.qrels[among].copy()
        qrels[:, 0] = np.searchsorted(kept, qrels[:, 0])
        return type(self)(self.documents, self.queries[kept], qrels)

    @classmethod
    def pooled(cls, collections: Sequence[Self], documents: int) -> Self:
        """Return all collections as one, its rows repeated in order up to ``documents``, at least as many."""
        firsts = np.cumsum([0, *(len(one.documents) for one in collections)])
        queries = np.cumsum([0, *(len(one.queries) for one in collections)])
        qrels = [
            one.qrels + np.array([first_query, first, 0])
            for one, first, first_query in zip(collections, firsts[:-1], queries[:-1], strict=True)
        ]
        vectors = np.concatenate([one.documents for one in collections])
        repeated = np.concatenate([vectors, vectors[: max(0, documents - len(vectors))]])
        return cls(repeated, np.concatenate([one.queries for one in collections]), np.concatenate(qrels))

    @cached_property
    def judgements(self) -> Judgements:
        query_rows, rows, relevance = self.qrels.T
        return Judgements.from_rows(query_rows, rows, relevance, len(self.queries), len(self.documents))

    @cached_property
    def judged(self) -> np.ndarray:
        return np.unique(self.qrels[:, 1])

    def subsets(self, least: int) -> tuple[list[int], list[np.ndarray]]:
        """Return nested sizes, each half the next, from ``least`` on, and the rows that each has more than the last."""
        chance = np.random.default_rng(1).random(len(self.documents))
        chance[self.judged] = 0
        order = np.argsort(chance, kind="stable")
        sizes = [len(self.documents)]
        while sizes[0] // 2 >= max(least, 1.2 * len(self.judged)):
            sizes.insert(0, sizes[0] // 2)
        return sizes, [np.sort(part) for part in np.split(order, sizes[:-1])]


def embedded_by_study(results: Path, name: str, model: str) -> Collection:
    """Read the vectors and judgements that a study has left in ``results``."""
    folder = results / name / model
    parts = sorted((folder / "embeddings").glob("*.parquet"))
    queries = folder / "queries.parquet"
    if not (parts and queries.exists()):
        raise InputError(f"{folder}: no embeddings; run a study that has this dataset and this model")
    first = pq.read_table(queries).column(1)
    dim = first.type.list_size
    qrels = pq.read_table(results / name / "qrels.parquet", columns=["query_row", "doc_row", "relevance"])
    rows = np.stack([column.to_numpy() for column in qrels.columns], axis=1).astype(np.int64)
    documents = np.concatenate([read_embeddings(part, dim) for part in parts])
    return Collection(documents, read_embeddings(queries, dim), rows[rows[:, 1] >= 0])


def embedded_statically(folder: Path) -> Collection:
    """Embed a collection by the mean of its tokens' vectors, of 256 dimensions, which takes seconds."""
    corpus, queries, qrels = (pq.read_table(folder / f"{name}.parquet") for name in ("corpus", "queries", "qrels"))
    documents_by_id, queries_by_id = (
        {identifier: row for row, identifier in enumerate(table["id"].to_pylist())} for table in (corpus, queries)
    )
    judged = [
        (queries_by_id[query], documents_by_id[document], int(relevance))
        for query, document, relevance in zip(
            *(qrels[name].to_pylist() for name in ("query_id", "doc_id", "relevance")), strict=True
        )
        if query in queries_by_id and document in documents_by_id
    ]
    documents = [
        f"{title} {text}".strip()
        for title, text in zip(*(corpus[name].to_pylist() for name in ("title", "text")), strict=True)
    ]
    return Collection(_static(documents), _static(queries["text"].to_pylist()), np.array(judged))


def _static(texts: Sequence[str]) -> np.ndarray:
    require("embed", "tokenizers", "safetensors")
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    if (found := find_spec("wordllama")) is None or not found.submodule_search_locations:
        raise InputError("the static model is in the package wordllama: pip install --no-deps wordllama")
    package = Path(found.submodule_search_locations[0])
    (weights,) = load_file(str(package / "weights/l2_supercat_256.safetensors")).values()
    tokenizer = Tokenizer.from_file(str(package / "tokenizers/l2_supercat_tokenizer_config.json"))
    tokenizer.no_padding()
    means = np.zeros((len(texts), weights.shape[1]), np.float32)
    for place, text in enumerate(texts):
        if ids := tokenizer.encode(text, add_special_tokens=False).ids:
            means[place] = weights[ids].mean(axis=0, dtype=np.float32)
    return unit_rows(means)


@dataclass(frozen=True)
class Found:
    """What a search of a subset finds: rows, scores and the rescore stores' scores, all (queries, DEPTH)."""

    rows: np.ndarray
    scores: np.ndarray
    stores: Mapping[str, np.ndarray]

    def merged(self, other: "Found") -> "Found":
        """Return the best of both."""
        rows, scores = (np.concatenate(both, axis=1) for both in ((self.rows, other.rows), (self.scores, other.scores)))
        best = rank(scores, rows, DEPTH)
        stores = {name: np.concatenate([self.stores[name], other.stores[name]], axis=1) for name in self.stores}
        taken = {name: np.take_along_axis(values, best, axis=1) for name, values in stores.items()}
        return Found(np.take_along_axis(rows, best, axis=1), np.take_along_axis(scores, best, axis=1), taken)


def searched(collection: Collection, parts: Sequence[np.ndarray]) -> Iterator[tuple[str, list[Found]]]:
    """Yield each method of config/storage.yaml, the baseline first, with what it finds in each subset, the least first.

    ``parts`` are the rows that each subset has more than the one before. Codecs are fitted on the whole collection.
    """
    config = yaml.safe_load(CONFIG.read_text())
    coded: dict[str, tuple[Codec, np.ndarray]] = {}
    vectors = Batches(lambda: iter([collection.documents]), *collection.documents.shape)
    for name, method in config["methods"].items():
        for codec in (method["codec"], "int8", "binary"):
            if codec not in coded:
                fitted = parse_codec(config["codecs"][codec]).fit(vectors)
                coded[codec] = (fitted, fitted.encode(collection.documents))
        stores = {store: coded[store] for store in STORES.get(method["codec"], ("int8",))}
        found = [_search(collection.queries, *coded[method["codec"]], method, part, stores) for part in parts]
        whole = found[:1]
        for more in found[1:]:
            whole.append(whole[-1].merged(more))
        yield name, whole
        if method["codec"] not in ("int8", "binary"):
            del coded[method["codec"]]


def _search(
    queries: np.ndarray,
    codec: Codec,
    codes: np.ndarray,
    method: Mapping[str, Any],
    part: np.ndarray,
    stores: Mapping[str, tuple[Codec, np.ndarray]],
) -> Found:
    asked, core = codec.encode_queries(queries, method.get("scoring", codec.scorings[0])), codec.core
    asked = core.decode(asked) if asked.dtype != np.float32 else asked
    best = TopK(len(queries), min(DEPTH, len(part)))
    for first in range(0, len(part), BLOCK):
        decoded = core.decode(codes[part[first : first + BLOCK]]).astype(np.float32)
        best.push(np.ascontiguousarray(asked @ decoded.T), first)
    scores, places = best.result()
    rows = part[places]
    rescored = {name: store.score(queries, store_codes[rows]) for name, (store, store_codes) in stores.items()}
    return Found(rows, scores.astype(np.float64), rescored)
