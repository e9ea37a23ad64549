"""scaled-pq is searched through FAISS, which knows no scales: what is found is what scoring every code finds."""

import faiss
import numpy as np
import pytest

from embquant.errors import InputError
from embquant.indexes import index_class
from embquant.indexes.scaled_shards import FastScanShards, ScaledShards
from support.codec_cases import PQ, SCALED_PQ, fitted, heavy_tails, repeated_for, unit_vectors
from support.index_cases import built, codec_of, opened

CORPORA = {
    "unit": lambda: unit_vectors(1500),
    "tails": lambda: np.concatenate([heavy_tails(), heavy_tails()[::-1] * 3]),
    "ties": lambda: np.tile(unit_vectors(60), (20, 1)),
    "zeros": lambda: np.concatenate([unit_vectors(500), np.zeros((100, 32), np.float32)]),
}


def far_scales(codec, vectors):
    """Return a codec and codes whose scales differ a hundredfold, whatever the vectors were; some of them are zero."""
    far = type(codec)(codec.index, codec.weights, np.log([0.1, 10]))
    codes = far.encode(vectors)
    codes[:, -1] = np.random.default_rng(3).integers(1, 256, len(codes))
    codes[::50, -1] = 0
    return far, codes


@pytest.mark.parametrize("documents", [7, 100, 5000])
@pytest.mark.parametrize("corpus", CORPORA)
@pytest.mark.parametrize("is_far", [False, True])
def test_shards_of_any_size_find_what_every_score_in_float64_ranks_first(monkeypatch, documents, corpus, is_far):
    monkeypatch.setattr(ScaledShards, "most_codes", documents)
    monkeypatch.setattr(ScaledShards, "worth_a_thread", 3000)
    vectors, queries = CORPORA[corpus](), np.concatenate([unit_vectors(5, seed=1), -unit_vectors(5)])
    codec = fitted(SCALED_PQ, vectors)
    codec, codes = far_scales(codec, vectors) if is_far else (codec, codec.encode(vectors))
    shards = ScaledShards(codes, codec, threads=2)
    expected = codec.score(queries, repeated_for(queries, codes))
    for k in (1, 10, 300, len(codes) + 1):
        scores, rows = shards.search(queries, k)
        assert scores.shape == rows.shape == (len(queries), min(k, len(codes)))
        assert all(len(set(own)) == len(own) for own in rows.tolist())
        wanted = -np.sort(-expected, axis=1)[:, :k]
        np.testing.assert_allclose(scores, wanted, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(np.take_along_axis(expected, rows, axis=1), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("is_far", [False, True])
def test_a_search_ranks_ties_by_row_as_a_scan_of_all_codes_in_float64_does(tmp_path, is_far):
    vectors, queries = np.tile(unit_vectors(60), (20, 1)), unit_vectors(20, seed=1)
    codec, codes, path = built(tmp_path, "scaled-pq", "flat", vectors)
    if is_far:
        codec, codes = far_scales(codec, vectors[:60])
        codes = np.tile(codes, (20, 1))
        np.save(path, codes)
    index = opened("scaled-pq", "flat", path, codec, threads=2)
    expected = codec.score(queries, repeated_for(queries, codes))
    for k in (1, 10, 45):
        rows = np.argsort(-expected, axis=1, kind="stable")[:, :k]
        for found in (index.search(queries, k), index.search_reproducibly(queries, k)):
            np.testing.assert_array_equal(found[1], rows)
            np.testing.assert_allclose(found[0], np.take_along_axis(expected, rows, axis=1), atol=1e-5)


@pytest.mark.parametrize("documents", [60, 500, 5000])
@pytest.mark.parametrize("is_far", [False, True])
def test_fast_scan_finds_the_greatest_of_faiss_s_rounded_products_times_their_scales(monkeypatch, documents, is_far):
    monkeypatch.setattr(FastScanShards, "most_codes", documents)
    vectors, queries = unit_vectors(1500), unit_vectors(10, seed=1)
    codec = codec_of("scaled-pq", "fastscan")
    codec, codes = far_scales(codec, vectors) if is_far else (codec, codec.encode(vectors))
    judge = faiss.clone_index(codec.index)
    faiss.copy_array_to_vector(np.ascontiguousarray(codes[:, :-1]).ravel(), judge.codes)
    judge.ntotal = len(codes)
    products, places = faiss.IndexPQFastScan(judge).search(queries, len(codes))
    expected = -np.sort(-products * codec.scales[codes[:, -1]][places], axis=1)
    shards = FastScanShards(codes, codec, threads=2)
    for k in (1, 10, 300):
        scores, rows = shards.search(queries, k)
        np.testing.assert_allclose(scores, expected[:, :k], rtol=1e-6, atol=1e-6)
        exact = codec.score(queries, codes[rows])
        assert np.abs(scores - exact).max() < 0.02 * (20 if is_far else 1)


def test_fast_scan_needs_4_bits(tmp_path):
    with pytest.raises(InputError, match="index fastscan: needs a pq codec of 4 bits, this one has 8"):
        built(tmp_path, "scaled-pq", "fastscan", unit_vectors(), fitted({**PQ, "family": "scaled-pq"}, unit_vectors()))
    assert not index_class("scaled-pq", "fastscan").is_exact
