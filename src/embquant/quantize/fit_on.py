"""The documents that codecs and indexes are fitted on, where these aren't all that are encoded."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from embquant.entries import Entry, Expected, Number
from embquant.errors import InapplicableError

if TYPE_CHECKING:
    import pyarrow as pa


class FitOn(Entry):
    """The documents that codecs and indexes are fitted on a second time, as if the others came later."""

    share: (
        Annotated[Number, Field(gt=0, lt=1), Expected("a number between 0 and 1, neither of them included")] | None
    ) = Field(None, description="share of the documents; either this or `values` is required")
    by: Literal["order", "random", "group"] = Field(
        "order",
        description="`order`: the first documents of the corpus; `random`: drawn ones; `group`: those whose group is "
        "one of `values`, or the first ones if sorted by group, as text",
    )
    values: Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="with `by: group`: groups whose documents are seen"
    )
    seed: int = Field(0, ge=0, description="draws the documents of `by: random`")

    @model_validator(mode="after")
    def _check_keys(self) -> Self:
        if (self.share is None) == (self.values is None):
            given = "neither share nor values is given" if self.share is None else "share and values are both given"
            raise ValueError(f"{given}, expected one of them")
        if self.values is not None and self.by != "group":
            raise ValueError(f"values are of groups, but by is {self.by!r}; set by: group")
        return self

    @property
    def words(self) -> str:
        """What it names, to a reader."""
        if self.share is None:
            return f"the documents of {', '.join(self.values or [])}"
        share = f"{100 * self.share:g} % of the documents"
        ways = {
            "order": f"the first {share}",
            "random": f"{share}, drawn at random",
            "group": f"the first {share} by group",
        }
        return ways[self.by]

    def count(self, documents: int) -> int:
        """Return how many of so many ``documents`` are seen; all if only their groups can tell."""
        return documents if self.share is None else round(self.share * documents)

    def seen(self, documents: int, groups: "pa.ChunkedArray | None" = None) -> np.ndarray:
        """Return of each of so many ``documents`` whether it is seen, bool (documents,).

        ``groups`` has the text (or null) of each document's group, for ``by: group``. If no document is seen, that is
        an InapplicableError.
        """
        seen = np.zeros(documents, bool)
        if self.values is not None:
            seen = named_rows(groups, self.values)
        elif self.by == "random":
            seen[np.random.default_rng(self.seed).choice(documents, self.count(documents), replace=False)] = True
        else:
            order = np.arange(documents) if groups is None else sorted_rows(groups)
            seen[order[: self.count(documents)]] = True
        if not seen.any():
            raise InapplicableError(f"fit_on: {self.words}: none of {documents} to fit on")
        return seen


def named_rows(groups: "pa.ChunkedArray | None", names: Sequence[str]) -> np.ndarray:
    """Return of each row of ``groups`` whether it is one of ``names``, bool."""
    import pyarrow as pa  # a configuration is read without Arrow
    import pyarrow.compute as pc

    return pc.is_in(groups, pa.array(names)).to_numpy()


def sorted_rows(groups: "pa.ChunkedArray") -> np.ndarray:
    """Return the rows of ``groups``, ascending as text, nulls last; equal groups stay in the order of rows."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = pa.array(np.arange(len(groups)))
    keys = [("group", "ascending"), ("row", "ascending")]
    return pc.sort_indices(pa.table({"group": groups, "row": rows}), sort_keys=keys).to_numpy()
