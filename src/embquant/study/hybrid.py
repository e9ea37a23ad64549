"""The entries of what stands beside vector searches and behind them: BM25, fusion, a reranker."""

from typing import Literal

from pydantic import Field

from embquant.entries import Entry, Number

Language = Literal[
    "none",
    "english",
    "german",
    "dutch",
    "french",
    "spanish",
    "portuguese",
    "italian",
    "russian",
    "swedish",
    "norwegian",
    "danish",
    "turkish",
    "korean",
    "chinese",
]
"""The languages that bm25s has lists of stopwords for, and none."""


class BM25Entry(Entry):
    """How BM25 searches: a landmark beside the vector searches of judged datasets."""

    k1: Number = Field(1.5, ge=0, description="how much further occurrences of a word in a document count")
    b: Number = Field(0.75, ge=0, le=1, description="how much long documents lose; 0: nothing")
    stopwords: Language = Field("none", description="language whose most frequent words aren't searched for")
