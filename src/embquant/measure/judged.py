"""Metrics of relevance: quality, which needs judgements."""

import numpy as np

from embquant.measure.judgements import Judgements
from embquant.measure.metrics import JudgedKind
from embquant.measure.ties import TiedGains


class NDCG(JudgedKind):
    """Normalised discounted cumulative gain, gain = relevance, discount log2(rank + 1).

    Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques", as trec_eval computes it.
    """

    @classmethod
    def of_gains(cls, gains: np.ndarray, judgements: Judgements, cutoff: int) -> np.ndarray:
        """Return Σ gain / log2(rank + 1) over the same of the ideal ranking."""
        ideal = judgements.ideal_gains[:, :cutoff]
        return _ratio(gains @ _discount(gains.shape[1]), ideal @ _discount(ideal.shape[1]))

    @classmethod
    def expected(cls, ties: TiedGains, judgements: Judgements, cutoff: int) -> np.ndarray:
        """Return the sum with each place's mean gain."""
        return cls.of_gains(ties.mean(ties.gains)[:, :cutoff], judgements, cutoff)

    @classmethod
    def contributions(cls, gains: np.ndarray) -> np.ndarray:
        """Discounted gains."""
        return gains / np.log2(np.arange(1, len(gains) + 1) + 1)


class ReciprocalRank(JudgedKind):
    """1 / rank of the first relevant document, 0 if there is none within the cut-off."""

    @classmethod
    def of_gains(cls, gains: np.ndarray, judgements: Judgements, cutoff: int) -> np.ndarray:
        """Return 1 / rank."""
        relevant = gains > 0
        return np.where(relevant.any(axis=1), 1 / (relevant.argmax(axis=1) + 1), 0.0)

    @classmethod
    def expected(cls, ties: TiedGains, judgements: Judgements, cutoff: int) -> np.ndarray:
        """Return Σ 1 / rank · chance that the first relevant document is there.

        It is in the first group that has any. Of n places from its first one on and r relevant documents for them, the
        first is taken by one with a chance of r / n; if not, n − 1 places are left.
        """
        relevant = ties.gains > 0
        here, before = ties.total(relevant), (relevant.cumsum(axis=1) - relevant)
        ranks = np.arange(1, relevant.shape[1] + 1)
        first_group = (here > 0) & (np.take_along_axis(before, ties.before, axis=1) == 0)
        left = ties.before + ties.sizes - ranks + 1
        chance = np.where(first_group, np.minimum(1, here / left), 0.0)
        none_above = np.cumprod(1 - chance, axis=1)
        none_above = np.concatenate([np.ones((len(relevant), 1)), none_above[:, :-1]], axis=1)
        return (chance * none_above / ranks)[:, :cutoff].sum(axis=1)

    @classmethod
    def contributions(cls, gains: np.ndarray) -> np.ndarray:
        """1 / rank for the first relevant document alone."""
        relevant = super().contributions(gains)
        return relevant * (relevant.cumsum() == 1) / np.arange(1, len(gains) + 1)


class AveragePrecision(JudgedKind):
    """Precision at each relevant document found, summed, over the number of all relevant documents."""

    @classmethod
    def of_gains(cls, gains: np.ndarray, judgements: Judgements, cutoff: int) -> np.ndarray:
        """Return the mean precision."""
        relevant = gains > 0
        precision = relevant.cumsum(axis=1) / np.arange(1, gains.shape[1] + 1)
        return _ratio((precision * relevant).sum(axis=1), judgements.relevant)

    @classmethod
    def expected(cls, ties: TiedGains, judgements: Judgements, cutoff: int) -> np.ndarray:
        """Return the mean precision, with the expected number of relevant documents above a relevant one.

        These are all of earlier groups, and of the r − 1 others of its own group of n the share of n − 1 places that
        are above it.
        """
        relevant = ties.gains > 0
        here, before = ties.total(relevant), relevant.cumsum(axis=1) - relevant
        ranks = np.arange(1, relevant.shape[1] + 1)
        others = (ranks - 1 - ties.before) * (here - 1) / np.maximum(1, ties.sizes - 1)
        above = np.take_along_axis(before, ties.before, axis=1) + others
        precision = here / ties.sizes * (1 + above) / ranks
        return _ratio(precision[:, :cutoff].sum(axis=1), judgements.relevant)

    @classmethod
    def contributions(cls, gains: np.ndarray) -> np.ndarray:
        """Precision at each relevant document."""
        relevant = super().contributions(gains)
        return relevant * relevant.cumsum() / np.arange(1, len(gains) + 1)


class Recall(JudgedKind):
    """Share of the relevant documents that are found within the cut-off."""

    @classmethod
    def of_gains(cls, gains: np.ndarray, judgements: Judgements, cutoff: int) -> np.ndarray:
        """Return the share."""
        return _ratio((gains > 0).sum(axis=1), judgements.relevant)

    @classmethod
    def expected(cls, ties: TiedGains, judgements: Judgements, cutoff: int) -> np.ndarray:
        """Return the share, with each place's mean number of relevant documents."""
        found = ties.mean(ties.gains > 0)[:, :cutoff].sum(axis=1)
        return _ratio(found, judgements.relevant)


class Precision(JudgedKind):
    """Relevant documents found within the cut-off, over the cut-off."""

    @classmethod
    def of_gains(cls, gains: np.ndarray, judgements: Judgements, cutoff: int) -> np.ndarray:
        """Return the share."""
        return (gains > 0).sum(axis=1) / cutoff

    @classmethod
    def expected(cls, ties: TiedGains, judgements: Judgements, cutoff: int) -> np.ndarray:
        """Return the share, with each place's mean number of relevant documents."""
        found = ties.mean(ties.gains > 0)[:, :cutoff].sum(axis=1)
        return found / cutoff


def _discount(ranks: int) -> np.ndarray:
    return 1 / np.log2(np.arange(2, ranks + 2))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
