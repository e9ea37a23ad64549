"""What every index can do."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from embquant.entries import NoParameters
from embquant.quantize.codecs.base import Codec


@dataclass(frozen=True)
class Codes:
    """The codes of a corpus, readable as often as wanted, in batches (rows, width) of together ``count`` rows."""

    source: Callable[[], Iterator[np.ndarray]]
    count: int

    def __iter__(self) -> Iterator[np.ndarray]:
        """Read the codes from the start."""
        return self.source()

    def __len__(self) -> int:
        """Return the number of codes."""
        return self.count


class Index(ABC):
    """Finds each query's best documents among the codes of a corpus; rows are positions in the corpus."""

    exact: ClassVar[bool]
    """Whether a deeper search only appends to a shallower one."""

    engine: str
    """Who does the search, for the reports."""

    build_parameters: ClassVar[type] = NoParameters
    search_parameters: ClassVar[type] = NoParameters
    """The dataclasses of what a method's ``build`` and ``search`` may say."""

    @classmethod
    @abstractmethod
    def build(cls, codec: Codec, codes: Codes, path: Path, parameters: Any) -> None:
        """Build the index of ``codes`` of ``codec`` and write it to ``path``."""

    @classmethod
    @abstractmethod
    def open(cls, path: Path, codec: Codec, threads: int, parameters: Any, mapped: bool = False) -> Self:
        """Open an index file of codes of ``codec``; ``mapped`` leaves the codes on disk instead of loading them."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of documents."""

    @abstractmethod
    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return scores (greater is better) and int64 rows (queries, min(k, documents)), ties by ascending row.

        ``queries`` are what the codec's ``encode_queries`` returns. Where an approximate index finds fewer than
        k documents, rows end in −1.
        """

    def candidates(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Search as :meth:`search` does, independent of the number of threads to the last bit."""
        return self.search(queries, k)


class FlatIndex(Index):
    """An exact index that is a plain array of codes, and so a rescore store as well."""

    exact = True

    codes: np.ndarray
    """The codes (documents, width), in memory or mapped; valid as long as the index is."""

    def __len__(self) -> int:
        """Return the number of documents."""
        return len(self.codes)
