"""Retrieval quality and agreement, per query, computed from ranks.

Names are those of ir-measures: ``nDCG@10``, ``RR@10``, ``AP@100``, ``R@10``. ``overlap@10`` and ``rbo`` compare a
ranking with the exact float32 one and need no judgements.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from embquant.entries import nearest
from embquant.errors import InputError
from embquant.measure.judgements import Judgements
from embquant.measure.ties import TiedGains, reached
from embquant.registry import Registry

PERSISTENCE = 0.9
"""The p of rank-biased overlap."""


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
    """What is measured: ``rows`` int64 (queries, k), −1 for none, and their exact scores float64 (queries, k).

    ``gains`` float64 (queries, k) are their relevance, where it has been looked up.
    """

    rows: np.ndarray
    exact_scores: np.ndarray
    gains: np.ndarray | None = None


class MetricKind(ABC):
    """A sort of metric, such as nDCG; at a cut-off it is a :class:`Metric`."""

    judged: ClassVar[bool] = False
    """Whether it needs judgements; if not, it compares a ranking with the reference."""

    has_cutoff: ClassVar[bool] = True
    """Whether its name ends in a cut-off: ``nDCG@10``; ``rbo`` has none."""

    @classmethod
    @abstractmethod
    def compute(
        cls, ranking: Ranking, judgements: Judgements | None, reference: Reference, cutoff: int | None
    ) -> np.ndarray:
        """Return the metric of each query, float64 (queries,); there are judgements if it is ``judged``."""

    @classmethod
    def contributions(cls, gains: np.ndarray) -> np.ndarray:
        """Return what each document of a ranking with ``gains`` (k,) adds to a query's metric, float64 (k,).

        The sum is the metric, up to a factor that all rankings of the query share (ideal ranking, relevant documents,
        cut-off). By default relevant documents have equal weights.
        """
        return (gains > 0).astype(np.float64)


class JudgedKind(MetricKind):
    """A metric of the relevance of the ranked documents."""

    judged = True

    @classmethod
    def compute(
        cls, ranking: Ranking, judgements: Judgements | None, reference: Reference, cutoff: int | None
    ) -> np.ndarray:
        """Look up the relevance of each ranked document."""
        if judgements is None or cutoff is None:
            raise ValueError(f"{cls.__name__} needs judgements and a cut-off")
        gains = judgements.gains(ranking.rows) if ranking.gains is None else ranking.gains
        return cls.of_gains(gains[:, :cutoff], judgements, cutoff)

    @classmethod
    @abstractmethod
    def of_gains(cls, gains: np.ndarray, judgements: Judgements, cutoff: int) -> np.ndarray:
        """Return the metric of each query from the relevance of its first documents, float64 (queries, cutoff)."""

    @classmethod
    def expected(cls, ties: TiedGains, judgements: Judgements, cutoff: int) -> np.ndarray:
        """Return the mean of each query's metric over all orders of tied documents, float64 (queries,).

        NaN throughout if the kind has no formula for it.
        """
        return np.full(len(ties.gains), np.nan)

    @classmethod
    def span(cls, ties: TiedGains, judgements: Judgements, cutoff: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the least and the greatest value that an order of tied documents gives, float64 (queries,) each.

        A metric must not become less where a more relevant document takes the place of a less relevant one above it.
        """
        worst = cls.of_gains(ties.worst[:, :cutoff], judgements, cutoff)
        return worst, worst if ties.best is ties.worst else cls.of_gains(ties.best[:, :cutoff], judgements, cutoff)


@dataclass(frozen=True)
class Metric:
    """One metric with its cut-off."""

    measure: str
    cutoff: int | None

    def __str__(self) -> str:
        """Write the metric as ir-measures does."""
        return self.measure if self.cutoff is None else f"{self.measure}@{self.cutoff}"

    @property
    def kind(self) -> type[MetricKind]:
        """The sort of metric."""
        return METRICS[self.measure]

    @property
    def judged(self) -> bool:
        """Whether the metric needs judgements."""
        return self.kind.judged

    def compute(self, ranking: Ranking, judgements: Judgements | None, reference: Reference) -> np.ndarray:
        """Return the metric of each query, float64 (queries,).

        NaN throughout where it can't be computed: a cut-off beyond the ranking that was asked for, or a judged
        metric without judgements.
        """
        too_short = self.cutoff is not None and ranking.rows.shape[1] < self.cutoff
        if too_short or (self.judged and judgements is None):
            return np.full(len(ranking.rows), np.nan)
        return self.kind.compute(ranking, judgements, reference, self.cutoff)

    def over_ties(
        self, ties: TiedGains, judgements: Judgements, top_k: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the metric's expected, least and greatest value over all orders of ties, float64 (queries,) each.

        NaN throughout if it isn't judged, or its cut-off is beyond ``top_k``, the documents that are returned.
        """
        if not issubclass(self.kind, JudgedKind) or self.cutoff is None or self.cutoff > top_k:
            return (np.full(len(ties.gains), np.nan),) * 3
        known = (ties, judgements, self.cutoff)
        return (self.kind.expected(*known), *self.kind.span(*known))

    def contributions(self, gains: np.ndarray) -> np.ndarray:
        """Return what each document of a ranking with ``gains`` (k,) adds to a query's metric, float64 (k,)."""
        ranks = np.arange(1, len(gains) + 1)
        return np.where(ranks <= (self.cutoff or len(gains)), self.kind.contributions(gains), 0.0)


def parse_metric(name: str) -> Metric:
    """Read a metric's name; an unknown one is an InputError."""
    measure, at, cutoff = name.partition("@")
    if measure in METRICS:
        if METRICS[measure].has_cutoff and re.fullmatch("[1-9][0-9]*", cutoff):
            return Metric(measure, int(cutoff))
        if not METRICS[measure].has_cutoff and not at:
            return Metric(measure, None)
    valid = [f"{measure}@10" if METRICS[measure].has_cutoff else measure for measure in METRICS.names()]
    raise InputError(f"metric {name!r} is not known{nearest(name, valid)}")


class Overlap(MetricKind):
    """Share of the first k whose exact score reaches the k-th of the reference, less EPSILON of its magnitude.

    As ann-benchmarks counts recall (Aumüller et al. 2020), so that ties and repeated texts do no harm.
    """

    @classmethod
    def compute(
        cls, ranking: Ranking, judgements: Judgements | None, reference: Reference, cutoff: int | None
    ) -> np.ndarray:
        """Return the share."""
        depth = min(cutoff or ranking.rows.shape[1], reference.scores.shape[1])
        documents = (reference.rows[:, :depth] >= 0).sum(axis=1)  # fewer where a query's own one is left out
        depth = np.maximum(1, documents)
        least = reached(np.take_along_axis(reference.scores, depth[:, None] - 1, axis=1)[:, 0])
        return (ranking.exact_scores[:, :cutoff] >= least[:, None]).sum(axis=1) / depth


class RankBiasedOverlap(MetricKind):
    """Rank-biased overlap with the reference, extrapolated, p = PERSISTENCE.

    Webber, Moffat and Zobel 2010, "A similarity measure for indefinite rankings", equation 32 for lists of
    one length k: X_k / k · p^k + (1 − p) / p · Σ_d X_d / d · p^d, X_d = documents common to both first d.
    """

    has_cutoff = False

    @classmethod
    def compute(
        cls, ranking: Ranking, judgements: Judgements | None, reference: Reference, cutoff: int | None
    ) -> np.ndarray:
        """Return the sum."""
        depth = min(ranking.rows.shape[1], reference.rows.shape[1])
        ranked, expected = ranking.rows[:, :depth], reference.rows[:, :depth]
        found_at = np.zeros(ranked.shape)  # documents that become common at each depth
        queries, places, reference_places = _common(ranked, expected)
        np.add.at(found_at, (queries, np.maximum(places, reference_places)), 1)
        depths = np.arange(1, depth + 1)
        weights = PERSISTENCE**depths
        agreement = found_at.cumsum(axis=1) / depths
        return agreement[:, -1] * weights[-1] + (1 - PERSISTENCE) / PERSISTENCE * (agreement @ weights)


METRICS: Registry[type[MetricKind]] = Registry(
    "metric",
    "embquant.metrics",
    {
        "nDCG": "embquant.measure.judged:NDCG",
        "RR": "embquant.measure.judged:ReciprocalRank",
        "AP": "embquant.measure.judged:AveragePrecision",
        "R": "embquant.measure.judged:Recall",
        "P": "embquant.measure.judged:Precision",
        "overlap": f"{__name__}:Overlap",
        "rbo": f"{__name__}:RankBiasedOverlap",
    },
)
"""Sorts of metrics; a name is of letters alone."""


def _common(ranked: np.ndarray, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, for each document in both rankings of a query, the query and the document's place in either.

    Both are (queries, depth). Places without a document count as a document that only the same place has.
    """
    documents = 1 + max(ranked.max(initial=0), expected.max(initial=0))
    places = np.arange(expected.shape[1])
    ranked, expected = (np.where(rows < 0, documents + places, rows) for rows in (ranked, expected))  # no document
    offsets = np.arange(len(ranked))[:, None] * (documents + len(places))
    order = np.argsort(expected, axis=1)
    keys = (np.take_along_axis(expected, order, axis=1) + offsets).reshape(-1)
    wanted = ranked + offsets
    found = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    queries, places = np.nonzero(keys[found] == wanted)
    return queries, places, order.reshape(-1)[found[queries, places]]
