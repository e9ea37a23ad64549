"""What is timed, in which order, when it ends, and what is made of the seconds; a clock that only searches advance."""

from dataclasses import replace
from itertools import chain, repeat

import numpy as np
import pytest
from scipy.stats import quantile_test

from embquant.indexes.manifest import Encoded
from embquant.measure import speed as timing
from embquant.measure.effort import Effort, median_interval
from embquant.measure.speed import (
    BATCH_QUERIES,
    Contestant,
    Queries,
    measured_speed,
    open_contestants,
)
from embquant.retrieve.retriever import Retriever
from embquant.steps.build_store import corpus_sample, store_codes
from embquant.steps.define_method import define_method
from embquant.study import NO_STORE, Setting
from support.codec_cases import case, unit_vectors
from support.embeddings import write_vectors

PLAIN = Setting(NO_STORE, 1, 10)
SPEEDUP = "speedup_p50_vs_float32"


class Clock:
    """Stands for the module ``time``; a search takes what it is said to take, and a hundred seconds if none looks."""

    def __init__(self):
        self.now, self.order, self.is_looked_at = 0.0, [], False

    def perf_counter(self):
        self.is_looked_at = not self.is_looked_at
        return self.now

    def contestant(self, engine, single, batch, *settings):
        """Return a search of ``single`` seconds for a query alone and ``batch`` seconds for each query of a batch.

        Either may also be what each takes in turn; the last one repeats.
        """
        lists = (seconds if isinstance(seconds, list) else [seconds] for seconds in (single, batch))
        singles, batches = (chain(seconds, repeat(seconds[-1])) for seconds in lists)

        def search(queries):
            self.order.append((engine, len(queries)))
            taken = batches if len(queries) > 1 else singles
            self.now += next(taken) * len(queries) if self.is_looked_at else 100

        return Contestant(engine, settings or (PLAIN,), search)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    return clock


USUAL = Effort(6, 0.03, 0.3)


def measured(baselines, contestants, queries=40, effort=USUAL, single_queries=3):
    asked = Queries(np.zeros((queries, 4), np.float32))
    return measured_speed(baselines, contestants, asked, single_queries, effort)


def test_a_speed_up_is_float32_s_latency_over_the_method_s(clock):
    baseline = clock.contestant("blas", 0.008, 0.0004)
    settings, batch = measured([baseline], [clock.contestant("numkong", 0.002, 0.0005)])
    figures = {
        "latency_p50_ms": 2, "latency_p50_ms_low": 2, "latency_p50_ms_high": 2, "latency_p95_ms": 2,
        "latency_p99_ms": 2, "queries_per_second": 2000, "queries_per_second_low": 2000,
        "queries_per_second_high": 2000, SPEEDUP: 4, f"{SPEEDUP}_low": 4, f"{SPEEDUP}_high": 4,
    }  # fmt: skip
    setting = {"rescore_store": NO_STORE, "rescore_multiplier": 1, "top_k": 10, "rounds": 6, "engine": "numkong"}
    assert settings == [{**setting, **{name: pytest.approx(value) for name, value in figures.items()}}]
    assert batch == 40


def test_the_baseline_is_the_faster_engine_of_single_queries_and_of_batches(clock):
    """An engine may be the faster one for a query alone and the slower one in a batch."""
    engines = [clock.contestant("blas", 0.005, 0.001), clock.contestant("faiss", 0.004, 0.002)]
    (setting,), _ = measured(engines, [])
    assert setting["engine"] == "faiss alone, blas in batch"
    assert setting["latency_p50_ms"] == pytest.approx(4)
    assert setting["queries_per_second"] == pytest.approx(1000)
    assert setting["speedup_p50_vs_float32"] == pytest.approx(1)
    engines = [clock.contestant("blas", 0.003, 0.001), clock.contestant("faiss", [0.001] * 3 + [0.004], 0.002)]
    (setting,), _ = measured(engines, [clock.contestant("int8", 0.006, 0.001)])
    assert setting["speedup_p50_vs_float32"] == pytest.approx(0.5)


def test_each_top_k_has_a_baseline_of_its_own(clock):
    deep = Setting(NO_STORE, 1, 100)
    engines = [clock.contestant("blas", 0.004, 0.001), clock.contestant("blas", 0.008, 0.001, deep)]
    methods = [clock.contestant("int8", 0.002, 0.001), clock.contestant("int8", 0.002, 0.001, deep)]
    settings, _ = measured(engines, methods)
    assert [setting["speedup_p50_vs_float32"] for setting in settings] == pytest.approx([2, 4])


def test_rounds_alternate_in_direction(clock):
    """What a search leaves in the caches, or a machine that slows down, must not favour one of two.

    One query isn't timed, because of what the search before has left. A batch comes after its own queries, where no
    thread of another search is left waiting.
    """
    effort = Effort(3, 1, 0)
    methods = [clock.contestant(name, 0.01, 0.0001) for name in ("int8", "binary")]
    measured([clock.contestant("blas", 0.01, 0.0001)], methods, effort=effort)
    blas, int8, binary = [("blas", 1)] * 3, [*[("int8", 1)] * 3, ("int8", 40)], [*[("binary", 1)] * 3, ("binary", 40)]
    warm_up = [*blas, *int8[:3], *binary[:3], int8[3], binary[3]]
    blas, int8, binary = ([each[0], *each] for each in (blas, int8, binary))
    forth, back = [*blas, *int8, *binary], [*binary, *int8, *blas]
    assert clock.order == [*warm_up, *forth, *back, *forth]


def test_a_search_whose_median_is_known_gets_no_further_round_and_one_that_is_spread_does(clock):
    steady = clock.contestant("steady", 0.002, 0.0001)
    spread = clock.contestant("spread", [0.002, 0.004] * 500, 0.0001)
    slow = clock.contestant("slow", [0.02, 0.04] * 500, 0.0001)
    settings, _ = measured([clock.contestant("blas", 0.008, 0.0001)], [steady, spread, slow])
    assert [setting["rounds"] for setting in settings[:1]] == [6]
    spent = [sum(map(sum, each.singles)) + 40 * sum(each.batches) for each in (spread, slow)]
    # A round of `spread` takes 3 queries of 3 ms on average and a batch of 4 ms, and a round of `slow` 94 ms.
    assert 0.3 <= spent[0] < 0.3 + 0.016
    assert len(slow.batches) == 6  # the least number of rounds, whatever they take
    assert len(steady.batches) == 6


def test_a_search_of_microseconds_gets_five_times_the_least_rounds_at_most(clock):
    search = clock.contestant("int8", [0.000001, 0.000002] * 5000, 0.0000001)
    measured([clock.contestant("blas", 0.001, 0.0001)], [search])
    assert len(search.batches) == 30


def test_a_median_within_the_precision_ends_the_rounds(clock):
    """Every other round's median is 1 % above the others: within ± 3 % but not within ± 0.1 %."""
    for precision, rounds in ((0.03, 6), (0.001, 8)):
        search = clock.contestant("int8", [0.001, 0.00101] * 500, 0.0001)
        effort = Effort(6, precision, 8 * (3 * 0.001005 + 40 * 0.0001) - 0.001)
        measured([clock.contestant("blas", 0.001, 0.0001)], [search], effort=effort)
        assert len(search.batches) == rounds


@pytest.mark.parametrize("taken", [(0.001, [0.0001, 0.00011] * 15), ([*[0.001] * 3, *[0.0011] * 3] * 15, 0.0001)])
def test_the_medians_of_single_queries_and_of_batches_have_to_be_known(clock, taken):
    """Either of them takes 10 % more in every other round."""
    search = clock.contestant("int8", *taken)
    measured([clock.contestant("blas", 0.001, 0.0001)], [search], effort=Effort(6, 0.03, 1e9))
    assert len(search.batches) == 30


@pytest.mark.parametrize(("greatest", "is_known"), [(1.059, True), (1.061, False)])
def test_the_precision_is_half_an_interval(greatest, is_known):
    """Of six rounds the interval has both ends: from 1 to 1.06 it is 1.03 ± 3 % of the median, which is 1."""
    assert Effort(6, 0.03, 9).is_enough(6, 0, [[1, 1, 1, 1, 1, greatest]]) == is_known


def test_a_round_is_one_value_however_many_queries_it_has(clock):
    """The least and the greatest of six rounds are 20 % off; of nine, the interval of the median leaves both out."""
    rounds = [0.001, 0.0012, 0.001, 0.0008, *[0.001] * 27]
    search = clock.contestant("int8", np.repeat(rounds, 20).tolist(), 0.0001)
    measured([clock.contestant("blas", 0.001, 0.0001)], [search], effort=Effort(6, 0.03, 1e9), single_queries=20)
    assert len(search.batches) == 9


def test_a_speed_up_compares_the_rounds_in_which_both_took_part(clock):
    """The machine is half as fast after the sixth round, when one of the two methods is known."""
    slows_down = [0.004] * (6 * 3) + [0.008]
    baseline = clock.contestant("blas", slows_down, 0.0001)
    known, spread = clock.contestant("int8", 0.002, 0.0001), clock.contestant("binary", [0.001, 0.003] * 500, 0.0001)
    settings, _ = measured([baseline], [known, spread])
    assert settings[0][SPEEDUP] == pytest.approx(2)
    assert len(baseline.singles) == len(spread.singles) > 2 * len(known.singles)


def test_the_interval_of_a_speed_up_is_around_it_and_wider_than_either_latency_s(clock):
    rng = np.random.default_rng(1)
    baseline = clock.contestant("blas", list(0.004 * rng.uniform(0.9, 1.1, 900)), 0.0001)
    method = clock.contestant("int8", list(0.001 * rng.uniform(0.9, 1.1, 900)), 0.0001)
    (setting,), _ = measured([baseline], [method])
    low, value, high = (setting[f"{SPEEDUP}{end}"] for end in ("_low", "", "_high"))
    assert 3.6 < low < value < high < 4.4
    assert high / low > setting["latency_p50_ms_high"] / setting["latency_p50_ms_low"]


def test_a_search_without_this_library_is_no_row_of_its_own_but_beside_that_of_its_setting(clock):
    deep = Setting(NO_STORE, 1, 100)
    plain = replace(clock.contestant("plain", 0.001, 0.00025), code="its code")
    own = [clock.contestant("int8", 0.002, 0.0005), clock.contestant("int8", 0.002, 0.0005, deep)]
    (row, other), _ = measured([clock.contestant("blas", 0.008, 0.0004)], [*own, plain])
    assert (row["latency_p50_ms"], row["engine"], row["plain_code"]) == (pytest.approx(2), "int8", "its code")
    for name, value in (("plain_latency_p50_ms", 1), ("plain_queries_per_second", 4000)):
        assert [row[f"{name}{end}"] for end in ("", "_low", "_high")] == pytest.approx([value] * 3)
    assert not [name for name in other if name.startswith("plain")]


def test_too_few_rounds_have_no_interval(clock):
    (setting,), _ = measured([clock.contestant("blas", 0.01, 0.01)], [], effort=Effort(1, 0.03, 0))
    assert setting["rounds"] == 1
    assert setting["queries_per_second_low"] is None
    assert setting["latency_p50_ms_high"] is None


def test_each_round_asks_other_queries_and_everybody_the_same():
    asked = []

    def contestant(name):
        return Contestant(name, (PLAIN,), lambda queries: asked.append((name, queries.vectors[:, 0].tolist())))

    queries = Queries(np.arange(12, dtype=np.float32)[:, None])
    measured_speed([contestant("blas")], [contestant("int8")], queries, 4, Effort(3, 1, 0))
    singles = [(who, found[0]) for who, found in asked[-3 * 11 :] if len(found) == 1]
    blas, int8 = (np.reshape([row for who, row in singles if who == name], (3, 5)) for name in ("blas", "int8"))
    assert (blas == int8).all()
    timed = blas[:, 1:].ravel().tolist()  # the first of a turn isn't
    assert sorted(timed) == list(range(12)) != timed  # neighbours are often alike


def test_settings_that_rescore_the_same_candidates_share_a_search_that_finds_what_each_would(tmp_path):
    vectors, queries = unit_vectors(300, seed=3), unit_vectors(20, seed=4)
    state, index, method = tmp_path / "state.npz", tmp_path / "index.i8bin", tmp_path / "method.json"
    case("int8").save(state)
    write_vectors(tmp_path / "part.parquet", vectors)
    store_codes(corpus_sample([tmp_path / "part.parquet"]), index, Encoded(state))
    manifest = tmp_path / "index.i8bin.json"
    define_method(name="int8", manifest=manifest, scoring="symmetric", output=method)
    contestants = open_contestants(method, {"int8": manifest}, [1, 2, 10], [10, 100], 1)
    shared = [[(one.store, one.multiplier, one.top_k) for one in each.settings] for each in contestants]
    assert shared == [
        [("none", 1, 10)], [("none", 1, 100)],
        [("int8", 1, 10)], [("int8", 1, 100), ("int8", 10, 10)],
        [("int8", 2, 10)], [("int8", 2, 100)], [("int8", 10, 100)],
    ]  # fmt: skip
    rescored = Retriever.open(method, manifest)
    for each in contestants[2:]:
        _, found = each.search(Queries(queries))
        for setting in each.settings:
            _, rows = rescored.search(queries, setting.top_k, setting.multiplier)
            assert np.array_equal(found[:, : setting.top_k], rows)


@pytest.mark.parametrize("count", [*range(1, 40), 101, 1000, 1024, 5001])
def test_the_interval_of_a_median_is_that_of_scipy(count):
    values = np.random.default_rng(count).lognormal(size=count)
    expected = quantile_test(values, p=0.5).confidence_interval(0.95)
    np.testing.assert_array_equal(median_interval(list(values)), (expected.low, expected.high))


@pytest.mark.parametrize("effort", [USUAL, Effort(6, 0.03, 1e9)])
@pytest.mark.parametrize("between_rounds", [0, 0.02, 0.05, 0.1])
def test_intervals_hold_where_the_queries_of_a_round_share_its_state(clock, between_rounds, effort):
    """Medians of 2 ms and 4 ms; single queries spread by 5 % within a round, and rounds differ as well."""
    rng = np.random.default_rng(5)

    def search(engine, seconds):
        spread = rng.normal(0, 0.05, (31, 20)) + rng.normal(0, between_rounds, (31, 1))
        return clock.contestant(engine, (seconds * np.exp(spread)).ravel().tolist(), 0.0001)

    held = []
    for _ in range(300):
        ((found,), _) = measured([search("blas", 0.004)], [search("int8", 0.002)], effort=effort, single_queries=20)
        held.append([found[f"{name}_low"] <= 2 <= found[f"{name}_high"] for name in ("latency_p50_ms", SPEEDUP)])
    assert (np.mean(held, axis=0) >= 0.93).all()


def test_a_batch_has_as_many_queries_whatever_the_search_takes(clock):
    for queries, size in ((500, BATCH_QUERIES), (5, 5)):
        clock.order.clear()
        searches = [clock.contestant("int8", 1.0, 1.0), clock.contestant("binary", 1e-6, 1e-6)]
        _, batch = measured([clock.contestant("blas", 0.01, 0.001)], searches, queries=queries)
        assert {count for _, count in clock.order} == {1, size}
        assert batch == size


def test_latency_is_that_of_the_median_round_and_throughput_that_of_the_median_batch():
    singles = [[0.001, 0.002, 0.009], [0.007, 0.001, 0.003], [0.008, 0.007, 0.009]]
    figures = Contestant("none", (PLAIN,), lambda queries: None, singles, [0.25, 0.5, 4.0]).figures()
    assert figures["queries_per_second"] == 2.0
    assert figures["latency_p50_ms"] == pytest.approx(3.0)
    assert figures["latency_p95_ms"] == pytest.approx(9.0)


def test_percentiles_are_those_of_all_single_queries():
    """Of 0 to 100 ms, one each: 95 and 99 are the values that 95 and 99 of the others don't reach."""
    seconds = [milliseconds / 1000 for milliseconds in range(101)]
    figures = Contestant("none", (PLAIN,), lambda queries: None, [seconds[50:], seconds[:50]], [1.0, 1.0]).figures()
    assert (figures["latency_p95_ms"], figures["latency_p99_ms"]) == (pytest.approx(95), pytest.approx(99))


def test_the_interval_of_the_throughput_is_that_of_the_batches():
    """Of six, the least and the greatest: they enclose the median with a chance of 1 − 2 · ½⁶ = 96.9 %."""
    batches = [0.5, 0.25, 1.0, 0.5, 2.0, 0.5]
    figures = Contestant("none", (PLAIN,), lambda queries: None, [[0.001]], batches).figures()
    assert (figures["queries_per_second_low"], figures["queries_per_second_high"]) == (0.5, 4.0)
