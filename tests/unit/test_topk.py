"""Running top k: the same as sorting everything."""

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embquant.exact.topk import TopK, TopKOfOne, nearest_by_faiss, rank, sort_by_score


def sorted_all(scores, k):
    """Sort all scores (queries, documents): best first, ties by ascending row."""
    order = np.argsort(-scores.astype(np.float64), axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, axis=1), order


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_equals_a_stable_sort_whatever_the_blocks(data):
    documents, queries = data.draw(st.integers(1, 300)), data.draw(st.sampled_from([1, 1, 2, 3, 5]))
    k, levels = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 50))
    seed, block = data.draw(st.integers(0, 99)), data.draw(st.integers(1, 300))
    dtype = data.draw(st.sampled_from([np.int32, np.float32]))
    scores = np.random.default_rng(seed).integers(-levels, levels, (queries, documents)).astype(dtype)
    expected_scores, expected_rows = sorted_all(scores, k)
    kept = [TopK(queries, min(k, documents), dtype), *([TopKOfOne(min(k, documents), dtype)] if queries == 1 else [])]
    for best in kept:
        for first in range(0, documents, block):
            best.push(np.array(scores[:, first : first + block], order=data.draw(st.sampled_from(["C", "F"]))), first)
        found_scores, found_rows = best.result()
        np.testing.assert_array_equal(found_rows, expected_rows)
        np.testing.assert_array_equal(found_scores, expected_scores)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
@pytest.mark.parametrize("queries", [1, 2])
def test_scores_come_back_as_they_went_in(queries, dtype):
    scores = (np.random.default_rng(0).standard_normal((queries, 50_000)) * 1000).astype(dtype)
    best = TopKOfOne(25, dtype) if queries == 1 else TopK(2, 25, dtype)
    best.push(scores[:, :30_000], 0)
    best.push(scores[:, 30_000:], 30_000)
    for found, expected in zip(best.result(), sorted_all(scores, 25), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_extreme_scores_keep_their_order():
    integers = np.array([[np.iinfo(np.int32).min, 0, np.iinfo(np.int32).max, -1]], np.int32)
    floats = np.array([[-np.inf, 0.0, np.inf, -0.0, -1e-45, 1e-45]], np.float32)
    for scores, expected in ((integers, [2, 1, 3, 0]), (floats, [2, 5, 1, 3, 4, 0])):
        for best in (TopK(1, scores.size, scores.dtype.type), TopKOfOne(scores.size, scores.dtype.type)):
            best.push(scores, 0)
            assert best.result()[1].tolist() == [expected]


def test_sort_by_score_breaks_ties_by_row():
    scores, rows = sort_by_score(np.array([[-3, -1, -3]], np.int32), np.array([[9, 5, 4]]))
    assert (scores.tolist(), rows.tolist()) == ([[-1, -3, -3]], [[5, 4, 9]])


def test_rank_breaks_ties_by_row():
    assert rank(np.array([[1.0, 2.0, 2.0, -np.inf]]), np.array([[7, 9, 3, -1]]), 3).tolist() == [[2, 1, 0]]


def lists_of(codes):
    index = faiss.IndexBinaryIVF(faiss.IndexBinaryFlat(8 * codes.shape[1]), 8 * codes.shape[1], 20)
    index.train(codes)
    index.nprobe = 3
    return index


INDEXES_OF_BITS = {
    "flat": lambda codes: faiss.IndexBinaryFlat(8 * codes.shape[1]),
    "lists": lists_of,
    "graph": lambda codes: faiss.IndexBinaryHNSW(8 * codes.shape[1], 8),
}


@pytest.mark.parametrize("k", [1, 10, 700])
@pytest.mark.parametrize("width", [1, 2, 48])
@pytest.mark.parametrize("kind", INDEXES_OF_BITS)
def test_faiss_itself_orders_equal_distances_by_row(kind, width, k):
    rng = np.random.default_rng(width)
    codes, queries = (rng.integers(0, 256, (rows, width), np.uint8) for rows in (2000, 30))
    codes[1000:1500] = codes[:500]
    index = INDEXES_OF_BITS[kind](codes)
    index.add(codes)
    for asked in (queries, queries[:1]):
        distances, rows = index.search(asked, k)
        order = np.lexsort((rows, distances, rows < 0), axis=1)
        scores, found = nearest_by_faiss(distances, rows)
        np.testing.assert_array_equal(found, np.take_along_axis(rows, order, axis=1))
        np.testing.assert_array_equal(scores, np.where(found < 0, -np.inf, -np.take_along_axis(distances, order, 1)))
        assert (np.diff(distances) == 0).any() or k == 1
        assert (found[:, -1] < 0).any() or k < 700 or kind == "flat"
