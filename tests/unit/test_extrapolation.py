"""Extrapolation: expected values and intervals of what is kept in a larger corpus."""

import numpy as np
import pytest

from embquant.measure.crowding import REACH
from embquant.measure.extrapolation import (
    DOUBLING,
    FORM,
    extrapolated_recall,
    extrapolated_retention,
    least_multiplier,
)
from embquant.measure.statistics import resample_counts

COUNTS = resample_counts(200, 500, seed=0)


def test_values_move_as_the_model_does_and_the_baseline_with_them() -> None:
    """By hand: measured 0.8 and 0.72, and the model's 0.7 and 0.7, of which chance has added 0.1 and 0.02.

    The model says 0.6 and 0.57 of the larger corpus, which keeps half of what chance has added: 0.65 and 0.58.
    """
    measured = np.stack([np.full(200, 0.8), np.full(200, 0.72)])
    model = np.stack([np.full((2, 200), 0.7), np.stack([np.full(200, 0.6), np.full(200, 0.57)])])
    found = extrapolated_retention(measured, model, np.array([8.0]), COUNTS)
    assert found.expected[0] == pytest.approx([1, 0.58 / 0.65])
    change = 0.58 / 0.65 - 0.72 / 0.8
    error = 1.96 * 3 * np.hypot(FORM * change, DOUBLING)
    assert found.low[0, 1] == pytest.approx(0.58 / 0.65 - error, abs=1e-4)
    assert found.high[0, 1] == pytest.approx(0.58 / 0.65 + error, abs=1e-4)


def test_intervals_hold_what_documents_leave_open() -> None:
    """By hand: the model expects 0.5 of every query, and half of them have 0, half 1; the next corpus may be so, too.

    The mean of 200 has a standard error of 0.5 / √200, once by chance to come and, carried by half, by chance that was.
    """
    measured = np.tile([0.0, 1.0], 100)[None]
    model = np.full((2, 1, 200), 0.5)
    found = extrapolated_recall(measured, model, np.array([1.0]), COUNTS)
    error = 1.96 * np.hypot(0.5, 0.25) / np.sqrt(200)
    assert found.expected[0, 0] == pytest.approx(0.5)
    assert found.high[0, 0] - found.low[0, 0] == pytest.approx(2 * error, rel=0.05)


def test_intervals_hold_what_queries_leave_open() -> None:
    """Where nothing changes the interval is the bootstrap's, which for means of 200 is about the normal one."""
    rng = np.random.default_rng(1)
    kept = np.stack([np.ones(200), rng.binomial(1, 0.9, 200)]).astype(float)
    found = extrapolated_retention(kept, np.stack([kept, kept]), np.array([1.0]), COUNTS)
    error = 1.96 * kept[1].std() / np.sqrt(200)
    assert found.low[0, 1] == pytest.approx(kept[1].mean() - error, abs=0.006)
    assert found.high[0, 1] == pytest.approx(kept[1].mean() + error, abs=0.006)


def test_nothing_is_said_beyond_the_reach() -> None:
    measured = np.full((1, 200), 0.5)
    found = extrapolated_recall(measured, np.full((3, 1, 200), 0.5), np.array([REACH, REACH * 1.01]), COUNTS)
    assert np.isfinite(found.expected[0]).all()
    assert np.isnan([found.expected[1], found.low[1], found.high[1]]).all()


def test_recall_is_between_0_and_1() -> None:
    measured = np.full((1, 200), 0.999)
    model = np.stack([np.full((1, 200), 0.999), np.full((1, 200), 1.001)])
    found = extrapolated_recall(measured, model, np.array([2.0]), COUNTS)
    assert found.expected[0, 0] == 1
    assert found.high[0, 0] == 1


def test_nothing_is_kept_of_a_baseline_of_nothing() -> None:
    measured = np.zeros((2, 200))
    found = extrapolated_retention(measured, np.zeros((2, 2, 200)), np.array([2.0]), COUNTS)
    assert np.isnan(found.expected[0, 1])


@pytest.mark.parametrize(
    ("lows", "wanted", "least"),
    [
        ({1: 0.9, 4: 0.97, 10: 0.99}, 0.95, 4),
        ({1: 0.96, 4: 0.94, 10: 0.99}, 0.95, 10),
        ({1: 0.9, 4: np.nan}, 0.5, None),
        ({1: 0.9}, 0.95, None),
    ],
)
def test_the_least_multiplier_is_enough_as_all_greater_ones_are(
    lows: dict[int, float], wanted: float, least: int | None
) -> None:
    assert least_multiplier(lows, wanted) == least
