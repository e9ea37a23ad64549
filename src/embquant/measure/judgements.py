"""Relevance judgements of queries, as the metrics need them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Judgements:
    """Relevance judgements of queries by row.

    ``keys`` is query_row · documents + doc_row, ascending, int64; ``relevance`` the judgement of each key.
    """

    keys: np.ndarray
    relevance: np.ndarray
    queries: int
    documents: int

    @classmethod
    def from_rows(
        cls, query_rows: np.ndarray, doc_rows: np.ndarray, relevance: np.ndarray, queries: int, documents: int
    ) -> Self:
        """Take judgements as three equally long arrays; those of relevance 0 or less count as not relevant."""
        relevant = relevance > 0
        keys = query_rows[relevant].astype(np.int64) * documents + doc_rows[relevant]
        order = np.argsort(keys)
        return cls(keys[order], relevance[relevant][order].astype(np.float64), queries, documents)

    def gains(self, rows: np.ndarray, queries: np.ndarray | None = None) -> np.ndarray:
        """Return the relevance, float64, of ranked document ``rows`` (queries, k); 0 where there is none.

        The rankings are of all queries, or of ``queries``, int64 rows.
        """
        if not len(self.keys):
            return np.zeros(rows.shape)
        queries = np.arange(len(rows)) if queries is None else queries
        keys = queries[:, None] * self.documents + rows
        places = np.searchsorted(self.keys, keys).clip(max=len(self.keys) - 1)
        return np.where((rows >= 0) & (self.keys[places] == keys), self.relevance[places], 0.0)

    @cached_property
    def relevant(self) -> np.ndarray:
        """Number of relevant documents of each query, int64 (queries,)."""
        return np.bincount(self.keys // self.documents, minlength=self.queries)

    @cached_property
    def ideal_gains(self) -> np.ndarray:
        """Relevance in descending order, float64 (queries, most relevant documents of any query), 0 beyond."""
        queries = self.keys // self.documents
        order = np.lexsort((-self.relevance, queries))
        place = np.arange(len(order)) - np.searchsorted(queries[order], queries[order])
        ideal = np.zeros((self.queries, max(1, self.relevant.max(initial=0))))
        ideal[queries[order], place] = self.relevance[order]
        return ideal
