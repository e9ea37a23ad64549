"""Every kernel gives the scores that exact sums give, and the fastest one on this machine is used."""

from threading import Event
from time import thread_time

import numpy as np
import pytest

from embquant.exact import ways
from embquant.exact.scan import Scan
from embquant.exact.ways import Trial, Way, Ways
from embquant.indexes import flat_binary, flat_int8
from embquant.quantize.codecs.float32 import Float32

DOCUMENTS, K = 2000, 40


def judged(scores):
    """Rank whole scores (queries, documents) by sorting: best first, ties by ascending row."""
    rows = np.argsort(-scores, axis=1, kind="stable")[:, :K]
    return np.take_along_axis(scores, rows, axis=1), rows


def same(found, expected):
    assert found[0].dtype == np.int32
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(ways, "SCORES_AT_ONCE", (1 << 13, 1 << 15))
    monkeypatch.setattr(ways, "LARGER_FROM", 1)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("values", [(-128, 128), (-2, 3), (-128, -127)], ids=["all", "ties", "least"])
@pytest.mark.parametrize("dim", [1, 384, 1024, 1025, 2500])
@pytest.mark.parametrize("queries", [1, 16, 40])
@pytest.mark.parametrize("kernel", [flat_int8.by_bytes, flat_int8.by_floats])
def test_int8_kernels_find_what_exact_sums_find(kernel, queries, dim, values):
    rng = np.random.default_rng(dim)
    asked, codes = (rng.integers(*values, (rows, dim)).astype(np.int8) for rows in (queries, DOCUMENTS))
    found = Scan(2)(Ways(kernel, dtype=np.int32), asked, codes, K)
    same(found, judged((asked.astype(float) @ codes.astype(float).T).astype(np.int64)))


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("width", [1, 2, 48, 51])
@pytest.mark.parametrize("queries", [1, 40])
def test_agreements_are_the_bits_that_do_not_differ(queries, width):
    rng = np.random.default_rng(width)
    asked, codes = (rng.integers(0, 256, (rows, width), np.uint8) for rows in (queries, DOCUMENTS))
    differing = np.unpackbits(asked[:, None] ^ codes[None], axis=2).sum(axis=2, dtype=np.int64)
    same(Scan(2)(flat_binary.WAYS, ~asked, codes, K), judged(8 * width - differing))


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("threads", [1, 2])
def test_kernels_may_take_turns_within_a_search(threads):
    rng = np.random.default_rng(0)
    asked, codes = (rng.integers(-2, 3, (rows, 64)).astype(np.int8) for rows in (64, DOCUMENTS))
    expected = judged((asked.astype(float) @ codes.astype(float).T).astype(np.int64))
    both = Ways(flat_int8.by_bytes, flat_int8.by_floats, dtype=np.int32)
    for _ in range(3):
        same(Scan(threads)(both, asked, codes, K), expected)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("queries", [1, 2, 40])
@pytest.mark.parametrize("way", range(2))
def test_ways_to_multiply_float32_find_what_sorting_finds(way, queries):
    rng = np.random.default_rng(0)
    asked, codes = (rng.integers(-2, 3, (rows, 5)).astype(np.float32) for rows in (queries, DOCUMENTS))
    found = Scan(2)(Ways(Float32(5).scans[way]), asked, codes, K)
    for one, other in zip(found, judged(asked @ codes.T), strict=True):
        np.testing.assert_array_equal(one, other)


def spin(seconds):
    began = thread_time()
    while thread_time() - began < seconds:
        pass


@pytest.mark.parametrize("slow", [0, 1])
def test_each_kernel_is_timed_a_few_times_and_then_the_fastest_alone_is_used(monkeypatch, slow):
    monkeypatch.setattr(ways, "MOST_DOCUMENTS", 296)
    called = []

    def kernel(number):
        def score(queries, codes):
            called.append(number)
            spin(0.002 if number == slow else 0)
            return (queries @ codes.T).astype(np.int32)

        return score

    both = Ways(kernel(0), kernel(1), dtype=np.int32)
    asked, codes = np.ones((3, 4), np.int32), np.arange(20_000, dtype=np.int32).reshape(-1, 4)
    for _ in range(2):
        Scan(1)(both, asked, codes, 10)
    assert called.count(slow) <= ways.ROUNDS + 1  # the first block isn't timed
    assert called[2 * ways.ROUNDS + 1 :] == [1 - slow] * (len(called) - 2 * ways.ROUNDS - 1)


def test_what_is_found_out_holds_for_codes_as_wide_and_about_as_many_queries():
    own = Ways(np.matmul)
    codes = np.zeros((9, 4))
    known = own.trial(np.zeros((600, 4)), codes)
    assert own.trial(np.zeros((1000, 4)), codes) is known
    assert own.trial(np.zeros((300, 4)), codes) is not known
    assert own.trial(np.zeros((600, 5)), codes[:, :3]) is not known


def test_few_queries_have_one_way_and_many_are_tried_in_blocks_of_two_sizes():
    def documents(queries):
        return {way.documents for way in Ways(np.matmul).trial(np.zeros((queries, 4)), np.zeros((9, 4)))._seconds}

    assert [documents(queries) for queries in (1, 100)] == [{65540}, {5244}]
    assert documents(1000) == {524, 2100}


def test_the_first_block_is_small_where_many_queries_ask_for_many_documents():
    assert [Trial([], queries).first_block(k) for queries, k in ((2, 10), (500, 100), (1000, 1000))] == [
        640,
        6400,
        16_000,
    ]


def test_a_single_query_begins_with_a_whole_block():
    assert Trial([], 1).first_block(10) == ways.MOST_DOCUMENTS


def test_other_work_on_the_machine_does_not_count():
    """The time is that of the thread; a wait is none."""
    own, other = Way(np.matmul, 1), Way(np.matmul, 2)
    trial = Trial([own, other], 1)
    for _ in range(ways.ROUNDS):
        with trial.timed(own):
            Event().wait(0.01)
        with trial.timed(other):
            spin(0.001)
    assert trial.next() is own
