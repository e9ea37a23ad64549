"""Metrics over all orders of tied documents: brute force over permutations, and ir-measures for each order."""

import itertools
import math

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embquant.measure.judgements import Judgements
from embquant.measure.metrics import parse_metric
from embquant.measure.quality import Sweep, values_over_ties
from embquant.measure.ties import TiedGains, follows_tied, last_tied
from embquant.retrieve.candidates import Candidates, as_table, write_candidates
from embquant.study import NO_STORE, Setting

METRICS = ["nDCG@1", "nDCG@3", "nDCG@10", "RR@2", "RR@10", "AP@3", "AP@10", "R@2", "R@10", "P@3"]


def orders(sizes):
    """Yield all orders of places 0, 1, … in which those of a group of tied ones change places among themselves."""
    groups, first = [], 0
    for size in sizes:
        groups.append(list(itertools.permutations(range(first, first + size))))
        first += size
    for parts in itertools.product(*groups):
        yield [place for part in parts for place in part]


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=40)
def test_the_mean_and_the_span_over_all_orders_are_those_that_ir_measures_finds(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.choice([1, 1, 2, 3, 4], size=3)
    count = int(sizes.sum())
    relevance = rng.choice([0, 0, 1, 2, 3], size=count + 2)  # two relevant documents may not be found at all
    relevance[rng.integers(count)] = 1
    judgements = Judgements.from_rows(np.zeros(count + 2, int), np.arange(count + 2), relevance, 1, count + 2)
    scores = np.repeat(np.arange(3.0, 0, -1), sizes)[None]
    ties = TiedGains.of_scores(judgements.gains(np.arange(count)[None]), scores)
    qrels = [ir_measures.Qrel("0", str(row), int(gain)) for row, gain in enumerate(relevance)]
    measured = {name: [] for name in METRICS}
    for order in orders(sizes):
        run = [ir_measures.ScoredDoc("0", str(row), -place) for place, row in enumerate(order)]
        for found in ir_measures.iter_calc(list(map(ir_measures.parse_measure, METRICS)), qrels, run):
            measured[str(found.measure)].append(found.value)
    for name, values in measured.items():
        found = parse_metric(name).over_ties(ties, judgements, 10)
        np.testing.assert_allclose(np.ravel(found), [np.mean(values), min(values), max(values)], atol=1e-12)


def test_twins_by_hand():
    """The judged document is one of two: at rank 1 or 2, each in half of all orders."""
    judgements = Judgements.from_rows(np.array([0]), np.array([5]), np.array([1]), 1, 10)
    rows, scores = np.array([[4, 5, 6]]), np.array([[0.9, 0.9, 0.1]])
    ties = TiedGains.of_scores(judgements.gains(rows), scores)
    expected = {
        "nDCG@10": ((1 + 1 / math.log2(3)) / 2, 1 / math.log2(3), 1),
        "RR@10": (0.75, 0.5, 1),
        "AP@10": (0.75, 0.5, 1),
        "R@1": (0.5, 0, 1),
        "P@2": (0.5, 0.5, 0.5),
    }
    for name, values in expected.items():
        assert np.ravel(parse_metric(name).over_ties(ties, judgements, 10)) == pytest.approx(values), name


@pytest.mark.parametrize("scale", [1e-6, 1, 1e6])
def test_scores_are_tied_within_a_millionth_of_their_magnitude(scale):
    scores = scale * np.array([[1, 1 - 5e-7, 0.9, -0.5, -0.5 - 2e-7, -np.inf, -np.inf]])
    assert follows_tied(scores).tolist() == [[False, True, False, False, True, False, False]]


def test_groups_are_followed_beyond_the_last_document_that_is_returned():
    scores = np.array([[5, 4, 4, 4, 1], [5, 4, 3, 3, 3], [5.0, 5, 4, 4, 3]])
    assert [last_tied(scores, count) for count in (1, 2, 3, 5, 9)] == [2, 4, 5, 5, 5]


class Scores:
    """A store that has a score for every row."""

    def __init__(self, scores):
        self.scores = np.array(scores, dtype=float)

    def score(self, queries, rows, threads=1):
        return self.scores[rows]


def test_a_document_beyond_the_last_counts_where_it_is_tied_with_it_and_a_candidate(tmp_path):
    rows, scores = np.array([[3, 1, 2, 0]]), np.array([[4.0, 2, 2, 2]])
    write_candidates(tmp_path / "found.parquet", [as_table(scores, rows)], {"depths": [4]})
    sweep = Sweep(Candidates(tmp_path / "found.parquet"), np.zeros((1, 8), np.float32), {"s": Scores([1, 7, 7, 7])})
    judgements = Judgements.from_rows(np.array([0]), np.array([0]), np.array([1]), 1, 4)
    found = {
        (setting.store, setting.multiplier): [
            values_over_ties(best, judgements, [parse_metric("R@2")])[f"R@2{end}"].item()
            for end in ("_expected", "_least", "_greatest")
        ]
        for setting, best in sweep.rankings([Setting(NO_STORE, 1, 2), Setting("s", 1, 2), Setting("s", 2, 2)])
    }
    # Row 0 is one of three that are tied for the second place. For the store it is no candidate, or the last of them.
    assert found == {(NO_STORE, 1): [pytest.approx(1 / 3), 0, 1], ("s", 1): [0, 0, 0], ("s", 2): [0, 0, 0]}


def test_a_metric_beyond_what_is_returned_has_no_value():
    judgements = Judgements.from_rows(np.array([0]), np.array([0]), np.array([1]), 1, 4)
    ties = TiedGains.of_scores(np.ones((1, 3)), np.ones((1, 3)))
    for name in ("nDCG@3", "overlap@2", "rbo"):
        assert np.isnan(parse_metric(name).over_ties(ties, judgements, 2)).all()
