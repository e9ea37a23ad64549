"""Running top k: the same as sorting everything."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embquant.topk import TopK, rank


def sorted_all(scores, k):
    """Sort all scores (documents, queries): best first, ties by ascending row."""
    order = np.argsort(-scores.astype(np.float64), axis=0, kind="stable")[:k].T
    return np.take_along_axis(scores.T, order, axis=1), order


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_equals_a_stable_sort_whatever_the_blocks(data):
    documents, queries = data.draw(st.integers(1, 300)), data.draw(st.integers(1, 5))
    k, levels = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 50))
    seed, block = data.draw(st.integers(0, 99)), data.draw(st.integers(1, 300))
    scores = np.random.default_rng(seed).integers(-levels, levels, (documents, queries), dtype=np.int32)
    best = TopK(queries, min(k, documents))
    for first in range(0, documents, block):
        best.push(scores[first : first + block], first)
    found_scores, found_rows = best.result()
    expected_scores, expected_rows = sorted_all(scores, k)
    np.testing.assert_array_equal(found_rows, expected_rows)
    np.testing.assert_array_equal(found_scores, expected_scores)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_large_blocks_are_cut(dtype):
    scores = (np.random.default_rng(0).standard_normal((50_000, 2)) * 1000).astype(dtype)
    best = TopK(2, 25)
    best.push(scores, 0)
    np.testing.assert_array_equal(best.result()[1], sorted_all(scores, 25)[1])


def test_the_most_negative_integer_is_last():
    best = TopK(1, 3)
    best.push(np.array([[np.iinfo(np.int32).min], [0], [1]], np.int32), 0)
    assert best.result()[1].tolist() == [[2, 1, 0]]


def test_rank_breaks_ties_by_row():
    assert rank(np.array([[1.0, 2.0, 2.0, -np.inf]]), np.array([[7, 9, 3, -1]]), 3).tolist() == [[2, 1, 0]]
