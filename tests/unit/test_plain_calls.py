"""A method finds what its library's own search of the same file finds, with the same scores."""

import faiss
import numpy as np
import pytest
from deployed import built
from plain_calls import CODECS, METHODS, TOP_K, searches

from embquant.exact.subsets import Subsets, Wanted
from embquant.study.study import Study
from support.codec_cases import fitted, repeated_for, unit_vectors
from support.index_cases import built as build_index
from support.index_cases import opened

SMALL = {"pq": {"family": "pq", "pieces": 8}, "pq-4-bits": {"family": "pq", "pieces": 16, "bits": 4}}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    vectors = unit_vectors(2000)
    return built(tmp_path_factory.mktemp("plain"), {**CODECS, **SMALL}, METHODS, vectors, vectors[:2])


@pytest.mark.parametrize("method", METHODS)
def test_rows_and_scores_are_those_of_the_plain_call(run, method):
    ours, theirs, library = searches(run, method)
    queries = unit_vectors(30, seed=1)
    (scores, rows), (expected, found) = ours(queries), theirs(queries)
    if library == "USearch":
        expected = 1 - expected
    elif expected.dtype == np.int32:  # Hamming distances
        expected = -expected
    np.testing.assert_allclose(scores, expected, rtol=1e-6, atol=1e-6)
    told_apart = np.abs(np.diff(scores, append=-np.inf)) > 1e-5
    told_apart &= np.abs(np.diff(scores, prepend=np.inf)) > 1e-5
    told_apart[:, -1] = False  # another may be as good
    assert told_apart.mean() > (0 if expected.max() <= 0 else 0.5)
    np.testing.assert_array_equal(rows[told_apart], found[told_apart].astype(np.int64))


def rounded(queries, center, bits):
    """Round what queries have beyond the center to as many steps from its least to its greatest value, in float32."""
    beyond = queries - center
    least, greatest = beyond.min(axis=1, keepdims=True), beyond.max(axis=1, keepdims=True)
    step = (greatest - least) / np.float32((1 << bits) - 1)
    levels = np.floor(((beyond - least) * (1 / step)).astype(np.float64) + 0.5)
    return (least + levels * step.astype(np.float64) + center).astype(np.float64)


@pytest.mark.parametrize("dim", [32, 37])
@pytest.mark.parametrize("query_bits", [1, 4, 8])
def test_rabitq_of_one_bit_scores_the_rounded_query(tmp_path, query_bits, dim):
    """Gao and Long 2024, section 3.3, without the random part of the rounding; the judge is a sum in float64."""
    vectors, queries = unit_vectors(dim=dim), unit_vectors(20, dim, seed=1)
    codec, codes, path = build_index(tmp_path, "rabitq", "flat", vectors, fitted({"family": "rabitq"}, vectors))
    center = faiss.vector_to_array(codec.index.center)
    asked = rounded(queries, center, query_bits)
    zero = codec.score(np.zeros((1, dim), np.float32), codes[None])
    expected = asked @ codec.decode(codes).astype(np.float64).T + zero + ((queries - asked) @ center)[:, None]
    scores, rows = opened("rabitq", "flat", path, codec, query_bits=query_bits).search(queries, TOP_K)
    np.testing.assert_allclose(scores, -np.sort(-expected, axis=1)[:, :TOP_K], atol=2e-6)
    np.testing.assert_allclose(scores, np.take_along_axis(expected, rows, axis=1), atol=2e-6)


@pytest.mark.parametrize("query_bits", [0, 4])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_rabitq_of_more_bits_scores_the_float_query_and_misses_few(tmp_path, bits, query_bits):
    vectors, queries = unit_vectors(), unit_vectors(50, seed=1)
    codec = fitted({"family": "rabitq", "bits": bits, "transform": "rotation"}, vectors)
    _, codes, path = build_index(tmp_path, "rabitq", "flat", codec.transform.documents(vectors), codec.inner)
    asked = codec.encode_queries(queries, "asymmetric")
    expected = codec.score(queries, repeated_for(queries, codes))
    scores, rows = opened("rabitq", "flat", path, codec.inner, query_bits=query_bits).search(asked, TOP_K)
    np.testing.assert_allclose(scores, np.take_along_axis(expected, rows, axis=1), atol=2e-6)
    least = -np.sort(-expected, axis=1)[:, TOP_K - 1 : TOP_K]
    assert (np.take_along_axis(expected, rows, axis=1) >= least - 1e-6).mean() > 0.95


def test_a_subset_of_rabitq_codes_is_searched_as_an_index_of_its_documents(tmp_path):
    vectors, queries = unit_vectors(), unit_vectors(20, seed=1)
    codec, _, path = build_index(tmp_path, "rabitq", "flat", vectors, fitted({"family": "rabitq"}, vectors))
    subsets = Subsets.of([str(row) for row in range(600)], np.arange(9), Wanted(halvings=3, seed=0, depth=20))
    found = opened("rabitq", "flat", path, codec).search_subsets(queries, 20, subsets, [np.arange(20)] * 3)
    for number, (scores, rows) in enumerate(found):
        own = np.flatnonzero(subsets.first <= number)
        path = build_index(tmp_path, "rabitq", "flat", vectors[own], codec)[2]
        expected = opened("rabitq", "flat", path, codec).search(queries, 20)
        np.testing.assert_array_equal(rows, own[expected[1]])
        np.testing.assert_array_equal(scores, expected[0])


def test_what_finds_nearly_all_is_searched_whole_and_is_no_judge_of_others():
    codecs = {"float32": {"family": "float32"}, "rabitq": {"family": "rabitq"}}
    methods = {name: {"codec": name, "index": "flat"} for name in codecs}
    methods["float-query"] = {"codec": "rabitq", "index": "flat", "search": {"query_bits": 0}}
    common = {"study": "s", "datasets": {"d": {"source": "files"}}, "models": {"m": {"name": "m"}}}
    study = Study.read({**common, "codecs": codecs, "methods": methods, "search": {"by": "part"}, "parts": 2})
    assert [method.is_searched_by_part for method in study.methods.values()] == [True, False, False]
    assert study.methods["rabitq"].exact_twins == []
