"""Crowding: what a larger corpus makes of each query's ranking, from one search of a smaller one.

Documents with judgements are in a corpus of any size. The others, the *growing* ones, are a random sample of those of a
larger corpus. So where a score has r growing documents above it in expectation, it has c · r of them once there are c
times as many: they are a Poisson process. Each list of documents becomes a :class:`Line`, on which a document's place
is that r. Documents of the larger corpus are drawn on the line at c times the density, and ranked among the documents
with judgements. docs/growth.md has the reasons, the formulas and their sources, and how well this predicts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from embquant.measure.judgements import Judgements
from embquant.measure.lines import Line, Relevant, arrivals_of, climb, positions, take, uniform
from embquant.measure.metrics import JudgedKind, Metric
from embquant.study import NO_STORE, Setting

REACH = 512
"""How many times as many growing documents the law is believed for: between what was compared, 154 and 879 times."""

COMPARED = 154
"""Up to how many times as many it was compared with measurements without a gap (docs/growth.md)."""

LEAST_GROWING = 500
"""The fewest growing documents that the law is believed from: of fewer the best ten are no tail, and it was wrong."""

DRAWN = 8192
"""Number of draws of a larger corpus, of all queries together."""

FEWEST, MOST = 2, 64
"""Draws per query, whatever the number of queries."""

QUERIES_AT_ONCE = 512
"""Queries whose documents are drawn at once; part of what a draw is."""


@dataclass(frozen=True)
class Listed:
    """What one search found: ``rows`` int64 and ``scores`` float64 (queries, depth), best first, −1 and −∞ for none.

    ``gains`` float64 are their relevance; ``grows`` bool tells which documents become more with the corpus: those
    that no query has a judgement of, whatever its relevance.
    """

    rows: np.ndarray
    scores: np.ndarray
    gains: np.ndarray
    grows: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray, scores: np.ndarray, judgements: Judgements, judged: np.ndarray) -> Self:
        """Look the documents up; ``judged`` int64 are the rows of those in a corpus of any size."""
        return cls(rows, scores, judgements.gains(rows), (rows >= 0) & ~np.isin(rows, judged))

    def ordered_by(self, scores: np.ndarray) -> tuple["Listed", np.ndarray]:
        """Return the documents by descending ``scores``, ties by ascending row, and the order (queries, depth)."""
        order = np.lexsort((self.rows, -scores), axis=1)
        ordered = (take(values, order) for values in (self.rows, scores, self.gains, self.grows))
        return replace(self, **dict(zip(("rows", "scores", "gains", "grows"), ordered, strict=True))), order


@dataclass(frozen=True)
class Projection:
    """Expected values per query at several sizes: by setting and metric, float64 (sizes, queries).

    ``recall`` has those of the first stage by setting: R@(top_k × multiplier).
    """

    values: dict[tuple[Setting, str], np.ndarray]
    recall: dict[Setting, np.ndarray]


@dataclass(frozen=True)
class Reranked:
    """The candidates of a search on the line of a rescore store.

    ``ranks`` float64 (queries, depth) are the ranks of the line's growing documents among those that the first stage
    found, from 0, ∞ for one that it did not find; ``places`` int64 say where in the first stage's list the other
    documents are, −1 for nowhere. ``climb`` is how fast the first grow along the line: rank ∝ place^climb.
    """

    line: Line
    ranks: np.ndarray
    places: np.ndarray
    climb: float


@dataclass(frozen=True)
class OnStore:
    """A draw of the documents on a store's line, in corpora of any size.

    ``fixed_first`` float64 (queries, fixed) are the first stage's places of the fixed documents, ∞ for none.
    ``on_line`` and ``growing`` (queries, depth) are the places of growing documents on the store's line, and those in
    the first stage by rank. ``choice``, numbers from 0 to 1, chooses the known document that a drawn one is like.
    """

    line: Line
    ranks: np.ndarray
    climb: float
    relevant: Relevant
    fixed_first: np.ndarray
    on_line: np.ndarray
    growing: np.ndarray
    choice: np.ndarray

    @classmethod
    def of(
        cls,
        stored: Reranked,
        part: slice,
        random: tuple[np.ndarray, np.ndarray, np.ndarray],
        first_places: tuple[np.ndarray, np.ndarray],
    ) -> Self:
        """Take a part of the queries, and the first stage's places of its list and of its growing documents."""
        (seen, split, choice), (in_list, growing) = random, first_places
        line, places = stored.line.part(part), stored.places[part]
        fixed_first = np.where(places < 0, np.inf, take(in_list, np.maximum(places, 0)))
        relevant = Relevant.of(line, line.fixed_places(seen, split))
        on_line = line.growing_places(seen)
        return cls(line, stored.ranks[part], stored.climb, relevant, fixed_first, on_line, growing, choice)

    def first_stage(self, coming: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """Return the first stage's places of drawn documents, whose places on the store's line are ``coming``.

        A drawn document has the rank of a known one that is near it on the store's line, moved as far as ranks move
        along the line. ∞ stands for one that the first stage doesn't find, and for those that are above no relevant
        document: ``ahead`` says how many drawn ones are above each.
        """
        above = np.zeros(len(coming), np.int64)
        np.maximum.at(above, self.relevant.queries, ahead)
        places = np.full(coming.shape, np.inf)
        queries, columns = np.nonzero(np.arange(coming.shape[1]) < above[:, None])
        wanted = coming[queries, columns]
        near = self.line.near(self.on_line, wanted, self.choice[queries, columns], queries)
        rank = self.ranks[queries, near]
        is_found = np.isfinite(rank)
        whole = np.where(is_found, rank, 0).astype(np.int64)
        moved = self.growing[queries, whole] * (wanted / self.on_line[queries, near]) ** self.climb
        places[queries, columns] = np.where(is_found, moved, np.inf)
        return places

    def ranked(self, ahead: np.ndarray, chosen: np.ndarray, last: np.ndarray, count: int) -> np.ndarray:
        """Return the gains of the first ``count`` candidates, float64 (queries, count).

        ``ahead`` says how many drawn documents are above each relevant one, ``chosen`` which of them are candidates;
        fixed ones are those whose place in the first stage is at most ``last`` (queries, 1).
        """
        chosen_fixed = np.isfinite(self.fixed_first) & (self.fixed_first <= last)
        return self.relevant.ranked(self.relevant.ranks_among(ahead, chosen, chosen_fixed), count)


class Crowd:
    """The candidates of a method at one size, from which those of larger sizes are drawn."""

    def __init__(self, found: Listed, stores: Mapping[str, np.ndarray], baseline: Listed) -> None:
        """Take what a first stage found, the ``stores``' scores of it, float64 (queries, depth), and the baseline's."""
        self._found = found
        self._line = Line.of(found.scores, found.grows, found.gains, found.rows >= 0)
        among = positions(baseline.rows, found.rows)
        self._stores = {name: reranked(found, scores, baseline, among) for name, scores in stores.items()}

    def draw(
        self, settings: Sequence[Setting], factors: Sequence[float], seed: int
    ) -> Iterator[tuple[int, Setting, np.ndarray, np.ndarray]]:
        """Yield each setting in corpora with each of ``factors`` times the growing documents, which it numbers.

        With it come the gains of its ranking, float64 (queries, top_k), and how many of its candidates are relevant,
        int64 (queries,).
        """
        parts = range(0, len(self._found.rows), QUERIES_AT_ONCE)
        drawn = [self._drawn(slice(first, first + QUERIES_AT_ONCE), settings, factors, seed) for first in parts]
        for place in range(len(factors)):
            for number, setting in enumerate(settings):
                ranked, relevant = zip(*(part[place][number] for part in drawn), strict=True)
                yield place, setting, np.concatenate(ranked), np.concatenate(relevant)

    def _drawn(
        self, part: slice, settings: Sequence[Setting], factors: Sequence[float], seed: int
    ) -> list[list[tuple[np.ndarray, np.ndarray]]]:
        """Draw once, and spread what is drawn over all sizes: by factor, then by setting."""
        line = self._line.part(part)
        shape = line.growing_first.shape
        seen, arrivals = (arrivals_of(shape, [seed, part.start, stream]) for stream in (0, 1))
        split, choice = (uniform(shape, [seed, part.start, stream]) for stream in (2, 3))
        fixed, growing = line.fixed_places(seen, split), line.growing_places(seen)
        relevant = Relevant.of(line, fixed)
        in_list = np.full(shape, np.inf)
        np.put_along_axis(in_list, line.fixed, fixed, axis=1)
        stores = {
            name: OnStore.of(stored, part, (seen, split, choice), (in_list, growing))
            for name, stored in self._stores.items()
        }
        results: list[list[tuple[np.ndarray, np.ndarray]]] = []
        for factor in factors:
            coming = np.where(line.growing[:, None] > 0, arrivals / factor, np.inf)
            places = np.sort(np.concatenate([fixed, coming], axis=1), axis=1)
            ranks = relevant.ahead(coming) + relevant.columns
            ahead = {name: store.relevant.ahead(coming) for name, store in stores.items()}
            first_stage = {name: store.first_stage(coming, ahead[name]) for name, store in stores.items()}
            results.append([])
            for setting in settings:
                depth = min(setting.depth, shape[1])
                if setting.store == NO_STORE:
                    ranked = relevant.ranked(ranks, setting.top_k)
                else:
                    last, drawn = places[:, depth - 1 : depth], first_stage[setting.store]
                    ranked = stores[setting.store].ranked(ahead[setting.store], drawn <= last, last, setting.top_k)
                results[-1].append((ranked, relevant.among(ranks, depth)))
        return results


def project(  # noqa: PLR0917 - what a search is, what is measured, and where
    found: Listed,
    stores: Mapping[str, np.ndarray],
    baseline: Listed,
    settings: Sequence[Setting],
    metrics: Sequence[Metric],
    judgements: Judgements,
    factors: Sequence[float],
    draws: int | None = None,
) -> Projection:
    """Return the expected metrics of each query where the corpus has more growing documents.

    ``found`` is what a method's first stage found, ``stores`` the scores of the same documents by each rescore store,
    float64 (queries, depth), ``baseline`` what the baseline found at the same size. ``factors`` say how many times as
    many growing documents there are: (target − judged) / (documents − judged). The first of the sizes returned is the
    present one, factor 1: the model's own value, which what was measured is compared with. Metrics that need no
    judgements are left out, as are those with a cut-off beyond ``top_k``. Each size is drawn ``draws`` times, by
    default as DRAWN says.
    """
    draws = draws or int(np.clip(-(-DRAWN // len(found.rows)), FEWEST, MOST))
    crowd = Crowd(found, stores, baseline)
    shape = (1 + len(factors), len(found.rows))
    recall = {setting: np.zeros(shape) for setting in settings}
    values: dict[tuple[Setting, str], np.ndarray] = {}
    relevant = np.maximum(1, judgements.relevant)
    for seed in range(draws):
        for place, setting, ranked, found_relevant in crowd.draw(settings, [1.0, *factors], seed):
            recall[setting][place] += found_relevant / relevant / draws
            for metric in metrics:
                kind, cutoff = metric.kind, metric.cutoff
                if issubclass(kind, JudgedKind) and cutoff is not None and cutoff <= setting.top_k:
                    of_gains = kind.of_gains(ranked[:, :cutoff], judgements, cutoff)
                    values.setdefault((setting, str(metric)), np.zeros(shape))[place] += of_gains / draws
    return Projection(values, recall)


def reranked(found: Listed, scores: np.ndarray, baseline: Listed, among: np.ndarray) -> Reranked:
    """Return the line of a store from its ``scores`` of what was ``found``, float64 (queries, depth).

    ``among`` int64 (queries, depth) says where the baseline's documents are among those found, −1 for nowhere.

    The baseline's documents that were not found stand on it, too, as far as their own scores tell where. They are
    above documents that were found, but no candidates. So rankings of the baseline and of a setting that loses nothing
    have the same documents, and are drawn alike.
    """
    common = (among >= 0) & (baseline.rows >= 0)
    known = take(scores, np.maximum(among, 0))
    guessed = _regressed(np.where(common, known, np.nan), np.where(baseline.rows >= 0, baseline.scores, np.nan))
    missed = np.where(common | (baseline.rows < 0), -np.inf, guessed)
    whole = Listed(*(np.concatenate(both, axis=1) for both in zip(_fields(found), _fields(baseline), strict=True)))
    ordered, order = whole.ordered_by(np.concatenate([scores, missed], axis=1))
    depth = found.rows.shape[1]
    ordered, order = Listed(*(values[:, :depth] for values in _fields(ordered))), order[:, :depth]
    line = Line.of(ordered.scores, ordered.grows, ordered.gains, np.isfinite(ordered.scores))
    ranks = np.where(found.grows, found.grows.cumsum(axis=1) - 1, np.inf)
    ranks = take(np.concatenate([ranks, np.full(baseline.rows.shape, np.inf)], axis=1), order)
    in_list = np.where(order < depth, order, -1)
    growing_ranks = take(ranks, line.growing_first)
    return Reranked(line, growing_ranks, take(in_list, line.fixed), climb(growing_ranks, line.growing))


def _fields(listed: Listed) -> tuple[np.ndarray, ...]:
    return listed.rows, listed.scores, listed.gains, listed.grows


def _regressed(values: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return what ``values`` (queries, depth), NaN where unknown, would be by ``scores``, −∞ where nothing tells.

    One slope for all queries, and each query's own means.
    """
    known = np.isfinite(values) & np.isfinite(scores)
    count = np.maximum(1, known.sum(axis=1, keepdims=True))
    means = [np.where(known, array, 0).sum(axis=1, keepdims=True) / count for array in (values, scores)]
    from_means = [np.where(known, array - mean, 0) for array, mean in zip((values, scores), means, strict=True)]
    spread = (from_means[1] ** 2).sum()
    slope = (from_means[0] * from_means[1]).sum() / spread if spread > 0 else 0.0
    guessed = means[0] + slope * (scores - means[1])
    return np.where(np.isfinite(guessed) & known.any(axis=1, keepdims=True), guessed, -np.inf)
