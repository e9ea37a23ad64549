"""The search of scaled-pq: FAISS finds the greatest products, and a bound says when no other code can score higher.

A score is s·⟨q, x̂⟩, and FAISS knows the product ⟨q, x̂⟩ only. Codes with nearly the same scale s are searched together.
If the last product that FAISS returned of them is p, no other one scores more than p times their greatest scale (or,
where p is negative, their least). So they are searched deeper until that is no more than the k-th best score.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, ClassVar

import faiss
import numpy as np

from embquant.exact.scan import Scan
from embquant.exact.threads import limit_faiss_threads
from embquant.exact.topk import best
from embquant.indexes.faiss_files import fill
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.scaled_pq import ScaledProductQuantization

FIRST_DEPTH = 16
"""Least number of documents that FAISS is asked for of a shard."""

FIRST_DEPTHS = 128
"""Least number that it is asked for of all shards together: with few of them, the scales of each differ more."""

DEEPER = 4
"""How many times deeper a shard is searched where its bound leaves the k best open."""


Found = tuple[np.ndarray, ...]
"""Scores and rows (queries, depth) found in a shard, and the most that any other document may score (queries,)."""


@dataclass(frozen=True)
class Shard:
    """A FAISS index of codes with nearly the same scale."""

    index: Any
    rows: np.ndarray
    """The rows of its codes, int32."""
    numbers: np.ndarray
    """The number of each code's scale, uint8, ascending."""
    scales: np.ndarray
    """The scale of each number, float32 (256,)."""

    def best(self, queries: np.ndarray, depth: int) -> Found:
        """Return the best that FAISS finds."""
        with limit_faiss_threads(1):
            products, places = self.index.search(queries, min(depth, len(self.rows)))
        most = (products[:, -1:].astype(np.float64) * self.scales[self.numbers[[0, -1]]]).max(axis=1)
        scales = self.scales[self.numbers[places]].astype(np.float64)
        scores, rows = products * scales, self.rows[places].astype(np.int64)
        is_all = np.full(len(queries), depth >= len(self.rows))
        if places[:, -1].min(initial=0) < 0:  # fast scan finds nothing for a query of zeros
            is_found = places >= 0
            scores, rows = np.where(is_found, scores, -np.inf), np.where(is_found, rows, -1)
            is_all |= ~is_found[:, -1]
        return scores, rows, np.where(is_all, -np.inf, most)


class ScaledShards:
    """All codes of a corpus, in shards by their scales."""

    most_codes: ClassVar[int] = 1 << 14
    """Codes of a shard at most: the fewer, the more alike are their scales, but a call of FAISS takes 50 µs."""

    worth_a_thread: ClassVar[int] = 1 << 16
    """Number of codes, times queries, from which on it pays to wake other threads."""

    def __init__(self, codes: np.ndarray, codec: ScaledProductQuantization, threads: int) -> None:
        """Put ``codes``, uint8 (documents, bytes per vector), into copies of the codec's index."""
        self._documents = len(codes)
        order = np.argsort(codes[:, -1], kind="stable").astype(np.int32)
        self._shards = []
        for rows in np.array_split(order, -(-len(codes) // self.most_codes)):
            own = codes[rows]
            index = faiss.clone_index(codec.index)
            centroids = np.ascontiguousarray(own[:, :-1])
            fill(index, index.codes, Batches(partial(iter, [centroids]), *centroids.shape), index.code_size)
            self._shards.append(Shard(self.packed(index), rows, own[:, -1].copy(), codec.scales))
        self._scan = Scan(threads)

    def packed(self, filled: faiss.IndexPQ) -> Any:
        """Return the index of a shard's codes that is searched."""
        return filled

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return float64 scores and int64 rows (queries, min(k, documents)), any of those tied for the last place.

        Rows are −1 where FAISS finds no more.
        """
        k, number = min(k, self._documents), len(self._shards)
        depths = dict.fromkeys(range(number), max(FIRST_DEPTH, max(FIRST_DEPTHS, 2 * k) // number))
        return self._deepened(np.ascontiguousarray(queries), k, depths, {})

    def _deepened(
        self, queries: np.ndarray, k: int, depths: dict[int, int], known: dict[int, Found]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Search shards to ``depths``, and deeper for those queries alone whose k best are open then.

        ``known`` is what has been found of the other shards.
        """
        found = known | dict(zip(depths, self._searched(queries, depths), strict=True))
        scores, rows = (np.concatenate([own[part] for own in found.values()], axis=1) for part in (0, 1))
        ranked = best(scores, rows, k)
        least = ranked[0][:, -1] if scores.shape[1] >= k else np.full(len(queries), -np.inf)
        is_open = {at: most > least for at, (_, _, most) in found.items()}
        places = np.flatnonzero(np.logical_or.reduce([*is_open.values()]))
        if len(places):
            deeper = {at: DEEPER * found[at][0].shape[1] for at, queries_left in is_open.items() if queries_left.any()}
            others = {at: tuple(part[places] for part in own) for at, own in found.items() if at not in deeper}
            for whole, own in zip(ranked, self._deepened(queries[places], k, deeper, others), strict=True):
                whole[places] = own
        return ranked

    def _searched(self, queries: np.ndarray, depths: dict[int, int]) -> Iterable[Found]:
        """Search some shards, each as deep as ``depths`` says, on as many threads as that is worth."""
        codes = len(queries) * sum(len(self._shards[at].rows) for at in depths)
        if codes < self.worth_a_thread:
            return self._best(queries, depths.items())[0]
        if len(queries) < len(depths):
            (searched,) = self._scan.map(partial(self._best, queries), np.array([*depths.items()]))
            return chain.from_iterable(searched)
        (searched,) = self._scan.map(lambda share: self._best(share, depths.items()), queries)
        return (tuple(map(np.concatenate, zip(*own, strict=True))) for own in zip(*searched, strict=True))

    def _best(self, queries: np.ndarray, depths: Iterable[Iterable[int]]) -> tuple[list[Found]]:
        """Search some shards, each of which is a row of ``depths``: its number and how deep."""
        return ([self._shards[at].best(queries, int(depth)) for at, depth in depths],)


class FastScanShards(ScaledShards):
    """Codes of 4 bits in FAISS's fast-scan layout, which it scans ten times as fast."""

    most_codes = 1 << 16
    worth_a_thread = 1 << 21

    def packed(self, filled: faiss.IndexPQ) -> faiss.IndexPQFastScan:
        """Lay the codes out anew."""
        return faiss.IndexPQFastScan(filled)
