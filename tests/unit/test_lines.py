"""Lines: places of documents by what is above them."""

import numpy as np
import pytest
from scipy.stats import genpareto

from embquant.measure.lines import HEAD, Line, Tail, climb, positions


def order_statistics(count: int, shape: float, scale: float, queries: int, seed: int) -> np.ndarray:
    """Return the best of many scores of a generalised Pareto distribution, (queries, count), descending."""
    rng = np.random.default_rng(seed)
    arrivals = rng.standard_exponential((queries, count)).cumsum(axis=1) / 10_000
    return genpareto.isf(arrivals, shape, scale=scale)


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.2])
def test_the_shape_of_a_tail_is_found(shape: float) -> None:
    tail = Tail.of(order_statistics(40, shape, 1.0, 2000, seed=0))
    assert tail.shape == pytest.approx(shape, abs=0.05)


def test_a_tail_tells_the_share_above_as_its_distribution_does() -> None:
    """SciPy is the judge: of 10,000 documents the HEAD-th best is about where HEAD are expected above."""
    shape, scale = -0.2, 2.0
    tail = Tail.of(order_statistics(40, shape, scale, 2000, seed=1))
    least = genpareto.isf(HEAD / 10_000, shape, scale=scale)
    excess = np.array([[0.3, 0.6, 1.2]])
    expected = genpareto.sf(least + excess, shape, scale=scale) / (HEAD / 10_000)
    found = tail.share(np.repeat(excess, 2000, axis=0)).mean(axis=0)
    assert found == pytest.approx(expected[0], abs=0.03)


def test_a_query_with_few_documents_has_the_tail_of_all() -> None:
    scores = order_statistics(40, 0.0, 1.0, 500, seed=2)
    scores[0, 1:] = np.nan
    tail = Tail.of(scores)
    assert tail.scale[0] == pytest.approx(np.median(tail.scale), rel=0.1)


def test_fixed_documents_are_between_the_growing_ones_by_score() -> None:
    scores = np.array([[10.0, 8.0, 7.5, 6.0, 5.0]])
    grows = np.array([[True, True, False, True, False]])
    line = Line.of(scores, grows, np.array([[0.0, 0.0, 1.0, 0.0, 2.0]]), np.ones((1, 5), bool))
    seen, split = np.array([[1.0, 2.0, 4.0, 5.0, 9.0]]), np.full((1, 5), 0.5)
    assert line.fixed.tolist() == [[2, 4]]
    assert line.fixed_gains.tolist() == [[1.0, 2.0]]
    assert line.fixed_places(seen, split).tolist() == [[2 + (4 - 2) * 0.25, 4 + (5 - 4) * 0.5]]


def test_documents_near_the_top_are_placed_by_the_tail() -> None:
    """Documents stand where an exponential distribution has them: a fixed one above, expected at a quarter, too."""
    arrivals = np.random.default_rng(3).standard_exponential((500, 40)).cumsum(axis=1)
    scores = np.hstack([np.full((500, 1), -np.log(0.25)), -np.log(arrivals)])
    order = np.argsort(-scores, axis=1)
    scores, grows = np.take_along_axis(scores, order, axis=1), order > 0
    line = Line.of(scores, grows, np.zeros(scores.shape), np.ones(scores.shape, bool))
    seen = np.hstack([arrivals, arrivals[:, -1:] + 1])
    places = line.growing_places(seen)
    assert np.array_equal(places[:, HEAD:], seen[:, HEAD:])
    assert np.log(places[:, :HEAD] / arrivals[:, :HEAD]).mean(axis=0) == pytest.approx(0, abs=0.1)
    fixed = line.fixed_places(seen, np.zeros(seen.shape))[:, 0]
    assert np.log(fixed / 0.25).mean() == pytest.approx(0, abs=0.1)
    assert np.log(fixed / 0.25).std() < 0.8


def test_documents_that_scores_do_not_tell_apart_keep_their_order() -> None:
    line = Line.of(np.array([[2.0, 1.0, 0.5]]), np.zeros((1, 3), bool), np.zeros((1, 3)), np.ones((1, 3), bool))
    places = line.fixed_places(np.array([[1.0, 2.0, 3.0]]), np.array([[0.9, 0.5, 0.7]]))
    assert places.tolist() == [[0.9, 0.9, 0.9]]


def test_near_documents_are_growing_ones_not_far_away() -> None:
    scores = np.arange(50.0, 0, -1)[None]
    line = Line.of(scores, np.ones((1, 50), bool), np.zeros((1, 50)), np.ones((1, 50), bool))
    seen = np.arange(1.0, 51)[None]
    near = line.near(seen, np.full(1000, 20.5), np.random.default_rng(0).random(1000), np.zeros(1000, np.int64))
    assert (near.min(), near.max()) == (20 - 8, 20 + 8)
    first = line.near(seen, np.full(5, 0.1), np.linspace(0, 0.99, 5), np.zeros(5, np.int64))
    assert first.min() >= 0


def test_ranks_climb_as_a_power() -> None:
    ranks = np.tile(np.arange(1, 41.0) ** 0.5 * 3 - 1, (9, 1))
    assert climb(ranks, np.full(9, 40)) == pytest.approx(0.5)
    assert climb(np.full((9, 40), np.inf), np.full(9, 40)) == 1


def test_positions_are_found_per_query() -> None:
    rows = np.array([[5, 3, -1], [3, 9, 1]])
    assert positions(np.array([[3, 1, 5], [1, 3, 5]]), rows).tolist() == [[1, -1, 0], [2, 0, -1]]
