"""BM25: a search by words, with which vector searches are compared and fused. The package bm25s computes its scores."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from embquant.exact.topk import TopK, without_rows

if TYPE_CHECKING:
    import bm25s

NO_STOPWORDS = "none"


class BM25:
    """An index of the words of documents, as Lucene scores them.

    A text's words are its runs of two or more letters, digits and underscores, in lower case, less ``stopwords``: a
    language that bm25s has a list of, or none. Memory grows with the corpus: about 40 bytes per document and distinct
    word of it while the index is built.
    """

    def __init__(self, documents: Iterable[Sequence[str]], k1: float, b: float, stopwords: str = NO_STOPWORDS) -> None:
        """Index batches of texts, row by row.

        ``k1`` says how soon further occurrences of a word count for little, ``b`` how much long documents lose.
        """
        from bm25s import BM25 as Index
        from bm25s.tokenization import Tokenized, Tokenizer

        self._tokenizer = Tokenizer(stopwords=[] if stopwords == NO_STOPWORDS else stopwords)
        words = [array("i", ids) for texts in documents for ids in self._words(texts, new=True)]
        self.documents = len(words)
        self._index: bm25s.BM25 | None = None
        if vocabulary := self._tokenizer.get_vocab_dict():
            self._index = Index(k1=k1, b=b, backend="numpy", csc_backend="numpy")
            found = Tokenized(ids=words, vocab=vocabulary)
            self._index.index(found, create_empty_token=False, show_progress=False)

    def scores(self, query: str) -> np.ndarray:
        """Return the score of each document for one query, float32 (documents,); 0 without a common word."""
        ids = next(self._words([query]))
        if self._index is None or not ids:
            return np.zeros(self.documents, np.float32)
        scores: np.ndarray = self._index.get_scores_from_ids(ids)
        return scores

    def search(
        self, queries: Sequence[str], depth: int, own_rows: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return scores float64 and rows int64 (queries, min(depth, documents)), best first, ties by ascending row.

        A document without a word of the query isn't found: row −1 and score −inf stand there. ``own_rows``, int64
        (queries,), −1 for none, are left out.
        """
        wanted = depth if own_rows is None else depth + 1
        found = [self._best(query, wanted) for query in queries]
        scores, rows = (np.concatenate(parts) for parts in zip(*found, strict=True))
        if own_rows is not None:
            scores, rows = without_rows(scores, rows, own_rows, depth)
        return scores, rows

    def _best(self, query: str, depth: int) -> tuple[np.ndarray, np.ndarray]:
        best = TopK(1, depth)
        best.push(self.scores(query)[None], 0)
        scores, rows = best.result()
        is_found = scores > 0
        return np.where(is_found, scores.astype(np.float64), -np.inf), np.where(is_found, rows, -1)

    def _words(self, texts: Sequence[str], new: bool = False) -> Iterator[list[int]]:
        """Yield the words of each text as numbers: all, of which ``new`` ones get a number, or those that have one."""
        known: bool | str = True if new else "never"
        return self._tokenizer.streaming_tokenize(texts, update_vocab=known, allow_empty=False)
