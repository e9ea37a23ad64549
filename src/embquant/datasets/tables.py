"""What a table in a file is: rows in batches, each of which knows its line."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import pyarrow as pa

from embquant.datasets.collection import BATCH_ROWS

BATCH_CHARACTERS = 1 << 24
"""About the most characters per batch, however few its rows: many long lines fit into no memory."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Rows:
    """Some rows of a table: its columns, as Arrow arrays or lists, and the line or row number of each."""

    columns: Mapping[str, pa.Array | list[Any]]
    place: str
    numbers: Sequence[int]

    def where(self, row: int) -> str:
        """Return the place of row ``row`` of these in the file, for example "corpus.csv: line 7"."""
        return f"{self.place} {self.numbers[row]}"


class Table(Protocol):
    """A table that can be read in batches.

    ``varying`` says that later rows may have columns that ``columns``, taken from the first row, doesn't name.
    """

    name: str
    columns: Sequence[str]
    varying: bool

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """Yield ``columns`` in batches of at most ``BATCH_ROWS`` rows."""


def in_batches(numbered: Iterable[tuple[int, Item]], size: Callable[[Item], int]) -> Iterator[list[tuple[int, Item]]]:
    """Yield numbered items in lists that end with ``BATCH_ROWS`` of them or ``BATCH_CHARACTERS`` in all."""
    found, characters = [], 0
    for number, item in numbered:
        found.append((number, item))
        characters += size(item)
        if len(found) == BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield found
            found, characters = [], 0
    if found:
        yield found
