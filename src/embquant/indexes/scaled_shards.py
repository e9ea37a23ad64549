"""The search of scaled-pq: FAISS finds the greatest products, and a bound says when no other code can score higher.

A score is s·⟨q, x̂⟩, and FAISS knows the product ⟨q, x̂⟩ only. Codes with nearly the same scale s are searched together.
If the last product that FAISS returned of them is p, no other one scores more than p times their greatest scale (or,
where p is negative, their least). So they are searched deeper until that is no more than the k-th best score.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import Any

import faiss
import numpy as np

from embquant.exact.threads import limit_faiss_threads
from embquant.exact.topk import best
from embquant.indexes.faiss_files import fill
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.scaled_pq import SCALE_BYTES, scales

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

    def __init__(
        self, codes: np.ndarray, empty: faiss.IndexPQ, pack: Callable[[Any], Any], documents: int, threads: int
    ) -> None:
        """Put ``codes``, uint8 (documents, bytes per vector), into shards of about as many ``documents``.

        Each is a copy of ``empty``, filled, and then what ``pack`` makes of it.
        """
        self._documents = len(codes)
        order = np.argsort(scales(codes), kind="stable").astype(np.int32)
        self._shards = []
        for rows in np.array_split(order, -(-len(codes) // documents)):
            own = codes[rows]
            index = faiss.clone_index(empty)
            centroids = np.ascontiguousarray(own[:, :-SCALE_BYTES])
            fill(index, index.codes, Batches(partial(iter, [centroids]), *centroids.shape), index.code_size)
            self._shards.append(Shard(pack(index), rows, scales(own)))
        self._pool = ThreadPoolExecutor(threads)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return float64 scores and int64 rows (queries, min(k, documents)), any of those tied for the last place.

        Rows are −1 where FAISS finds no more.
        """
        queries, k = np.ascontiguousarray(queries), min(k, self._documents)
        found: dict[int, tuple[np.ndarray, ...]] = {}
        depths = dict.fromkeys(
            range(len(self._shards)), max(FIRST_DEPTH, max(FIRST_DEPTHS, 2 * k) // len(self._shards))
        )
        while depths:
            each = map if len(depths) == 1 else self._pool.map  # to wake another thread takes a small shard's time
            searched = each(self._best, repeat(queries), depths, depths.values())
            found |= zip(depths, searched, strict=True)
            scores = np.concatenate([own for own, _, _ in found.values()], axis=1)
            least = np.partition(scores, -k, axis=1)[:, -k] if scores.shape[1] >= k else -np.inf
            depths = {at: DEEPER * own.shape[1] for at, (own, _, most) in found.items() if (most > least).any()}
        return best(scores, np.concatenate([own for _, own, _ in found.values()], axis=1), k)

    def _best(self, queries: np.ndarray, at: int, depth: int) -> tuple[np.ndarray, ...]:
        return self._shards[at].best(queries, depth)
