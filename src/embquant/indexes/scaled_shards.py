"""The search of scaled-pq: FAISS finds the greatest products, and a bound says when no other code can score higher.

A score is s·⟨q, x̂⟩, and FAISS knows the product ⟨q, x̂⟩ only. Codes with nearly the same scale s are searched together.
If the last product that FAISS returned of them is p, no other one scores more than p times their greatest scale (or,
where p is negative, their least). So they are searched deeper until that is no more than the k-th best score.
"""

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


@dataclass(frozen=True)
class Shard:
    """A FAISS index of codes with nearly the same scale: their rows, int32, and scales, float32, ascending."""

    index: Any
    rows: np.ndarray
    scales: np.ndarray

    def best(self, queries: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return scores and rows (queries, depth), and the most that any other document may score (queries,)."""
        with limit_faiss_threads(1):
            products, places = self.index.search(queries, min(depth, len(self.rows)))
        is_found = places >= 0  # fast scan finds nothing for a query of zeros
        products = np.where(is_found, products, 0).astype(np.float64)
        scores = np.where(is_found, products * self.scales[places], -np.inf)
        rows = np.where(is_found, self.rows[places], -1).astype(np.int64)
        is_all = depth >= len(self.rows) or ~is_found[:, -1]
        return scores, rows, np.where(is_all, -np.inf, (products[:, -1:] * self.scales[[0, -1]]).max(axis=1))


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
            self._shards.append(Shard(self.packed(index), rows, codec.scales(own)))
        self._scan, self._alone = Scan(threads), Scan(1)

    def packed(self, filled: faiss.IndexPQ) -> Any:
        """Return the index of a shard's codes that is searched."""
        return filled

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return float64 scores and int64 rows (queries, min(k, documents)), any of those tied for the last place.

        Rows are −1 where FAISS finds no more.
        """
        queries, k = np.ascontiguousarray(queries), min(k, self._documents)
        found: dict[int, tuple[np.ndarray, ...]] = {}
        scan = self._scan if len(queries) * self._documents >= self.worth_a_thread else self._alone
        depths = dict.fromkeys(
            range(len(self._shards)), max(FIRST_DEPTH, max(FIRST_DEPTHS, 2 * k) // len(self._shards))
        )
        while depths:
            (searched,) = scan.map(partial(self._best, queries), np.array([*depths.items()]))
            found |= zip(depths, chain.from_iterable(searched), strict=True)
            scores = np.concatenate([own for own, _, _ in found.values()], axis=1)
            least = np.partition(scores, -k, axis=1)[:, -k] if scores.shape[1] >= k else -np.inf
            depths = {at: DEEPER * own.shape[1] for at, (own, _, most) in found.items() if (most > least).any()}
        return best(scores, np.concatenate([own for _, own, _ in found.values()], axis=1), k)

    def _best(self, queries: np.ndarray, depths: np.ndarray) -> tuple[list[tuple[np.ndarray, ...]]]:
        """Search some shards, each of which is a row of ``depths``: its number and how deep."""
        return ([self._shards[at].best(queries, depth) for at, depth in depths.tolist()],)


class FastScanShards(ScaledShards):
    """Codes of 4 bits in FAISS's fast-scan layout, which it scans ten times as fast."""

    most_codes = 1 << 16
    worth_a_thread = 1 << 21

    def packed(self, filled: faiss.IndexPQ) -> faiss.IndexPQFastScan:
        """Lay the codes out anew."""
        return faiss.IndexPQFastScan(filled)
