"""What is timed, in which order, and what is made of the seconds; a clock that only searches advance."""

import numpy as np
import pytest

from embquant.measure import speed as timing
from embquant.measure.speed import BATCH_SECONDS, FEWEST_IN_BATCH, Contestant, Queries, measured_speed
from embquant.study import NO_STORE, Setting

PLAIN = Setting(NO_STORE, 1, 10)


class Clock:
    """Stands for the module ``time``; a search takes what it is said to take."""

    def __init__(self):
        self.now = 0.0
        self.order = []

    def perf_counter(self):
        return self.now

    def contestant(self, engine, single, batch, setting=PLAIN):
        """Return a search of ``single`` seconds for a query alone and ``batch`` seconds for each query of a batch."""

        def search(queries):
            self.order.append((engine, len(queries)))
            self.now += single if len(queries) == 1 else batch * len(queries)

        return Contestant(engine, setting, search)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    return clock


def measured(baselines, contestants, rounds=2, queries=40):
    asked = Queries(np.zeros((queries, 4), np.float32))
    return measured_speed(baselines, contestants, asked, asked[:3], rounds)


def test_a_speed_up_is_float32_s_latency_over_the_method_s(clock):
    baseline = clock.contestant("blas", 0.008, 0.004)
    settings, batch = measured([baseline], [clock.contestant("numkong", 0.002, 0.0005)])
    assert settings == [
        {
            "rescore_store": NO_STORE, "rescore_multiplier": 1, "top_k": 10,
            "latency_p50_ms": pytest.approx(2), "latency_p95_ms": pytest.approx(2), "latency_p99_ms": pytest.approx(2),
            "queries_per_second": pytest.approx(2000), "speedup_p50_vs_float32": pytest.approx(4), "engine": "numkong",
        }
    ]  # fmt: skip
    assert batch == 40


def test_the_baseline_is_the_faster_engine_of_single_queries_and_of_batches(clock):
    """An engine may be the faster one for a query alone and the slower one in a batch."""
    engines = [clock.contestant("blas", 0.005, 0.001), clock.contestant("faiss", 0.004, 0.002)]
    (setting,), _ = measured(engines, [])
    assert setting["engine"] == "faiss alone, blas in batch"
    assert setting["latency_p50_ms"] == pytest.approx(4)
    assert setting["queries_per_second"] == pytest.approx(1000)
    assert setting["speedup_p50_vs_float32"] == pytest.approx(1)
    engines = [clock.contestant("blas", 0.003, 0.001), clock.contestant("faiss", 0.004, 0.002)]
    (setting,), _ = measured(engines, [clock.contestant("int8", 0.006, 0.001)])
    assert setting["speedup_p50_vs_float32"] == pytest.approx(0.5)


def test_each_top_k_has_a_baseline_of_its_own(clock):
    deep = Setting(NO_STORE, 1, 100)
    engines = [clock.contestant("blas", 0.004, 0.001), clock.contestant("blas", 0.008, 0.001, deep)]
    methods = [clock.contestant("int8", 0.002, 0.001), clock.contestant("int8", 0.002, 0.001, deep)]
    settings, _ = measured(engines, methods)
    assert [setting["speedup_p50_vs_float32"] for setting in settings] == pytest.approx([2, 4])


def test_rounds_alternate_in_direction(clock):
    """What a search leaves in the caches, or a machine that slows down, must not favour one of two."""
    measured([clock.contestant("blas", 0.01, 0.01)], [clock.contestant("int8", 0.01, 0.01)], rounds=3)
    forth = [*[("blas", 1)] * 3, *[("int8", 1)] * 3, ("blas", 40), ("int8", 40)]
    back = [*[("int8", 1)] * 3, *[("blas", 1)] * 3, ("int8", 40), ("blas", 40)]
    assert clock.order[-24:] == [*forth, *back, *forth]  # what comes before is the warm-up


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(BATCH_SECONDS * 5, FEWEST_IN_BATCH), (BATCH_SECONDS / 4, 4 * FEWEST_IN_BATCH), (BATCH_SECONDS / 1e6, 500)],
)
def test_a_batch_holds_as_many_queries_as_there_is_time_for(clock, seconds, expected):
    contestant = clock.contestant("none", 0.0, seconds / FEWEST_IN_BATCH)
    assert contestant.warm_up(Queries(np.zeros((500, 4), np.float32))) == expected
    assert contestant.singles == contestant.batches == []


def test_throughput_is_that_of_the_median_batch():
    contestant = Contestant("none", PLAIN, lambda queries: None, [0.001, 0.003], [0.25, 0.5, 4.0])
    figures = contestant.figures()
    assert figures["queries_per_second"] == 2.0
    assert figures["latency_p50_ms"] == pytest.approx(2.0)


def test_few_queries_are_one_batch():
    assert Contestant("none", PLAIN, lambda queries: None).warm_up(Queries(np.zeros((5, 4)))) == 5


def test_each_query_keeps_its_own_document_alone_and_in_batches():
    asked = Queries(np.arange(12.0).reshape(4, 3), np.array([5, -1, 7, 2]))
    assert [query.own_rows.tolist() for query in asked.singly()] == [[5], [-1], [7], [2]]
    assert asked[np.array([0, 3])].own_rows.tolist() == [5, 2]
    assert [query.vectors[0, 0] for query in asked[1:].singly()] == [3, 6, 9]
