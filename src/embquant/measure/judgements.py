"""Relevance judgements of queries, as the metrics need them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Judgements:
    """Relevance judgements of queries by row.

    ``keys`` is query_row · rows + doc_row, ascending, int64; ``relevance`` the judgement of each key. ``rows`` counts
    the documents of the corpus and then one for each judgement of a document that the corpus lacks: no ranking has it,
    but it is relevant, as trec_eval has it.
    """

    keys: np.ndarray
    relevance: np.ndarray
    queries: int
    rows: int

    @classmethod
    def from_rows(
        cls, query_rows: np.ndarray, doc_rows: np.ndarray, relevance: np.ndarray, queries: int, documents: int
    ) -> Self:
        """Take judgements as three equally long arrays.

        A document row of −1 is a document that the corpus lacks. A relevance of 0 or less counts as not relevant.
        """
        relevant = relevance > 0
        query_rows, doc_rows, relevance = query_rows[relevant].astype(np.int64), doc_rows[relevant], relevance[relevant]
        missing = doc_rows < 0
        doc_rows = np.where(missing, documents - 1 + missing.cumsum(), doc_rows)
        rows = documents + int(missing.sum())
        keys = query_rows * rows + doc_rows
        order = np.argsort(keys)
        return cls(keys[order], relevance[order].astype(np.float64), queries, rows)

    def gains(self, rows: np.ndarray, queries: np.ndarray | None = None) -> np.ndarray:
        """Return the relevance, float64, of ranked document ``rows`` (queries, k); 0 where there is none.

        The rankings are of all queries, or of ``queries``, int64 rows.
        """
        if not len(self.keys):
            return np.zeros(rows.shape)
        queries = np.arange(len(rows)) if queries is None else queries
        keys = queries[:, None] * self.rows + rows
        places = np.searchsorted(self.keys, keys).clip(max=len(self.keys) - 1)
        return np.where((rows >= 0) & (self.keys[places] == keys), self.relevance[places], 0.0)

    @cached_property
    def relevant(self) -> np.ndarray:
        """Number of relevant documents of each query, in the corpus or not, int64 (queries,)."""
        return np.bincount(self.keys // self.rows, minlength=self.queries)

    @cached_property
    def ideal_gains(self) -> np.ndarray:
        """Relevance in descending order, float64 (queries, most relevant documents of any query), 0 beyond."""
        queries = self.keys // self.rows
        order = np.lexsort((-self.relevance, queries))
        place = np.arange(len(order)) - np.searchsorted(queries[order], queries[order])
        ideal = np.zeros((self.queries, max(1, self.relevant.max(initial=0))))
        ideal[queries[order], place] = self.relevance[order]
        return ideal
