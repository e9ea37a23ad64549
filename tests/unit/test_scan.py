"""Sharing a scan out to threads changes nothing."""

import numpy as np
import pytest

from embquant.exact import scan, ways
from embquant.quantize.codecs.float32 import Float32


def products(queries, codes):
    return queries @ codes.T


@pytest.mark.parametrize("queries", [1, 2, 3, 40])
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("by", ["documents", "queries"])
def test_finds_what_sorting_all_scores_finds(monkeypatch, queries, threads, by):
    monkeypatch.setattr(scan, "WORTH_A_THREAD", 1)
    monkeypatch.setattr(scan, "ENOUGH_QUERIES", 1 if by == "queries" else 1000)
    monkeypatch.setattr(ways, "LEAST_DOCUMENTS", 7)
    monkeypatch.setattr(ways, "SCORES_AT_ONCE", (50, 200))
    monkeypatch.setattr(ways, "LARGER_FROM", 1)
    rng = np.random.default_rng(0)
    asked, codes = (rng.integers(-2, 3, (rows, 4)).astype(np.int32) for rows in (queries, 300))
    scores = asked @ codes.T  # 33 levels at most: ties everywhere
    rows = np.argsort(-scores, axis=1, kind="stable")[:, :20]
    found_scores, found_rows = scan.Scan(threads)(ways.Ways(products, dtype=np.int32), asked, codes, 20)
    np.testing.assert_array_equal(found_rows, rows)
    np.testing.assert_array_equal(found_scores, np.take_along_axis(scores, rows, axis=1))


def test_map_keeps_the_order_of_rows():
    rows = np.arange(10)
    doubled, negated = scan.Scan(3).map(lambda own: (2 * own, -own), rows)
    assert np.concatenate(doubled).tolist() == (2 * rows).tolist()
    assert np.concatenate(negated).tolist() == (-rows).tolist()


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1, 1e3])
@pytest.mark.parametrize("copies", [2, 100, 700, 3000])
def test_documents_that_are_tied_at_the_cut_are_taken_in_the_order_of_rows_however_many_they_are(copies, scale):
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((4000, 384), dtype=np.float32)
    places = rng.permutation(4000)[:copies]
    vectors[places] = vectors[places[0]]
    queries = vectors[places[0]] + 3 * rng.standard_normal((60, 384), dtype=np.float32)
    vectors, queries = (
        np.float32(scale) * each / np.linalg.norm(each, axis=1, keepdims=True) for each in (vectors, queries)
    )
    exact = queries.astype(np.float64) @ vectors.astype(np.float64).T
    expected = np.argsort(-(exact / scale**2).round(12), axis=1, kind="stable")[:, :10]
    decoded = scan.DecodedScan(Float32(384), threads=2)
    searched = [decoded.settled(queries, vectors, 10)]
    searched.append(decoded.ranked(lambda asked, k: decoded.search(asked, vectors, k), queries, vectors, 10))
    searched.append(decoded.ranked(lambda asked, k: backwards(asked, vectors, k), queries, vectors, 10))
    for scores, rows in searched:
        np.testing.assert_array_equal(rows, expected)
        np.testing.assert_allclose(scores, np.take_along_axis(exact, rows, axis=1))


def backwards(queries, vectors, k):
    """Search as an engine does that puts the last of tied documents first."""
    scores = queries @ vectors.T
    rows = np.argsort(-scores[:, ::-1], axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores[:, ::-1], rows, axis=1), len(vectors) - 1 - rows


@pytest.mark.parametrize("documents", [1, 2, 9, 10, 11])
def test_fewer_documents_than_are_asked_for_are_all_ranked(documents):
    vectors = np.eye(16, dtype=np.float32)[:documents] + np.float32(0.1)
    vectors[-1] = vectors[0]
    decoded = scan.DecodedScan(Float32(16), threads=1)
    found = decoded.ranked(lambda asked, k: backwards(asked, vectors, k), vectors[:1], vectors, 10)
    exact = vectors[:1].astype(np.float64) @ vectors.astype(np.float64).T
    np.testing.assert_array_equal(found[1], np.argsort(-exact.round(12), axis=1, kind="stable")[:, :10])


def test_queries_without_near_scores_are_not_searched_again(monkeypatch):
    vectors, asked = np.eye(64, dtype=np.float32) * np.arange(1, 65)[:, None], np.full((3, 64), 0.1, np.float32)
    decoded = scan.DecodedScan(Float32(64), threads=1)
    monkeypatch.setattr(decoded, "settled", None)
    monkeypatch.setattr(decoded, "_settle", None)
    _, rows = decoded.ranked(lambda asked, k: backwards(asked, vectors, k), asked, vectors, 5)
    assert rows.tolist() == [[63, 62, 61, 60, 59]] * 3
