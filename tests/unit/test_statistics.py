"""Intervals, tests and power: by hand, and by how often they are right in simulations."""

import numpy as np
import pytest
from scipy.stats import binomtest, kstest

from embquant.measure.statistics import (
    difference_interval,
    guarded_interval,
    has_few_differences,
    holm,
    least_detectable_difference,
    percentile_interval,
    queries_needed,
    randomization_test,
    resample_counts,
    sample_means,
    sample_weights,
)
from embquant.report.numbers.intervals import Chance, Resamples
from support.known_populations import difference_held, held


def test_the_first_sample_is_the_one_there_is_and_all_are_as_large():
    counts = resample_counts(7, 500, 0)
    assert counts.shape == (501, 7)
    assert (counts[0] == 1).all()
    assert (counts.sum(axis=1) == 7).all()
    assert counts[1:].mean() == 1


def test_means_of_samples_by_hand():
    counts = np.array([[1, 1, 1, 1], [4, 0, 0, 0], [0, 1, 1, 2]], np.uint8)
    values = np.array([[1.0, 0.5, 0.25, 0.0], [0.0, 0.0, 0.0, 1.0]])
    assert sample_means(values, counts).tolist() == [[0.4375, 1.0, 0.1875], [0.25, 0.0, 0.5]]


def test_means_are_the_same_to_the_bit_in_any_order_of_addition():
    rng = np.random.default_rng(1)
    values, counts = rng.random((3, 999)), resample_counts(999, 2000, 1)
    order = rng.permutation(999)
    assert (sample_means(values, counts) == sample_means(values[:, order], counts[:, order])).all()


def test_the_interval_is_percentiles_of_the_resamples_and_never_of_the_sample_itself():
    samples = np.concatenate([[7.0], np.arange(101)])[None]
    np.testing.assert_allclose(percentile_interval(samples, 0.9), [[7], [5], [95]])


def test_a_method_that_changes_nothing_keeps_all_without_doubt():
    values = np.array([[0.3, 0.9, 0.2]] * 2)
    samples = sample_means(values, resample_counts(3, 1000, 0))
    assert percentile_interval(samples[1:] / samples[:1], 0.95).ravel().tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("how", "queries", "expected"),
    [
        *(("anew", 300, 60), ("anew", 300, 9), ("anew", 100, 3), ("anew", 50, 10)),
        *(("best", 35, expected) for expected in (0, 1, 3, 10)),
        *(("lost", 300, 3), ("mixed", 300, 10)),
    ],
)
def test_intervals_of_retention_hold_the_truth_as_often_as_they_say(how, queries, expected):
    """600 studies of a known population, in which a setting changes so many of the queries."""
    (_, now), _ = held(how, expected / queries, queries, 600)
    assert now >= 0.94


@pytest.mark.parametrize(
    ("how", "queries", "expected"),
    [*(("lost", 100, expected) for expected in (0, 1, 3, 10)), ("anew", 300, 9), ("mixed", 300, 1), ("best", 1000, 3)],
)
def test_intervals_of_a_difference_hold_the_truth_as_often_as_they_say(how, queries, expected):
    (_, now), _ = difference_held(how, expected / queries, queries, 600)
    assert now >= 0.94


def test_intervals_are_percentiles_where_many_queries_differ():
    (before, now), (width_before, width_now) = held("anew", 0.5, 300, 50)
    assert (before, width_before) == (now, width_now)
    (before, now), (width_before, width_now) = difference_held("anew", 0.5, 300, 50)
    assert (before, width_before) == (now, width_now)


def test_differing_queries_are_counted_by_how_much_they_differ():
    differences = np.zeros((4, 300))
    differences[1, :29] = 1
    differences[2, :30] = -0.01
    differences[3, :103] = [0.01] * 100 + [1] * 3
    assert has_few_differences(differences).tolist() == [True, True, False, True]


def test_of_queries_that_keep_or_lose_all_the_ends_are_those_of_clopper_and_pearson():
    values = (np.arange(40) >= np.array([[0], [1], [5]])).astype(float)
    low, high = guarded_interval(values, np.ones((1, 40)), sample_weights(40, 20_000, 0), 0.95, unseen_high=1.0)
    judge = [binomtest(int(row.sum()), 40).proportion_ci(0.95) for row in values]
    assert low == pytest.approx([ends.low for ends in judge], abs=0.003)
    assert high == pytest.approx([ends.high for ends in judge], abs=0.003)


def test_the_low_end_of_a_difference_is_that_of_clopper_and_pearson_where_queries_lose_all_or_nothing():
    """In percent, so that a query may lose 100. Where none differs, it is the rule of three."""
    differences = -100.0 * (np.arange(40) < np.array([[0], [1], [5]]))
    samples, weights = sample_means(differences, resample_counts(40, 1000, 0)), sample_weights(40, 20_000, 0)
    value, low, high = difference_interval(differences, samples, weights, 0.95, most=100.0)
    judge = [binomtest(lost, 40).proportion_ci(0.95) for lost in (0, 1, 5)]
    assert value.tolist() == [0, -2.5, -12.5]
    assert low == pytest.approx([-100 * ends.high for ends in judge], abs=0.3)
    assert high[0] == pytest.approx(-low[0])
    assert (high[1:] > [-100 * ends.low for ends in judge[1:]]).all()  # the unseen may have gained


def test_where_nothing_differs_the_bound_is_the_rule_of_three_of_lost_queries():
    """Of 35 queries one in ten may lose all, 1 − 0.025 ** (1 / 35): twice as much of a baseline of 0.5."""
    reference = np.full((1, 35), 0.5)
    low, high = guarded_interval(reference, reference, sample_weights(35, 20_000, 0), 0.95, unseen_high=0.0)
    share = 1 - 0.025 ** (1 / 35)
    assert low == pytest.approx((1 - share) / (1 - share + 2 * share), abs=0.003)
    assert high == pytest.approx(1 + 2 * share / (1 - share), abs=0.01)


@pytest.mark.parametrize("differing", [0, 4, 120])
def test_so_many_queries_are_needed_as_bring_the_bound_to_where_it_is_wanted(differing):
    """The same queries as often as it says, resampled: the bound is then where it was asked to be."""
    rng = np.random.default_rng(8)
    reference = rng.choice([0, 0.5, 1.0], 200)
    setting = reference.copy()
    setting[:differing] = rng.permutation(reference[:differing])

    def distance(copies):
        values = np.tile([reference, setting], copies)
        samples = Resamples("d", values.shape[1], Chance(0, 4000, 0.95))
        means = samples.means(values)
        kept, _ = samples.kept(values, means / means[:1], 0, is_retention=True)
        return kept[0, 1] - kept[1, 1]

    wanted = distance(1) / 3
    whole, start = reference.mean(), np.array([200.0])
    needed = queries_needed(start, np.array([distance(1)]), np.array([wanted]), np.array([whole]), 0.95)[0]
    assert distance(round(needed / 200)) == pytest.approx(wanted, rel=0.2)


def test_few_differing_queries_are_tested_exactly():
    differences = np.zeros((4, 300))
    differences[0, [3, 50, 90]] = 0.5  # of 8 assignments, two are as extreme
    differences[1, :2] = 0.25, -0.25  # any is
    differences[2, :3] = 0.5, 0.25, 0.25  # the other six reach 0 or 0.5, not 1
    p = randomization_test(differences, 10_000, 0)
    assert p.tolist() == [2 / 8, 1, 2 / 8, 1]


def test_equal_sums_are_equal_however_they_were_rounded():
    """0.1 + 0.2 − 0.3 isn't zero in floating point; here it is, so that all signs' sums tie as they should."""
    assert randomization_test(np.array([[0.1, 0.2, -0.3]]), 10_000, 0).tolist() == [1]


def test_p_is_uniform_for_a_method_and_its_copy_with_noise():
    """4,000 comparisons over 60 queries in which nothing is to be found; the noise of each has a scale of its own."""
    rng = np.random.default_rng(3)
    p = randomization_test(rng.normal(scale=rng.random((4000, 1)), size=(4000, 60)), 10_000, 0)
    assert kstest(p, "uniform").pvalue > 0.01
    assert p.min() > 0


def test_p_is_never_too_small_where_most_queries_tie():
    """Two noisy copies of one ranking of a single relevant document: reciprocal ranks, most of them equal."""
    rng = np.random.default_rng(4)
    ranks = rng.geometric(0.4, size=(4000, 100))
    one, other = (1 / (ranks + (rng.random(ranks.shape) < 0.15)) for _ in range(2))
    p = randomization_test(one - other, 10_000, 0)
    for level in (0.01, 0.05, 0.2, 0.5):
        assert (p <= level).mean() <= level + 2.6 * np.sqrt(level * (1 - level) / len(p))
    assert (p <= 0.05).mean() > 0.03


def test_a_clear_difference_is_told_beyond_the_number_of_assignments_drawn():
    clear = np.random.default_rng(5).normal(1, 1, size=(1, 200))
    assert randomization_test(clear, 1000, 0)[0] < 1e-20
    hopeless = np.ones((1, 20))
    assert 2 / 2**20 <= randomization_test(hopeless, 1000, 0)[0] <= 1 / 1000


def test_holm_by_hand():
    assert holm(np.array([0.03, 0.01, 0.04, 0.005])).tolist() == pytest.approx([0.06, 0.03, 0.06, 0.02])
    assert holm(np.array([0.6, 0.5])).tolist() == [1, 1]
    assert holm(np.array([])).tolist() == []


def test_the_least_detectable_difference_is_found_four_times_in_five():
    rng = np.random.default_rng(6)
    noise = rng.normal(scale=0.2, size=(2000, 150))
    difference = least_detectable_difference(rng.normal(scale=0.2, size=(1, 100_000)), 0.05)[0] * np.sqrt(100_000 / 150)
    found = randomization_test(noise + difference, 2000, 0) <= 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.03)


@pytest.mark.filterwarnings("error")
def test_no_difference_at_all_says_nothing_of_power():
    assert np.isnan(least_detectable_difference(np.zeros((1, 5)), 0.05)).all()
    assert np.isnan(least_detectable_difference(np.ones((2, 1)), 0.05)).all()


def test_the_same_seed_gives_the_same_bits():
    differences = np.random.default_rng(7).normal(size=(5, 80))
    assert (resample_counts(80, 100, [1, 2]) == resample_counts(80, 100, [1, 2])).all()
    assert (sample_weights(80, 100, [1, 2]) == sample_weights(80, 100, [1, 2])).all()
    assert (randomization_test(differences, 3000, [1, 2]) == randomization_test(differences, 3000, [1, 2])).all()


@pytest.mark.parametrize("queries", [1, 7, 3000, 40_000])
def test_samples_are_those_that_are_drawn_one_after_the_other(queries):
    """However many are drawn at once, a seed means the same."""
    counts, weights = resample_counts(queries, 50, 5), sample_weights(queries, 50, 5)
    whole, shares = np.random.default_rng(5), np.random.default_rng(5)
    for count, weight in zip(counts[1:], weights, strict=True):
        assert (count == np.bincount(whole.integers(queries, size=queries), minlength=queries)).all()
        assert (weight == np.minimum(np.rint(16 * shares.standard_exponential(queries + 1)), 255)).all()
