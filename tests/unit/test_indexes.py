"""Indexes: the documents that brute force finds, in files that the libraries themselves open."""

import faiss
import numpy as np
import pytest
from usearch.index import MetricKind, search

from embquant.indexes import INDEXES, index_class
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import CODECS
from support.codec_cases import (
    INDEXED,
    INTEGERS,
    fitted,
    heavy_tails,
    repeated_for,
    unit_vectors,
    with_zero_vectors,
)
from support.index_cases import built, codec_of, opened

EXHAUSTIVE = {"hnsw": {"expansion_search": 600}, "ivf": {"nprobe": 600}}
"""Search parameters with which an approximate index looks nearly everywhere."""


def scorings(family, kind):
    return index_class(family, kind).scorings(CODECS[family])


FLAT = [family for family, kind in INDEXED if kind == "flat"]
every_index = pytest.mark.parametrize(("family", "kind"), INDEXED)
SEARCHES = [(*index, scoring) for index in INDEXED for scoring in scorings(*index)]
every_search = pytest.mark.parametrize(("family", "kind", "scoring"), SEARCHES)


def brute_force(codec, codes, asked):
    """Score all by the definition, in integers or float64: (queries, documents)."""
    if asked.dtype == np.uint8:
        return -(np.unpackbits(codes, axis=1)[None] != np.unpackbits(asked, axis=1)[:, None]).sum(axis=2)
    if asked.dtype == np.int8:
        return asked.astype(np.int64) @ codes.astype(np.int64).T
    if codec.family == "osq":
        return estimates_of_rounded(codec, codes, asked)
    return codec.score(asked, repeated_for(asked, codes))


def estimates_of_rounded(codec, codes, queries):
    """Score queries that are rounded as osq rounds them, by what a code and a query decode to."""
    steps = codec.rounded(queries)
    asked = steps.first[:, None] + steps.step[:, None] * steps.levels
    beyond = codec.decode(codes).astype(np.float64) - codec.center
    return asked @ beyond.T + codec.corrections(codes).along


def best(scores, k):
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


def of_rows(scores, rows):
    return np.take_along_axis(scores, rows, axis=1)


def has_tables(family, kind):
    """Whether an index adds rounded products with centroids up."""
    return kind == "fastscan" and family != "rabitq"


def rounding_of_tables(codec, path, asked):
    """Return how far a sum of products rounded to 8 bits may be off: half a step for each piece, and one for all."""
    index = faiss.read_index(str(path)) if path.suffix == ".faiss" else codec.index  # which the quantizer is part of
    pq = index.pq
    centroids = faiss.vector_to_array(pq.centroids).reshape(pq.M, 16, pq.dsub)
    products = np.einsum("qmd,mcd->qmc", asked.reshape(len(asked), pq.M, pq.dsub), centroids)
    steps = np.ptp(products, axis=2).max(axis=1, keepdims=True) / 255
    return (pq.M + 1) * steps / 2 + 1e-6


def test_no_index_is_for_an_unknown_family_or_scoring():
    assert set(CODECS.names()) == {family for family, _ in INDEXED}
    assert all(set(scorings(*index)) <= set(CODECS[index[0]].scorings) for index in INDEXED)


@pytest.mark.parametrize(
    ("family", "kind", "scoring", "dim"),
    [(*search, dim) for search in SEARCHES for dim in (32, 36) if dim == 32 or "fastscan" not in search],
)
def test_scores_are_brute_force_s_and_the_best_are_found(tmp_path, family, kind, scoring, dim):
    codec, codes, path = built(tmp_path, family, kind, unit_vectors(dim=dim))
    asked = codec.encode_queries(unit_vectors(9, dim, seed=1), scoring)
    index = opened(family, kind, path, codec, **EXHAUSTIVE.get(kind, {}))
    expected = brute_force(codec, codes, asked)
    places = best(expected, 20)
    assert len(index) == len(codes)
    for found in (index.search, index.search_reproducibly):
        scores, rows = found(asked, 20)
        assert rows.dtype == np.int64
        assert (np.diff(scores, axis=1) <= 0).all()
        allowed = rounding_of_tables(codec, path, asked) if has_tables(family, kind) else 3e-6
        assert (np.abs(scores - of_rows(expected, rows)) <= allowed).all()
        if index.prefix_stable:
            np.testing.assert_array_equal(rows, places)
        elif has_tables(family, kind):
            least = of_rows(expected, places)[:, -1:]
            assert (of_rows(expected, rows) >= least - 2 * allowed).all()
        else:  # those tied for the last place are as good
            assert (of_rows(expected, rows) >= of_rows(expected, places)[:, -1:] - 1e-6).mean() > 0.99
            assert all(len(set(own)) == 20 for own in rows)


@every_search
def test_one_query_finds_what_it_finds_among_others_from_memory_or_disk_on_any_threads(tmp_path, family, kind, scoring):
    codec, _, path = built(tmp_path, family, kind, unit_vectors())
    asked = codec.encode_queries(unit_vectors(40, seed=1), scoring)
    scores, rows = opened(family, kind, path, codec).search(asked, 10)
    for threads, mapped in [(1, True), (2, False)]:
        index = opened(family, kind, path, codec, threads, mapped)
        again = index.search(asked, 10)
        np.testing.assert_array_equal(again[1], rows)
        np.testing.assert_allclose(again[0], scores, atol=1e-6)
        for query in (0, 39):
            alone = index.search(asked[query : query + 1], 10)
            np.testing.assert_array_equal(alone[1][0], rows[query])
            np.testing.assert_allclose(alone[0][0], scores[query], atol=1e-6)


@every_search
def test_the_threads_of_faiss_are_left_as_they_were(tmp_path, family, kind, scoring):
    before = faiss.omp_get_max_threads()
    try:
        faiss.omp_set_num_threads(3)
        codec, _, path = built(tmp_path, family, kind, unit_vectors())
        index = opened(family, kind, path, codec, threads=2)
        asked = codec.encode_queries(unit_vectors(2, seed=1), scoring)
        for found in (index.search, index.search_reproducibly):
            found(asked, 10)
            assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)


@every_search
@pytest.mark.parametrize("rows", [1, 605])
def test_beyond_the_corpus_there_is_nothing(tmp_path, family, kind, scoring, rows):
    codec, _, path = built(tmp_path, family, kind, unit_vectors(rows))
    index = opened(family, kind, path, codec, **EXHAUSTIVE.get(kind, {}))
    for count in (1, 3):
        asked = codec.encode_queries(unit_vectors(count, seed=1), scoring)
        for found in (index.search, index.search_reproducibly):
            scores, places = found(asked, 5000)
            assert scores.shape == places.shape == (count, rows)
            if index.prefix_stable or kind == "fastscan":
                assert np.array_equal(np.sort(places, axis=1), np.tile(np.arange(rows), (count, 1)))
            assert (places < rows).all()
            assert np.isneginf(scores[places < 0]).all()


@every_search
def test_equal_documents_come_in_row_order(tmp_path, family, kind, scoring):
    """In what methods are judged by; a search may see products in which equal documents differ by rounding."""
    vectors = np.tile(unit_vectors(7), (100, 1))
    codec, codes, path = built(tmp_path, family, kind, vectors)
    asked = codec.encode_queries(unit_vectors(3, seed=1), scoring)
    expected = brute_force(codec, codes, asked)
    places = best(expected, 150)
    for threads in (1, 2):
        index = opened(family, kind, path, codec, threads, **EXHAUSTIVE.get(kind, {}))
        scores, rows = index.search_reproducibly(asked, 150)
        if index.prefix_stable:
            np.testing.assert_array_equal(rows, places)
            quick = index.search(asked, 150)
            np.testing.assert_allclose(quick[0], of_rows(expected, places), atol=3e-6)
            np.testing.assert_allclose(of_rows(expected, quick[1]), quick[0], atol=3e-6)
        tied = (scores[:, 1:] == scores[:, :-1]) & (rows[:, 1:] >= 0)
        assert (np.diff(rows, axis=1)[tied] > 0).all()


@pytest.mark.parametrize("vectors", [heavy_tails, with_zero_vectors, lambda: np.zeros((300, 32), np.float32)])
@every_search
def test_hard_vectors_are_found_with_finite_scores(tmp_path, family, kind, scoring, vectors):
    vectors = vectors()
    codec, codes, path = built(tmp_path, family, kind, vectors)
    asked = codec.encode_queries(np.concatenate([unit_vectors(3, seed=1), np.zeros((1, 32), np.float32)]), scoring)
    expected = brute_force(codec, codes, asked)
    index = opened(family, kind, path, codec, **EXHAUSTIVE.get(kind, {}))
    for queries in (slice(0, 4), slice(0, 1)):
        for found in (index.search, index.search_reproducibly):
            scores, rows = found(asked[queries], 10)
            assert rows.shape == (queries.stop, 10)
            assert np.isfinite(scores[rows >= 0]).all()
            true = of_rows(expected[queries], rows)
            if index.prefix_stable:
                wanted = of_rows(expected[queries], best(expected[queries], 10))
                np.testing.assert_allclose(true, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", FLAT)
@pytest.mark.parametrize("mapped", [False, True])
def test_a_flat_index_of_any_codec_finds_the_best_by_its_scores(tmp_path, family, mapped):
    """Also of codecs that have a flat index of their own, which is only faster."""
    codec = codec_of(family, "flat")
    codes, queries = codec.encode(unit_vectors()), unit_vectors(9, seed=1)
    if family not in INTEGERS:
        queries = codec.encode_queries(queries, "asymmetric")
    kind, path = INDEXES["flat/*"], tmp_path / "index.npy"
    kind.build(codec, Batches(lambda: iter([codes[:250], codes[250:]]), *codes.shape), path, kind.build_parameters())
    index = kind.open(path, codec, 2, kind.search_parameters(), mapped)
    expected = codec.score(queries, repeated_for(queries, codes))
    scores, rows = index.search_reproducibly(queries, 20)
    np.testing.assert_array_equal(rows, best(expected, 20))
    np.testing.assert_array_equal(scores, of_rows(expected, rows))
    assert (len(index), index.codes.dtype) == (600, codes.dtype)
    assert kind.scorings(CODECS[family]) == ("asymmetric",)


# Files


@every_index
def test_two_builds_give_the_same_bytes(tmp_path, family, kind):
    files = []
    for name in ("once", "again"):
        (tmp_path / name).mkdir()
        files.append(built(tmp_path / name, family, kind, unit_vectors())[2])
    assert files[0].read_bytes() == files[1].read_bytes()


# What is particular to a kind


def test_faiss_engine_agrees_with_blas(tmp_path):
    codec, _, path = built(tmp_path, "float32", "flat", np.tile(unit_vectors(100), (3, 1)))
    query = unit_vectors(4, seed=1)
    blas, judge = (opened("float32", "flat", path, codec, engine=engine) for engine in ("blas", "faiss"))
    np.testing.assert_allclose(judge.search(query, 20)[0], blas.search(query, 20)[0], atol=1e-6)
    scores, rows = judge.search(query, 300)
    assert (np.diff(rows, axis=1)[np.diff(scores, axis=1) == 0] > 0).all()


def test_flat_int8_ranks_as_usearch_exact_does(tmp_path):
    codec, codes, path = built(tmp_path, "int8", "flat", unit_vectors())
    asked = codec.encode_queries(unit_vectors(8, seed=1), "asymmetric")
    scores, _ = opened("int8", "flat", path, codec).search(asked, 25)
    judge = search(codes, asked, 25, MetricKind.IP, exact=True)
    np.testing.assert_array_equal(scores, np.rint(1 - judge.distances.astype(np.float64)))


def test_scaled_pq_finds_the_same_in_memory_mapped_and_by_many_queries_at_once(tmp_path):
    codec, _, path = built(tmp_path, "scaled-pq", "flat", unit_vectors())
    asked = unit_vectors(40, seed=1)
    scores, rows = opened("scaled-pq", "flat", path, codec, threads=2).search(asked[:3], 10)  # by FAISS's tables
    decoded = opened("scaled-pq", "flat", path, codec, mapped=True).search(asked, 10)
    np.testing.assert_array_equal(rows, decoded[1][:3])
    np.testing.assert_allclose(scores, decoded[0][:3], atol=1e-6)


@pytest.mark.parametrize("family", [family for family, kind in INDEXED if kind == "ivf"])
def test_more_lists_looked_at_find_more_and_a_query_s_own_list_has_its_best(tmp_path, family):
    codec, codes, path = built(tmp_path, family, "ivf", unit_vectors(), lists=20)
    asked = codec.encode_queries(unit_vectors()[:50], scorings(family, "ivf")[0])
    expected = brute_force(codec, codes, asked)
    least = of_rows(expected, best(expected, 10))[:, -1:]
    recalls = []
    for nprobe in (1, 4, 20, 99):
        scores, rows = opened(family, "ivf", path, codec, nprobe=nprobe).search(asked, 10)
        recalls.append(np.where(rows < 0, False, of_rows(expected, rows) >= least - 1e-6).mean())
        assert np.isneginf(scores[rows < 0]).all()
    assert 0.2 < recalls[0] < recalls[1] < recalls[2] == recalls[3] == 1


def test_lists_of_bits_spread_whatever_the_thresholds(tmp_path):
    vectors = unit_vectors() + 0.5  # far from zero, where the bits of centroids must not be looked for
    codec = fitted({"family": "binary", "threshold": "median"}, vectors)
    _, _, path = built(tmp_path, "binary", "ivf", vectors, codec, lists=20)
    sizes = faiss.read_index_binary(str(path))
    assert max(sizes.get_list_size(number) for number in range(20)) < 200


def test_lists_are_as_many_as_documents_at_most_whatever_the_training(tmp_path):
    codec, _, path = built(tmp_path, "float32", "ivf", unit_vectors(90), lists=200, training=10)
    assert faiss.read_index(str(path)).nlist == 90
    assert opened("float32", "ivf", path, codec, nprobe=200).search(unit_vectors(2, seed=1), 90)[1].min() == 0


@pytest.mark.parametrize("family", ["float32", "int8", "binary"])
def test_a_wider_walk_of_a_graph_finds_more(tmp_path, family):
    codec, codes, path = built(tmp_path, family, "hnsw", unit_vectors(3000), connectivity=4, expansion_add=8)
    asked = codec.encode_queries(unit_vectors(50, seed=1), scorings(family, "hnsw")[0])
    expected = brute_force(codec, codes, asked)
    least = of_rows(expected, best(expected, 10))[:, -1:]
    recalls = []
    for walked in (10, 400):
        _, rows = opened(family, "hnsw", path, codec, expansion_search=walked).search(asked, 10)
        recalls.append((of_rows(expected, rows) >= least - 1e-6).mean())
    assert recalls[0] + 0.1 < recalls[1] > 0.75
