"""The entries of what stands beside vector searches and behind them: BM25, fusion, a reranker."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, create_model, model_validator

from embquant.embedding.spec import for_dataset
from embquant.entries import Entry, Expected, Number, mistake

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


class RunFile(Entry):
    """What another search has found, in TREC's format."""

    run: str = Field(min_length=1, description="path of the run; `{dataset}` in it stands for the dataset's name")


_KEYS: Any = {  # `with` can't be written as an attribute of a class
    "with": (
        Annotated[Literal["bm25"] | RunFile, Expected("bm25, or a mapping with run")],
        Field("bm25", description="`bm25`, or `{run: path}`: a run file of another search, in TREC's format"),
    )
}
_With: Any = create_model("_With", __base__=Entry, **_KEYS)


class Fusion(_With):
    """How the list of each setting is fused with that of another search."""

    by: Literal["rrf"] = Field("rrf", description="reciprocal rank fusion: the sum of 1 / (k + rank) over both lists")
    k: int = Field(60, ge=1, description="how little the first ranks count")
    depth: int | None = Field(
        None, ge=1, description="documents of each list that are fused, one of `top_k`; default: the greatest"
    )

    @property
    def run(self) -> str | None:
        """The path of the run file; None for BM25."""
        found = getattr(self, "with")
        return found.run if isinstance(found, RunFile) else None


class Reranker(Entry):
    """What ranks the documents that each setting returns again."""

    model: str | None = Field(
        None, min_length=1, description="folder of a CrossEncoder of sentence-transformers; either this or `run`"
    )
    run: str | None = Field(
        None,
        min_length=1,
        description="run file with the scores, in TREC's format; `{dataset}` in it stands for the dataset's name",
    )
    max_length: int | None = Field(None, ge=1, description="tokens of a query and a document; default: the model's")
    depth: int | None = Field(
        None,
        ge=1,
        description="documents that it is handed for `judge_after: reranker`, one of `top_k`; default: the greatest",
    )

    def options(self, dataset: str) -> list[str]:
        """Return the options of ranking the results of a dataset again."""
        if self.run is not None:
            return [f"--run-file={for_dataset(self.run, dataset)[0]}"]
        return [f"--model={self.model}", *([f"--max-length={self.max_length}"] if self.max_length else [])]

    @model_validator(mode="after")
    def _check_source(self) -> Self:
        if (self.model is None) == (self.run is None):
            raise mistake("expected either model or run")
        return self
