"""What vectors are like before anything is quantized, in one pass over them and a sample."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from math import ceil, log2

import numpy as np

from embquant.errors import InputError
from embquant.exact.threads import limit_threads
from embquant.exact.topk import TopK
from embquant.measure.trial import tried
from embquant.quantize.batches import Batches

SAMPLE_BYTES = 512 << 20
"""Most memory for the sample, float64."""

SAMPLE = 10_000
"""Most vectors that covariances are taken from."""

QUERIES = 256
"""Most queries whose margins are measured."""

HASHES = 1 << 22
"""About the most vectors that are looked at for duplicates; more are sampled by their hash, with all their copies."""

DEAD = 1e-3
"""Deviation below which a dimension is dead, as a share of the root mean square deviation of all."""

OUTLIER = 3.0
"""Root mean square above which a dimension is an outlier, in that of the median dimension."""

BLOCK = 8192
"""Vectors that are compared with queries at once."""


@dataclass(frozen=True)
class Diagnosis:
    """What ``vectors`` vectors of ``dim`` dimensions are like. None stands where too few, or all equal, say nothing.

    - ``sampled``: vectors that deviations come from; ``unusable``: those with NaN or infinity, which are left out;
      ``zero``: those of length 0.
    - ``length_mean``, ``length_least``, ``length_greatest``: Euclidean length.
    - ``mean_share``: length of the mean vector / mean length. 0: centred; 1: all point the same way.
    - ``dead``: dimensions that hardly vary; ``outliers``: those that are far larger than the others, with
      ``outlier_share`` of the mean squared length.
    - ``effective_dim``: participation ratio of the eigenvalues λ of the covariance, (Σλ)² / Σλ².
    - ``span``: greatest − least value over deviation, the median over dimensions that aren't dead.
    - ``margin``: (score at rank k − score at rank 2k) / |score at rank k|; ``margin_in_deviations``: the same
      difference over the deviation of all scores. Both are medians over ``queries`` queries, which with ``own_queries``
      are vectors of the corpus.
    - ``duplicates``: share of the vectors that repeat another one.
    - ``overlap``: overlap@k of codecs tried on the sample, by name (:func:`~embquant.measure.trial.tried`).
    """

    vectors: int
    dim: int
    sampled: int
    unusable: int
    zero: int
    length_mean: float
    length_least: float
    length_greatest: float
    mean_share: float | None
    dead: list[int]
    outliers: list[int]
    outlier_share: float
    effective_dim: float | None
    span: float | None
    k: int
    queries: int
    own_queries: bool
    margin: float | None
    margin_in_deviations: float | None
    duplicates: float
    overlap: dict[str, float | None]


@limit_threads(1)
def diagnose(vectors: Batches, queries: np.ndarray | None = None, k: int = 10, seed: int = 0) -> Diagnosis:
    """Diagnose vectors, float32, of which at most ``SAMPLE`` are held in memory.

    ``queries`` (queries, dim) are the vectors to search for; without them, some of the vectors themselves are searched
    for, each among all others. ``seed`` draws samples. Only vectors with NaN or infinity are an InputError.
    """
    rows, sample = _sample(vectors, seed)
    if queries is None:
        chosen = np.linspace(0, len(sample) - 1, min(QUERIES, len(sample))).astype(np.int64)
        given, own = sample[chosen], chosen
    else:
        given = _usable(queries)
        given = given[np.sort(np.random.default_rng(seed).permutation(len(given))[:QUERIES])]
        own = np.full(len(given), -1)
    asked = _unit(given)  # margins are relative: so no score overflows
    seen = _Pass(vectors, asked, np.where(own < 0, -1, rows[own]), 2 * k)
    spread = _Spread(sample)
    margin, in_deviations = _margins(seen.scores(), k, spread.of_scores(asked))
    alive = spread.deviations > spread.dead_below
    spans = (seen.greatest - seen.least)[alive] / spread.deviations[alive]
    outliers = spread.outliers()
    return Diagnosis(
        vectors=vectors.rows,
        dim=vectors.dim,
        sampled=len(sample),
        unusable=seen.unusable,
        zero=seen.zero,
        length_mean=seen.length / seen.usable,
        length_least=seen.shortest,
        length_greatest=seen.longest,
        mean_share=float(np.linalg.norm(seen.total) / seen.length) if seen.length else None,
        dead=np.flatnonzero(~alive).tolist(),
        outliers=np.flatnonzero(outliers).tolist(),
        outlier_share=float(spread.squares[outliers].sum() / spread.squares.sum()) if spread.squares.any() else 0.0,
        effective_dim=spread.effective_dim(),
        span=float(np.median(spans)) if len(spans) else None,
        k=k,
        queries=len(asked),
        own_queries=queries is None,
        margin=margin,
        margin_in_deviations=in_deviations,
        duplicates=seen.duplicates(),
        overlap=tried(*_near_one(sample, given), own, k),
    )


def _sample(vectors: Batches, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw vectors that can be used; return their rows, ascending int64, and them, float32 (rows, dim)."""
    count = max(2, min(SAMPLE, SAMPLE_BYTES // (8 * vectors.dim)))
    rng = np.random.default_rng(seed)
    rows = np.arange(vectors.rows) if count >= vectors.rows else np.sort(rng.choice(vectors.rows, count, replace=False))
    sample = vectors.draw(count, seed)  # draws the same rows
    usable = np.isfinite(lengths_of(sample))
    if not usable.any():
        raise InputError(f"all of {len(sample):,} vectors have NaN or infinity among their values; nothing can be said")
    return rows[usable], sample[usable]


def _near_one(sample: np.ndarray, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Multiply both by the power of two by which the sample's values are at most 1, so that no score overflows."""
    _, exponent = np.frexp(np.abs(sample).max())
    return np.ldexp(sample, -exponent), np.ldexp(queries, -exponent)


def _usable(vectors: np.ndarray) -> np.ndarray:
    return vectors[np.isfinite(lengths_of(vectors))]


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = lengths_of(vectors)[:, None]
    return (vectors / np.where(lengths == 0, 1, lengths)).astype(np.float32)


def lengths_of(vectors: np.ndarray) -> np.ndarray:
    """Return the Euclidean length of each vector, float64 (rows,); no number where a value is none."""
    return np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))


class _Pass:
    """What one pass over all vectors finds."""

    def __init__(self, vectors: Batches, queries: np.ndarray, own: np.ndarray, depth: int) -> None:
        self.unusable = self.zero = self.usable = 0
        self.length, self.shortest, self.longest = 0.0, np.inf, 0.0
        self.total = np.zeros(vectors.dim)
        self.least, self.greatest = np.full(vectors.dim, np.inf), np.full(vectors.dim, -np.inf)
        self._queries, self._own, self._depth = queries, own, depth
        self._best = TopK(len(queries), depth + 1)
        self._hash_limit = 1 << 64 - max(0, ceil(log2(vectors.rows / HASHES)))
        self._hashes: list[np.ndarray] = []
        first = 0
        for batch in vectors:
            for block in np.array_split(batch, range(BLOCK, len(batch), BLOCK)):
                self._see(block, first)
                first += len(block)

    def _see(self, block: np.ndarray, first: int) -> None:
        lengths = lengths_of(block)
        is_usable = np.isfinite(lengths)
        usable, lengths = block[is_usable], lengths[is_usable]
        self.unusable += len(block) - len(usable)
        self.zero += int((lengths == 0).sum())
        self.usable += len(usable)
        self.length += float(lengths.sum())
        self.shortest = min(self.shortest, float(lengths.min(initial=np.inf)))
        self.longest = max(self.longest, float(lengths.max(initial=0)))
        self.total += usable.sum(axis=0, dtype=np.float64)
        self.least = np.minimum(self.least, usable.min(axis=0, initial=np.inf))
        self.greatest = np.maximum(self.greatest, usable.max(axis=0, initial=-np.inf))
        self._hashes.append(np.fromiter(self._hashed(usable), np.uint64))
        with np.errstate(all="ignore"):
            scores = self._queries @ block.T
        scores[:, ~is_usable] = -np.inf
        here = np.flatnonzero((self._own >= first) & (self._own < first + len(block)))
        scores[here, self._own[here] - first] = -np.inf
        self._best.push(scores, first)

    def _hashed(self, vectors: np.ndarray) -> Iterator[int]:
        """Yield the 64-bit hashes of vectors, as far as they are below the limit; −0 and 0 are the same."""
        for vector in vectors + np.float32(0):
            digest = int.from_bytes(blake2b(vector, digest_size=8).digest(), "little")
            if digest < self._hash_limit:
                yield digest

    def scores(self) -> np.ndarray:
        """Return the best scores of each query, float64 (queries, depth), fewer if there are fewer vectors."""
        scores = self._best.result()[0][:, : self._depth].astype(np.float64)
        return scores[:, np.isfinite(scores).all(axis=0)] if len(scores) else scores[:, :0]

    def duplicates(self) -> float:
        hashes = np.concatenate(self._hashes)
        return 1 - len(np.unique(hashes)) / len(hashes) if len(hashes) else 0.0


class _Spread:
    """How a sample spreads around its mean: by dimension, and together."""

    def __init__(self, sample: np.ndarray) -> None:
        exact = sample.astype(np.float64)
        self.squares = np.einsum("nd,nd->d", exact, exact) / len(exact)
        exact -= exact.mean(axis=0)
        self._degrees = len(exact) - 1
        self._covariance = exact.T @ exact / max(self._degrees, 1)
        self.deviations = np.sqrt(np.diag(self._covariance))
        self.dead_below = DEAD * float(np.sqrt(np.mean(self.deviations**2)))

    def outliers(self) -> np.ndarray:
        sizes = np.sqrt(self.squares)
        return sizes > OUTLIER * np.median(sizes)

    def effective_dim(self) -> float | None:
        """Return (Σλ)² / Σλ² of the distribution that the sample was drawn from.

        In a sample of n vectors the sum of squares is too large by about (Σλ)² / (n − 1), which is taken off as for
        normal vectors (Srivastava 2005, "Some tests concerning the covariance matrix in high dimensional data").
        """
        n = self._degrees
        trace, squares = float(np.trace(self._covariance)), float((self._covariance**2).sum())
        if n < 2 or trace == 0:
            return None
        unbiased = n**2 / ((n - 1) * (n + 2)) * (squares - trace**2 / n)
        return trace**2 / unbiased if unbiased * len(self._covariance) > trace**2 else float(len(self._covariance))

    def of_scores(self, queries: np.ndarray) -> np.ndarray:
        """Return the deviation of each query's scores over all vectors, float64 (queries,)."""
        exact = queries.astype(np.float64)
        return np.sqrt(np.maximum(np.einsum("qd,qd->q", exact @ self._covariance, exact), 0))


def _margins(scores: np.ndarray, k: int, deviations: np.ndarray) -> tuple[float | None, float | None]:
    """Return the median margin between ranks k and 2k, of the score at k, and of the scores' deviation."""
    if scores.shape[1] < 2 * k:
        return None, None
    gaps = scores[:, k - 1] - scores[:, 2 * k - 1]
    found = []
    for sizes in (np.abs(scores[:, k - 1]), deviations):
        known = sizes > 0
        found.append(float(np.median(gaps[known] / sizes[known])) if known.any() else None)
    return found[0], found[1]
