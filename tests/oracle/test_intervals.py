"""SciPy judges the intervals, the test and the power."""

import numpy as np
import pytest
from scipy import stats

from embquant.measure.statistics import (
    least_detectable_difference,
    percentile_interval,
    randomization_test,
    resample_counts,
    sample_means,
)

RESAMPLES = 20_000


@pytest.fixture
def values():
    """nDCG-like values of 200 queries by two methods, of which the second changes every fourth."""
    rng = np.random.default_rng(0)
    grades = [0, 0.39, 0.5, 0.63, 1]
    first = rng.choice(grades, size=200)
    return np.stack([first, np.where(rng.random(200) < 0.25, rng.choice(grades, size=200), first)])


def ratio(first, second, axis=-1):
    return second.mean(axis=axis) / first.mean(axis=axis)


def test_interval_of_a_mean(values):
    samples = sample_means(values[:1], resample_counts(200, RESAMPLES, 1))
    judge = stats.bootstrap((values[0],), np.mean, n_resamples=RESAMPLES, method="percentile", rng=2)
    agree(percentile_interval(samples, 0.95)[1:, 0], judge.confidence_interval)


@pytest.mark.parametrize("method", ["percentile", "BCa"])
def test_interval_of_a_retention(values, method):
    samples = sample_means(values, resample_counts(200, RESAMPLES, 1))
    judge = stats.bootstrap(values, ratio, paired=True, n_resamples=RESAMPLES, method=method, rng=2)
    agree(percentile_interval(samples[1:] / samples[:1], 0.95)[1:, 0], judge.confidence_interval)


def agree(mine, judge):
    """Both are random: their ends differ by no more than a twentieth of the interval's width."""
    np.testing.assert_allclose(mine, judge, atol=0.05 * (judge[1] - judge[0]))


def permutation_p(one, other, **options):
    def statistic(one, other, axis):
        return np.mean(one - other, axis=axis)

    return stats.permutation_test(
        (one, other), statistic, permutation_type="samples", vectorized=True, **options
    ).pvalue


@pytest.mark.parametrize("seed", range(5))
def test_p_of_few_queries_is_exact(seed):
    one, other = np.random.default_rng(seed).random((2, 10))
    mine = randomization_test((one - other)[None], 10_000, 0)[0]
    assert mine == pytest.approx(permutation_p(one, other, n_resamples=np.inf), abs=1e-12)


def test_p_of_many_queries(values):
    judge = permutation_p(*values, n_resamples=RESAMPLES, rng=3)
    mine = randomization_test((values[0] - values[1])[None], RESAMPLES, 1)[0]
    assert mine == pytest.approx(judge, abs=4 * np.sqrt(judge * (1 - judge) * 2 / RESAMPLES))


def test_a_bound_on_p_is_above_the_truth():
    """A count of signs is binomial, so that its tail is known."""
    for plus in (75, 80, 90):
        differences = np.where(np.arange(100) < plus, 1.0, -1.0)[None]
        truth = 2 * stats.binom.sf(plus - 1, 100, 0.5)
        assert truth <= randomization_test(differences, 1000, 0)[0] <= max(6 * truth, 1 / 1000)


def test_power(values):
    """SciPy's simulated power of the t test at the least difference that is said to be detected."""
    difference = least_detectable_difference((values[0] - values[1])[None], 0.01)[0]
    deviation = np.std(values[0] - values[1], ddof=1)
    rng = np.random.default_rng(4)

    def draw(size):
        return rng.normal(difference, deviation, size=size)

    judge = stats.power(
        lambda x, axis: stats.ttest_1samp(x, 0, axis=axis), draw, 200, significance=0.01, vectorized=True
    )
    assert judge.power == pytest.approx(0.8, abs=0.02)
