import numpy as np
import pytest

from embquant.measure import speed as timing
from embquant.measure.speed import BATCH_SECONDS, FEWEST_IN_BATCH, Contestant
from embquant.study.settings import NO_STORE, Cell


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(BATCH_SECONDS * 5, FEWEST_IN_BATCH), (BATCH_SECONDS / 4, 4 * FEWEST_IN_BATCH), (BATCH_SECONDS / 1e6, 500)],
)
def test_a_batch_holds_as_many_queries_as_there_is_time_for(monkeypatch, seconds, expected):
    monkeypatch.setattr(timing, "_seconds", lambda search, queries: seconds * len(queries) / FEWEST_IN_BATCH)
    contestant = Contestant("none", Cell(NO_STORE, 1, 10), lambda queries: None)
    assert contestant.warm_up(np.zeros((500, 4), np.float32)) == expected
    assert contestant.singles == contestant.batches == []


def test_throughput_is_that_of_the_median_batch():
    contestant = Contestant("none", Cell(NO_STORE, 1, 10), lambda queries: None, [0.001, 0.003], [0.25, 0.5, 4.0])
    figures = contestant.figures()
    assert figures["queries_per_second"] == 2.0
    assert figures["latency_p50_ms"] == pytest.approx(2.0)


def test_few_queries_are_one_batch():
    assert Contestant("none", Cell(NO_STORE, 1, 10), lambda queries: None).warm_up(np.zeros((5, 4))) == 5
