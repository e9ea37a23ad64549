"""Nested random subsets of a corpus: what smaller corpora with the same judged documents would have been."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self
from zlib import crc32

import numpy as np

from embquant.entries import Entry

GOLDEN = 0x9E3779B97F4A7C15
MIXERS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))
"""Shifts and factors of SplitMix64: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"."""


class Wanted(Entry):
    """Which subsets a search looks at: at most ``halvings`` of them, drawn by ``seed``, to ``depth`` candidates."""

    halvings: int
    seed: int
    depth: int


@dataclass(frozen=True)
class Subsets:
    """Subsets of the rows of a corpus, each part of the next, and the last of the corpus.

    ``sizes`` are their numbers of rows, ascending, ``depth`` the candidates that a search finds in each. ``first``
    uint8 (documents,) is for each row the place in ``sizes`` of the smallest subset that has it, or their number if
    none has.
    """

    sizes: Sequence[int]
    depth: int
    first: np.ndarray

    @classmethod
    def of(cls, ids: Iterable[str], judged: np.ndarray, wanted: Wanted) -> Self:
        """Halve the documents with these ``ids`` as often as wanted, or until ``judged`` rows would be left out.

        All subsets have all ``judged`` rows (int64, any order); a hash of the seed and the id chooses the others. So a
        document is chosen whatever row it has. A subset has more documents than a search finds.
        """
        keys = _hashes(ids, wanted.seed)
        is_other = np.ones(len(keys), bool)
        is_other[judged] = False
        least = max(int((~is_other).sum()), wanted.depth + 1)
        halves = [len(keys) >> halving for halving in range(wanted.halvings, 0, -1)]
        sizes = [size for size in halves if size >= least]
        places = np.empty(len(keys), np.int64)
        places[np.lexsort((keys, is_other))] = np.arange(len(keys))
        return cls(sizes, wanted.depth, np.searchsorted(sizes, places, side="right").astype(np.uint8))

    def added(self, number: int, at_once: int) -> Sequence[np.ndarray]:
        """Return the rows (int64, ascending) that subset ``number`` has and no smaller one, ``at_once`` at a time."""
        rows = np.flatnonzero(self.first == number)
        return [rows[start : start + at_once] for start in range(0, len(rows), at_once)]

    def part(self, first: int, stop: int) -> Self:
        """Return the subsets of rows ``first`` to ``stop`` (exclusive) alone, which are numbered from 0."""
        return type(self)(self.sizes, self.depth, self.first[first:stop])


def _hashes(ids: Iterable[str], seed: int) -> np.ndarray:
    """Return a random-looking uint64 for each id."""
    keys = np.fromiter(map(crc32, map(str.encode, ids)), np.uint64)
    keys += np.uint64((seed + 1) * GOLDEN % 2**64)
    for shift, factor in MIXERS:
        keys = (keys ^ (keys >> np.uint64(shift))) * np.uint64(factor)
    return keys
