"""What every kind of index can do, and what others must know of it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from copy import copy
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np

from embquant.entries import Entry, NoParameters
from embquant.exact.mapped import look_up
from embquant.exact.subsets import Subsets
from embquant.exact.topk import best
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import Codec, CodecSpec, Family
from embquant.quantize.extent import Extent

Quantizer = TypeVar("Quantizer", bound=Codec)
"""The codecs whose codes an index holds."""

GATHERED_BYTES = 1 << 26
"""Codes of a subset that are copied at a time: 64 MiB."""


class Index(ABC, Generic[Quantizer]):
    """Finds each query's best documents among the codes of a corpus; rows are positions in the corpus."""

    suffix: ClassVar[str] = ".faiss"
    """How its file ends, as the library that writes it would have it."""

    is_exact: ClassVar[bool] = False
    """Whether it compares a query with the codes of all documents, and the best are found for certain."""

    prefix_stable: ClassVar[bool] = False
    """Whether the results for k are the first k of the results for any larger k."""

    has_overhead: ClassVar[bool] = False
    """Whether its file holds more per vector than the code: a graph's edges, a list's row numbers."""

    learns: ClassVar[bool] = False
    """Whether it is fitted on codes before others are added, as lists are: on ``codes.sample`` in :meth:`build`."""

    packages: ClassVar[tuple[str, ...]] = ()
    """Modules that it needs and that this project doesn't depend on."""

    is_database: ClassVar[bool] = False
    """Whether it quantizes and rescores by itself, and loads what it needs when it is searched."""

    varies: ClassVar[bool] = False
    """Whether it is built by several threads or by chance, so that each build finds somewhat other documents."""

    breadth: ClassVar[str] = ""
    """The search parameters that make a search look at more codes, for readers; none where all are looked at."""

    engine: str
    """The library that computes the scores, for the reports."""

    build_parameters: ClassVar[type[Entry]] = NoParameters
    """What a method's ``build`` may say."""
    search_parameters: ClassVar[type[Entry]] = NoParameters
    """What a method's ``search`` may say."""

    @classmethod
    def scorings(cls, codec: type[Family]) -> tuple[str, ...]:
        """Return the ways in which it compares queries with codes of ``codec``, the default first."""
        return codec.scorings

    @classmethod
    @abstractmethod
    def file_bytes(cls, documents: int, codec: CodecSpec, dim: int, build: Any) -> float:
        """Return the bytes of the file of as many ``documents``, of ``dim`` dimensions, built as ``build`` says."""

    @classmethod
    def obstacle(cls, codec: CodecSpec, extent: Extent, build: Any) -> str | None:
        """Say what keeps it from being built of such vectors' codes, as ``build`` says; None if nothing.

        ``extent`` is that of the vectors that ``codec`` quantizes, after its transforms. A study asks before it embeds,
        when only their number and dimensions are known, and again when the codec is fitted.
        """
        return None

    @classmethod
    def code_bytes(cls, codec: Codec, build: Any) -> int:
        """Return the bytes of a code in an index of codes of ``codec``, built as ``build`` says."""
        return codec.bytes_per_vector

    @classmethod
    def scans_all(cls, build: Any, search: Any) -> bool:
        """Whether an index built and searched so compares a query with the codes of all documents."""
        return cls.is_exact

    @classmethod
    def same_codes(cls, build: Any, search: Any) -> tuple[Any, ...]:
        """Return what decides its scores beside codec and scoring: an exact search of the same is its twin."""
        return ()

    @classmethod
    @abstractmethod
    def build(cls, codec: Quantizer, codes: Batches, path: Path, parameters: Any) -> None:
        """Build the index of ``codes`` of ``codec`` and write it to ``path``."""

    @classmethod
    @abstractmethod
    def open(cls, path: Path, codec: Quantizer, threads: int, parameters: Any, mapped: bool = False) -> Self:
        """Open an index file of codes of ``codec``; ``mapped`` leaves the codes on disk instead of loading them.

        A file that is missing, can't be read or holds something else is an InputError.
        """

    def bytes_elsewhere(self) -> tuple[int, int]:
        """Return the private bytes of other processes that it is searched by, and the bytes of files mapped in all."""
        return 0, 0

    @classmethod
    def looks_through_originals(cls, build: Any, search: Any) -> bool:
        """Whether a search of a database needs all vectors that it was given in memory, and not only some."""
        return True

    def kept_bytes(self) -> dict[str, int]:
        """Return what a database keeps of vectors, by the names of columns; nothing of other kinds."""
        return {}

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of documents."""

    @abstractmethod
    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return scores (greater is better) and int64 rows (queries, min(k, documents)), ties by ascending row.

        ``queries`` are what the codec's ``encode_queries`` returns. Where an approximate index finds fewer than
        k documents, rows end in −1.
        """

    def search_reproducibly(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Search like :meth:`search`, with results that are bit-identical for any number of threads."""
        return self.search(queries, k)


class FlatIndex(Index[Quantizer]):
    """An index that is a plain array of codes, all of which are scanned, and so a rescore store as well."""

    is_exact = True
    prefix_stable = True

    codes: np.ndarray
    """The codes (documents, width), in memory or mapped; valid as long as the index is."""

    @classmethod
    def file_bytes(cls, documents: int, codec: CodecSpec, dim: int, build: Any) -> float:
        """Return the bytes of the codes."""
        return documents * codec.code_bytes(dim)

    def __len__(self) -> int:
        """Return the number of documents."""
        return len(self.codes)

    def part(self, first: int, stop: int) -> Self:
        """Return the index of rows ``first`` to ``stop`` (exclusive) alone, for :meth:`search_reproducibly`.

        It shares the codes; its rows are numbered from 0.
        """
        return self._with(self.codes[first:stop])

    def search_subsets(
        self, queries: np.ndarray, k: int, subsets: Subsets, searched: Sequence[np.ndarray]
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield what :meth:`search_reproducibly` would find in an index of each subset, the smallest first.

        ``searched`` int64, ascending, are the places of the queries that are searched in each subset, all of which are
        searched in the smaller ones, too. Rows are those of this index, each scanned once; there may be fewer than k.
        """
        at_once = max(k, GATHERED_BYTES // (self.codes.shape[1] * self.codes.itemsize))
        scores, rows = np.empty((len(queries), 0)), np.empty((len(queries), 0), np.int64)
        before = np.arange(len(queries))
        for number, asked in enumerate(searched):
            still = np.searchsorted(before, asked)
            scores, rows, before = scores[still], rows[still], asked
            for added in subsets.added(number, at_once) if len(asked) else ():
                more, places = self._with(look_up(self.codes, added)).search_reproducibly(queries[asked], k)
                rows = np.concatenate([rows, added[places]], axis=1)
                scores, rows = best(np.concatenate([scores, more], axis=1), rows, k)
            yield scores, rows

    def _with(self, codes: np.ndarray) -> Self:
        """Return an index of ``codes`` for :meth:`search_reproducibly` alone."""
        other = copy(self)
        other.codes = codes
        return other
