"""A method as it is deployed: quantize the query, search the index, rescore the candidates."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from embquant.exact.topk import rank
from embquant.indexes.base import Index
from embquant.indexes.manifest import open_index
from embquant.quantize.codecs import Codec
from embquant.retrieve.method import Method, index_of
from embquant.retrieve.rescoring import Store


@dataclass(frozen=True)
class Retriever:
    """The index in memory and, where candidates are rescored, the store mapped from disk."""

    codec: Codec
    index: Index[Codec]
    scoring: str
    store: Store | None
    threads: int

    @classmethod
    def open(cls, method: Path, store: Path | None, threads: int, **parameters: Any) -> Self:
        """Open a method's definition and, for rescoring, a store's manifest; ``parameters`` go to the index."""
        definition = Method.read(method)
        codec, index = open_index(index_of(method), threads, {**definition.search, **parameters})
        return cls(codec, index, definition.scoring, Store.open(store) if store else None, threads)

    def search(self, queries: np.ndarray, top_k: int, multiplier: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Return scores and rows (queries, top_k) for float32 queries (queries, dim), ties by ascending row."""
        encoded = self.codec.encode_queries(queries, self.scoring)
        scores, rows = self.index.search(encoded, top_k * multiplier)
        if self.store is None:
            return scores, rows
        scores = self.store.score(queries, rows, self.threads)
        order = rank(scores, rows, top_k)
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)
