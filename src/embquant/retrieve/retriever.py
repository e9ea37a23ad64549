"""A method as it is deployed: it quantizes the query, searches the index and rescores the candidates."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from embquant.entries import Entry, read_entry
from embquant.errors import InputError
from embquant.exact.topk import best, without_rows
from embquant.files.inapplicable import read_applicable
from embquant.indexes.base import Index
from embquant.indexes.manifest import open_index
from embquant.quantize.codecs import Codec
from embquant.retrieve.rescoring import Store


class Method(Entry):
    """A method on one dataset and model. ``manifest`` is that of its index, relative to the folder of the method."""

    name: str
    manifest: str
    scoring: str
    search: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a method; a foreign JSON file is an InputError."""
        return read_entry(cls, read_applicable(path), f"{path}: not the definition of a method")


def manifest_of(method: Path) -> Path:
    """Return the manifest of the index that a method searches; ``method`` is the file of its definition."""
    return Path(os.path.normpath(method.parent / Method.read(method).manifest))


@dataclass(frozen=True)
class Retriever:
    """An index in memory and, if candidates are rescored, a store mapped from disk.

    ``Retriever.open(folder / "methods/binary.json", folder / "stores/int8.i8bin.json")`` opens what a run has built in
    ``folder``, results/{dataset}/{model}.
    """

    codec: Codec
    index: Index[Any]
    scoring: str
    store: Store | None
    threads: int

    @classmethod
    def open(cls, method: Path | str, store: Path | str | None = None, threads: int = 1) -> Self:
        """Open the definition of a method, methods/{method}.json, and for rescoring the manifest of a store.

        The index is read into memory, the store is mapped from disk. Searches use ``threads`` threads.
        """
        path = Path(method)
        definition = Method.read(path)
        codec, index = open_index(manifest_of(path), threads, definition.search)
        return cls(codec, index, definition.scoring, Store.open(Path(store)) if store else None, threads)

    def search(
        self, queries: np.ndarray, top_k: int, multiplier: int = 1, without: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores and rows of the best documents, best first, ties by ascending row.

        ``queries`` are float32 (queries, dim), or one query (dim,). A document's row is its position in the corpus.
        With a store, ``top_k × multiplier`` candidates are scored again by it. Scores and int64 rows are
        (queries, min(top_k, documents)), or one-dimensional for a single query; rows are −1 where an approximate index
        found no more.

        ``without``, int64 (queries,), is a row per query that is no result, such as the query's own document; −1 for
        none. The index is searched one deeper for it.

        Queries of other dimensions than the documents', and numbers below 1, are an InputError.
        """
        if queries.ndim == 1:
            scores, rows = self.search(queries[None], top_k, multiplier, None if without is None else without[None])
            return scores[0], rows[0]
        if queries.shape[1] != (dim := self.codec.input_dim):
            raise InputError(f"queries: {queries.shape[1]} dimensions, expected {dim}, as documents have")
        if top_k < 1 or multiplier < 1:
            raise InputError(f"top_k is {top_k} and multiplier {multiplier}, expected 1 or more")
        encoded = self.codec.encode_queries(queries, self.scoring)
        depth = top_k * (multiplier if self.store else 1)
        if without is None:
            scores, rows = self.index.search(encoded, depth)
        else:
            scores, rows = without_rows(*self.index.search(encoded, depth + 1), without, depth)
        if self.store is None:
            return scores, rows
        return best(self.store.score(queries, rows, self.threads), rows, top_k)
