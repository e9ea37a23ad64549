"""Retrieval quality and agreement, per query, computed from ranks.

Names are those of ir-measures: ``nDCG@10``, ``RR@10``, ``AP@100``, ``R@10``; further ``overlap@10`` and
``rbo``, which compare a ranking with the exact float32 one and need no judgements.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from embquant.entries import nearest
from embquant.errors import InputError

EPSILON = 1e-6
"""How far below the k-th best exact score a document may be and count as one of the k best."""

PERSISTENCE = 0.9
"""The p of rank-biased overlap."""


@dataclass(frozen=True)
class Judgements:
    """Relevance judgements of queries by row.

    ``keys`` is query_row · documents + doc_row, ascending, int64; ``relevance`` the judgement of each key.
    """

    keys: np.ndarray
    relevance: np.ndarray
    queries: int
    documents: int

    @classmethod
    def from_rows(
        cls, query_rows: np.ndarray, doc_rows: np.ndarray, relevance: np.ndarray, queries: int, documents: int
    ) -> Self:
        """Take judgements as three equally long arrays; those of relevance 0 or less count as not relevant."""
        relevant = relevance > 0
        keys = query_rows[relevant].astype(np.int64) * documents + doc_rows[relevant]
        order = np.argsort(keys)
        return cls(keys[order], relevance[relevant][order].astype(np.float64), queries, documents)

    def gains(self, rows: np.ndarray, queries: np.ndarray | None = None) -> np.ndarray:
        """Return the relevance, float64, of ranked document ``rows`` (queries, k); 0 where there is none.

        The rankings are of all queries, or of ``queries``, int64 rows.
        """
        if not len(self.keys):
            return np.zeros(rows.shape)
        queries = np.arange(len(rows)) if queries is None else queries
        keys = queries[:, None] * self.documents + rows
        places = np.searchsorted(self.keys, keys).clip(max=len(self.keys) - 1)
        return np.where((rows >= 0) & (self.keys[places] == keys), self.relevance[places], 0.0)

    @cached_property
    def relevant(self) -> np.ndarray:
        """Number of relevant documents of each query, int64 (queries,)."""
        return np.bincount(self.keys // self.documents, minlength=self.queries)

    @cached_property
    def ideal_gains(self) -> np.ndarray:
        """Relevance in descending order, float64 (queries, most relevant documents of any query), 0 beyond."""
        queries = self.keys // self.documents
        order = np.lexsort((-self.relevance, queries))
        place = np.arange(len(order)) - np.searchsorted(queries[order], queries[order])
        ideal = np.zeros((self.queries, max(1, self.relevant.max(initial=0))))
        ideal[queries[order], place] = self.relevance[order]
        return ideal


@dataclass(frozen=True)
class Reference:
    """The ranking of an exact search, of float32 as a rule: rows int64 and scores float64 (queries, k), best first."""

    rows: np.ndarray
    scores: np.ndarray

    def first(self, top_k: int) -> Self:
        """Return the ranking of the first ``top_k`` documents."""
        return type(self)(self.rows[:, :top_k], self.scores[:, :top_k])


@dataclass(frozen=True)
class Ranking:
    """What is measured: ``rows`` int64 (queries, k), −1 for none, and their exact scores float64 (queries, k)."""

    rows: np.ndarray
    exact_scores: np.ndarray


@dataclass(frozen=True)
class Metric:
    """One metric with its cut-off."""

    measure: str
    cutoff: int | None

    def __str__(self) -> str:
        """Write the metric as ir-measures does."""
        return self.measure if self.cutoff is None else f"{self.measure}@{self.cutoff}"

    @property
    def judged(self) -> bool:
        """Whether the metric needs judgements."""
        return self.measure in JUDGED

    def compute(self, ranking: Ranking, judgements: Judgements | None, reference: Reference) -> np.ndarray:
        """Return the metric of each query, float64 (queries,).

        NaN throughout where it can't be told: a cut-off beyond the ranking that was asked for, or a judged
        metric without judgements.
        """
        asked = ranking.rows.shape[1]
        if (self.cutoff is not None and asked < self.cutoff) or (self.judged and judgements is None):
            return np.full(len(ranking.rows), np.nan)
        if self.judged:
            return JUDGED[self.measure](judgements.gains(ranking.rows[:, : self.cutoff]), judgements, self.cutoff)
        return AGREEMENT[self.measure](ranking, reference, self.cutoff)


def parse_metric(name: str) -> Metric:
    """Read a metric's name; an unknown one is an InputError."""
    match = re.fullmatch(r"([A-Za-z]+)@([1-9][0-9]*)", name)
    if name == "rbo":
        return Metric(name, None)
    if match and (match[1] in JUDGED or match[1] == "overlap"):
        return Metric(match[1], int(match[2]))
    valid = [f"{measure}@10" for measure in (*JUDGED, "overlap")]
    raise InputError(f"metric {name!r} is not known{nearest(name, [*valid, 'rbo'])}")


def ndcg(gains: np.ndarray, judgements: Judgements, cutoff: int) -> np.ndarray:
    """Normalised discounted cumulative gain, gain = relevance, discount log2(rank + 1).

    Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques", as trec_eval computes it.
    """
    ideal = judgements.ideal_gains[:, :cutoff]
    return _ratio(gains @ _discount(gains.shape[1]), ideal @ _discount(ideal.shape[1]))


def reciprocal_rank(gains: np.ndarray, judgements: Judgements, cutoff: int) -> np.ndarray:
    """1 / rank of the first relevant document, 0 if there is none within the cut-off."""
    relevant = gains > 0
    return np.where(relevant.any(axis=1), 1 / (relevant.argmax(axis=1) + 1), 0.0)


def average_precision(gains: np.ndarray, judgements: Judgements, cutoff: int) -> np.ndarray:
    """Precision at each relevant document found, summed, over the number of all relevant documents."""
    relevant = gains > 0
    precision = relevant.cumsum(axis=1) / np.arange(1, gains.shape[1] + 1)
    return _ratio((precision * relevant).sum(axis=1), judgements.relevant)


def recall(gains: np.ndarray, judgements: Judgements, cutoff: int) -> np.ndarray:
    """Share of the relevant documents that are found within the cut-off."""
    return _ratio((gains > 0).sum(axis=1), judgements.relevant)


def precision(gains: np.ndarray, judgements: Judgements, cutoff: int) -> np.ndarray:
    """Relevant documents found within the cut-off, over the cut-off."""
    return (gains > 0).sum(axis=1) / cutoff


def overlap(ranking: Ranking, reference: Reference, cutoff: int) -> np.ndarray:
    """Share of the first k whose exact score reaches the k-th of the reference, less EPSILON.

    As ann-benchmarks counts recall (Aumüller et al. 2020), so that ties and repeated texts do no harm.
    """
    depth = min(cutoff, reference.scores.shape[1])
    least = reference.scores[:, depth - 1]
    least = least - EPSILON * np.maximum(1, np.abs(least))
    return (ranking.exact_scores[:, :cutoff] >= least[:, None]).sum(axis=1) / depth


def rank_biased_overlap(ranking: Ranking, reference: Reference, cutoff: None = None) -> np.ndarray:
    """Rank-biased overlap with the reference, extrapolated, p = PERSISTENCE.

    Webber, Moffat and Zobel 2010, "A similarity measure for indefinite rankings", equation 32 for lists of
    one length k: X_k / k · p^k + (1 − p) / p · Σ_d X_d / d · p^d, X_d = documents common to both first d.
    """
    depth = min(ranking.rows.shape[1], reference.rows.shape[1])
    mine, theirs = ranking.rows[:, :depth], reference.rows[:, :depth]
    found_at = np.zeros(mine.shape)  # documents that become common at each depth
    queries, here, there = _common(mine, theirs)
    np.add.at(found_at, (queries, np.maximum(here, there)), 1)
    common = found_at.cumsum(axis=1)
    depths = np.arange(1, depth + 1)
    weights = PERSISTENCE**depths
    agreement = common / depths
    return agreement[:, -1] * weights[-1] + (1 - PERSISTENCE) / PERSISTENCE * (agreement @ weights)


JUDGED = {"nDCG": ndcg, "RR": reciprocal_rank, "AP": average_precision, "R": recall, "P": precision}
AGREEMENT = {"overlap": overlap, "rbo": rank_biased_overlap}


def _discount(ranks: int) -> np.ndarray:
    return 1 / np.log2(np.arange(2, ranks + 2))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _common(mine: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, for each document in both rankings of a query, the query and the document's place in either."""
    stride = 1 + max(mine.max(initial=0), theirs.max(initial=0))
    offsets = np.arange(len(mine))[:, None] * stride
    order = np.argsort(theirs, axis=1)
    keys = (np.take_along_axis(theirs, order, axis=1) + offsets).reshape(-1)
    wanted = np.where(mine < 0, -1, mine + offsets)
    found = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    queries, here = np.nonzero(keys[found] == wanted)
    return queries, here, order.reshape(-1)[found[queries, here]]
