"""Which of several ways to score documents is the fastest on this machine: found out by the search itself.

Processors differ. Where one multiplies bytes four at a time, another is faster with float32, and caches are of several
sizes. So the first blocks of a search are scored in each way in turn, and the others in the fastest. All ways give the
same scores, so it doesn't matter which scores a block, and nothing is computed that isn't needed. Only sums in float32
may differ in their last bits: whoever searches by such scores settles the order of those within their tolerance.

A thread is timed by the time that it runs on a processor, so that other work on the machine doesn't count.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import thread_time

import numpy as np

Score = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Takes queries and a block of codes, returns int32 or float32 scores (queries, documents)."""

SCORES_AT_ONCE = (1 << 19, 1 << 21)
"""Scores that a thread computes at once: 2 or 8 MiB, which are compared while still in the processor's cache."""

LARGER_FROM = 128
"""Queries from which on the larger number is tried. With fewer, there would be more decoded documents than scores."""

LEAST_DOCUMENTS = 256
"""Documents of a block, however many queries share it."""

MOST_DOCUMENTS = 1 << 16
"""Documents of a block, however few queries there are: 96 MiB of decoded vectors of 384 dimensions."""

ALIGNED = 8
"""A block has half of this more documents than a multiple of it. NumKong's kernels write the scores of several queries
at once; where all of them begin at the same place of 32 bytes, they take a quarter longer."""

FIRST_DOCUMENTS = (16, 64)
"""Documents in the first block, times k: the least, and those wanted. Its k-th best score is then a bar that few later
scores pass."""

FIRST_SCORES = 1 << 22
"""Scores of the first block, unless even the least number of documents has more: 16 MiB."""

ROUNDS = 3
"""Blocks that are timed in each way. The shortest time counts."""


@dataclass(frozen=True)
class Way:
    """A kernel, and the number of ``documents`` in a block."""

    score: Score
    documents: int


class Trial:
    """The ways to search for about as many queries, and the seconds per document that each has taken."""

    def __init__(self, ways: list[Way], queries: int) -> None:
        """Try ``ways`` in the order given; ``queries`` is how many there are."""
        self._queries = queries
        self._seconds: dict[Way, list[float]] = {way: [] for way in ways}

    def first_block(self, k: int) -> int:
        """Return the number of documents to begin with; all of a block where a single query needs no bar."""
        if self._queries == 1:
            return MOST_DOCUMENTS
        least, wanted = (times * k for times in FIRST_DOCUMENTS)
        return max(LEAST_DOCUMENTS, least, min(wanted, FIRST_SCORES // self._queries))

    def next(self) -> Way:
        """Return the way to score the next block: one that isn't known yet, or else the fastest."""
        way = min(self._seconds, key=lambda each: len(self._seconds[each]))
        if len(self._seconds[way]) >= ROUNDS:
            way = min(self._seconds, key=lambda each: min(self._seconds[each][:ROUNDS]))
        return way

    @contextmanager
    def timed(self, way: Way) -> Iterator[None]:
        """Note how long a block takes in ``way``, until enough is known."""
        began = thread_time()
        yield
        if len(self._seconds[way]) < ROUNDS:
            self._seconds[way].append((thread_time() - began) / way.documents)


class Ways:
    """Kernels whose scores are equal, bit for bit where they are whole numbers.

    What was found out holds for codes of the same shape and up to twice as many queries, as long as this object lives.
    Searches on several threads find it out together.
    """

    def __init__(self, kernel: Score, *others: Score, others_from: int = 1, dtype: type = np.float32) -> None:
        """Score by ``kernel``, or from ``others_from`` queries on by one of ``others``.

        ``dtype`` is the type of scores that are returned, float32 or int32. Kernels may return float32 for int32.
        """
        self.dtype = dtype
        self._kernel, self._others, self._others_from = kernel, others, others_from
        self._trials: dict[tuple[int, int], Trial] = {}

    def trial(self, queries: np.ndarray, codes: np.ndarray) -> Trial:
        """Return what is known of searches like that of ``codes`` (documents, width) for ``queries``."""
        shape = (len(queries).bit_length(), codes.shape[1])
        if shape not in self._trials:
            kernels = [self._kernel, *(self._others if len(queries) >= self._others_from else ())]
            sizes = SCORES_AT_ONCE[: 2 if len(queries) >= LARGER_FROM else 1]
            blocks = dict.fromkeys(_documents(size, len(queries)) for size in sizes)
            ways = [Way(kernel, block) for block in blocks for kernel in kernels]
            self._trials.setdefault(shape, Trial(ways, len(queries)))
        return self._trials[shape]


def _documents(scores: int, queries: int) -> int:
    """Return the documents of a block of about so many ``scores``."""
    documents = max(LEAST_DOCUMENTS, min(MOST_DOCUMENTS, scores // queries))
    return documents + ALIGNED // 2 - documents % ALIGNED
