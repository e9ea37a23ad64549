"""The documents that codecs and indexes are fitted on, where these aren't all that are encoded."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from embquant.entries import Entry, Expected, Number
from embquant.errors import InapplicableError


class FitOn(Entry):
    """The documents that codecs and indexes are fitted on a second time, as if the others came later."""

    share: Annotated[Number, Field(gt=0, lt=1), Expected("a number between 0 and 1, neither of them included")] = Field(
        description="share of the documents"
    )
    by: Literal["order", "random"] = Field(
        "order", description="`order`: the first documents of the corpus; `random`: drawn ones"
    )
    seed: int = Field(0, ge=0, description="draws the documents of `by: random`")

    @property
    def words(self) -> str:
        """What it names, to a reader."""
        share = f"{100 * self.share:g} % of the documents"
        return f"the first {share}" if self.by == "order" else f"{share}, drawn at random"

    def count(self, documents: int) -> int:
        """Return how many of so many ``documents`` are seen."""
        return round(self.share * documents)

    def seen(self, documents: int) -> np.ndarray:
        """Return of each of so many ``documents`` whether it is seen, bool (documents,).

        If none is, that is an InapplicableError.
        """
        count = self.count(documents)
        if not count:
            raise InapplicableError(f"fit_on: a share of {self.share:g} of {documents} documents is none to fit on")
        seen = np.zeros(documents, bool)
        if self.by == "order":
            seen[:count] = True
        else:
            seen[np.random.default_rng(self.seed).choice(documents, count, replace=False)] = True
        return seen
