"""Crowding: what is projected from a sample, against populations whose larger corpora are known."""

import numpy as np
import pytest
from scipy.stats import binom, norm

from embquant.measure.crowding import Listed, project
from embquant.measure.extrapolation import extrapolated_retention
from embquant.measure.judgements import Judgements
from embquant.measure.metrics import parse_metric
from embquant.measure.statistics import resample_counts
from embquant.study import Setting

QUERIES, GROWING, DEPTH, TIMES = 400, 1000, 100, 8
PLAIN = Setting("none", 1, 10)
NDCG, RECALL = parse_metric("nDCG@10"), parse_metric("R@10")


def judgements(documents: int) -> Judgements:
    """Return the judgements of queries that have one relevant document each: document q is query q's."""
    own = np.arange(QUERIES)
    return Judgements.from_rows(own, own, np.ones(QUERIES), QUERIES, documents)


class Population:
    """Scores of documents with normal noise: the baseline's are x, a method's are x + noise.

    The judged documents are far below for all queries but their own.
    """

    def __init__(self, seed: int, noise: float) -> None:
        """Draw the relevant documents' scores, which are about the best of the others."""
        self.rng = np.random.default_rng(seed)
        self.noise = noise
        self.exact = self.rng.normal(3.3, 0.5, QUERIES)
        self.coded = self.exact + self.rng.normal(0, noise, QUERIES)

    def corpus(self, growing: int) -> tuple[np.ndarray, np.ndarray]:
        """Return exact scores and the method's of a corpus, (queries, judged and growing documents)."""
        exact = self.rng.standard_normal((QUERIES, growing))
        coded = exact + self.rng.normal(0, self.noise, exact.shape)
        own = [np.where(np.eye(QUERIES, dtype=bool), scores[:, None], -99.0) for scores in (self.exact, self.coded)]
        return np.hstack([own[0], exact]), np.hstack([own[1], coded])

    def truth(self, times: int, scores: np.ndarray, deviation: float) -> tuple[float, float]:
        """Return the expected nDCG@10 and R@10 of a ranking, exactly: documents above are binomial."""
        above = binom(GROWING * times, norm.sf(scores / deviation)[:, None])
        chances = above.pmf(np.arange(10))
        return (chances / np.log2(np.arange(2, 12))).sum(axis=1).mean(), chances.sum(axis=1).mean()


def listed(scores: np.ndarray, depth: int = DEPTH) -> Listed:
    """Return the best of all documents."""
    rows = np.argpartition(-scores, depth, axis=1)[:, :depth]
    rows = np.take_along_axis(rows, np.argsort(-np.take_along_axis(scores, rows, axis=1), axis=1), axis=1)
    return Listed.of(rows, np.take_along_axis(scores, rows, axis=1), judgements(scores.shape[1]), np.arange(QUERIES))


def best(scores: np.ndarray) -> np.ndarray:
    """Return the rows of the 40 best documents of each query, best first."""
    rows = np.argpartition(-scores, 40, axis=1)[:, :40]
    return np.take_along_axis(rows, np.argsort(-np.take_along_axis(scores, rows, axis=1), axis=1), axis=1)


def moved(population: Population, settings: list[Setting], times: int) -> dict[Setting, tuple[float, float]]:
    """Return each setting's projected nDCG@10 now and later, and the baseline's under PLAIN and no store."""
    exact, coded = population.corpus(GROWING)
    base, found = listed(exact), listed(coded)
    store = np.take_along_axis(exact, found.rows, axis=1)
    judged = judgements(exact.shape[1])
    of_settings = project(found, {"fine": store}, base, settings, [NDCG], judged, [times], draws=8)
    of_baseline = project(base, {}, base, [PLAIN], [NDCG], judged, [times], draws=8)
    means = {setting: tuple(of_settings.values[setting, "nDCG@10"].mean(axis=1)) for setting in settings}
    return {**means, Setting("baseline", 1, 10): tuple(of_baseline.values[PLAIN, "nDCG@10"].mean(axis=1))}


def kept(rankings: np.ndarray) -> np.ndarray:
    """Return nDCG@10 of each query where each has one relevant document, that of its own row."""
    hits = rankings[:, :10] == np.arange(QUERIES)[:, None]
    return (hits / np.log2(np.arange(2, 12))).sum(axis=1)


def test_expected_values_are_those_of_the_larger_corpus() -> None:
    population = Population(seed=1, noise=0.3)
    exact, _ = population.corpus(GROWING)
    base = listed(exact)
    projection = project(base, {}, base, [PLAIN], [NDCG, RECALL], judgements(exact.shape[1]), [TIMES, 4 * TIMES])
    for place, times in enumerate([1, TIMES, 4 * TIMES]):
        ndcg, recall = population.truth(times, population.exact, 1)
        assert projection.values[PLAIN, "nDCG@10"][place].mean() == pytest.approx(ndcg, abs=0.025)
        assert projection.values[PLAIN, "R@10"][place].mean() == pytest.approx(recall, abs=0.025)
        assert np.array_equal(projection.recall[PLAIN], projection.values[PLAIN, "R@10"])


def test_what_codes_keep_is_that_of_the_larger_corpus() -> None:
    population = Population(seed=2, noise=0.3)
    found = moved(population, [PLAIN], TIMES)
    coded = population.truth(TIMES, population.coded, np.hypot(1, 0.3))[0]
    exact = population.truth(TIMES, population.exact, 1)[0]
    (_, later), (_, baseline) = found[PLAIN], found[Setting("baseline", 1, 10)]
    assert later / baseline == pytest.approx(coded / exact, abs=0.03)


def test_what_rescoring_keeps_is_that_of_a_corpus_that_is_drawn() -> None:
    """The judge draws corpora of the larger size and ranks all their documents."""
    population = Population(seed=3, noise=0.4)
    settings = [Setting("fine", multiplier, 10) for multiplier in (1, 2, 4)]
    found = moved(population, settings, TIMES)
    _, baseline = found[Setting("baseline", 1, 10)]
    totals, exact_total = dict.fromkeys(settings, 0.0), 0.0
    for _ in range(4):
        exact, coded = population.corpus(GROWING * TIMES)
        exact_total += kept(best(exact)).mean()
        deepest = best(coded)
        for setting in settings:
            candidates = deepest[:, : setting.depth]
            order = np.argsort(-np.take_along_axis(exact, candidates, axis=1), axis=1)
            totals[setting] += kept(np.take_along_axis(candidates, order, axis=1)).mean()
    for setting in settings:
        assert found[setting][1] / baseline == pytest.approx(totals[setting] / exact_total, abs=0.025), setting
    assert found[settings[0]][1] < found[settings[1]][1] < found[settings[2]][1]


def test_a_store_that_is_the_baseline_keeps_all_where_all_candidates_are_found() -> None:
    population = Population(seed=4, noise=0.01)
    deep = Setting("fine", 10, 10)
    found = moved(population, [deep], TIMES)
    assert found[deep] == pytest.approx(found[Setting("baseline", 1, 10)], abs=1e-3)


def test_lists_may_end_early_and_have_no_growing_documents() -> None:
    rows = np.array([[0, 5, -1], [1, 0, -1]])
    scores = np.array([[3.0, 2.0, -np.inf], [3.0, 2.0, -np.inf]])
    judged = Judgements.from_rows(np.arange(2), np.arange(2), np.ones(2), 2, 6)
    base = Listed.of(rows, scores, judged, np.arange(2))
    assert base.grows.tolist() == [[False, True, False], [False, False, False]]
    store = np.array([[1.0, 2.0, -np.inf], [1.0, 2.0, -np.inf]])
    settings = [Setting("none", 1, 1), Setting("store", 2, 1)]
    projection = project(base, {"store": store}, base, settings, [parse_metric("R@1")], judged, [1.0])
    assert projection.values[settings[0], "R@1"][1, 1] == 1
    assert projection.values[settings[1], "R@1"][1, 1] == 0


def test_draws_do_not_depend_on_the_depth_of_lists() -> None:
    exact, _ = Population(seed=5, noise=0.1).corpus(GROWING)
    judged = judgements(exact.shape[1])
    shallow, deep = (
        project(listed(exact, depth), {}, listed(exact, depth), [PLAIN], [NDCG], judged, [TIMES], draws=2)
        for depth in (DEPTH, 2 * DEPTH)
    )
    assert np.array_equal(shallow.values[PLAIN, "nDCG@10"], deep.values[PLAIN, "nDCG@10"])


def test_metrics_that_cannot_be_projected_are_left_out() -> None:
    exact, _ = Population(seed=6, noise=0.1).corpus(200)
    base = listed(exact)
    metrics = [NDCG, parse_metric("overlap@10"), parse_metric("nDCG@100")]
    projection = project(base, {}, base, [PLAIN], metrics, judgements(exact.shape[1]), [2.0], draws=1)
    assert list(projection.values) == [(PLAIN, "nDCG@10")]


def test_intervals_hold_what_is_measured_in_larger_corpora() -> None:
    """Eight populations, a setting with rescoring and one without: intervals of 95 % hold at least 14 of 16 values."""
    settings = [PLAIN, Setting("fine", 2, 10)]
    counts = resample_counts(QUERIES, 300, seed=0)
    held = []
    for seed in range(10, 18):
        population = Population(seed, noise=0.4)
        now, later = (population.corpus(GROWING * times) for times in (1, TIMES))
        base, found = (listed(scores) for scores in now)
        store = np.take_along_axis(now[0], found.rows, axis=1)
        known = ([NDCG], judgements(now[0].shape[1]), [TIMES], 4)
        of_baseline = project(base, {}, base, [PLAIN], *known).values[PLAIN, "nDCG@10"]
        of_settings = project(found, {"fine": store}, base, settings, *known).values
        model = np.stack([of_baseline, *(of_settings[setting, "nDCG@10"] for setting in settings)], axis=1)
        measured, truth = (np.stack([kept(best(exact)), *kept_by(exact, coded)]) for exact, coded in (now, later))
        expected = extrapolated_retention(measured, model, np.array([TIMES]), counts)
        means = truth.mean(axis=1)
        held += list((expected.low[0, 1:] <= means[1:] / means[0]) & (means[1:] / means[0] <= expected.high[0, 1:]))
        assert (expected.high - expected.low).max() < 0.25
    assert np.sum(held) >= 14


def kept_by(exact: np.ndarray, coded: np.ndarray) -> list[np.ndarray]:
    """Return nDCG@10 of each query by the codes alone, and by the best 20 of them ranked by exact scores."""
    candidates = best(coded)[:, :20]
    order = np.argsort(-np.take_along_axis(exact, candidates, axis=1), axis=1)
    return [kept(candidates), kept(np.take_along_axis(candidates, order, axis=1))]
