"""Indexes: the documents that brute force finds, in files that the libraries themselves open."""

import faiss
import numpy as np
import pytest
from usearch.index import Index as Graph
from usearch.index import MetricKind, search
from usearch.io import load_matrix

from embquant.codecs import parse_codec
from embquant.codecs.base import Sample
from embquant.errors import InputError
from embquant.indexes import KINDS, SUFFIXES, index_class
from embquant.spec import NoParameters

FLAT = [family for family, kind in KINDS if kind == "flat"]


def vectors_of(rows, dim=40, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((rows, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def built(tmp_path, family, kind, rows=3000, dim=40, **parameters):
    vectors = vectors_of(rows, dim)
    kind_of_codec, chosen = parse_codec({"family": family})
    codec = kind_of_codec.fit(Sample(lambda: iter([vectors]), rows, dim), chosen)
    codes = codec.encode(vectors)
    path = tmp_path / f"index{SUFFIXES[family, kind]}"
    index = index_class(family, kind)
    index.build(iter([codes[:1000], codes[1000:]]), rows, dim, path, index.build_parameters(**parameters))
    return codec, codes, path


def opened(family, kind, path, dim, threads, mapped=False, **search):
    index = index_class(family, kind)
    return index.open(path, dim, threads, index.search_parameters(**search), mapped)


def brute_force(family, codes, queries, k):
    """Rank by the definition, in integers or float64, ties by ascending row."""
    if family == "binary":
        scores = -(np.unpackbits(codes, axis=1)[None] != np.unpackbits(queries, axis=1)[:, None]).sum(axis=2)
    else:
        wide = np.float64 if family == "float32" else np.int64
        scores = queries.astype(wide) @ codes.astype(wide).T
    rows = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, rows, axis=1), rows


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("queries", [1, 33])
@pytest.mark.parametrize("family", FLAT)
def test_flat_index_finds_what_brute_force_finds(tmp_path, family, queries, mapped):
    codec, codes, path = built(tmp_path, family, "flat")
    asked = codec.encode_queries(vectors_of(queries, seed=1), codec.scorings[0])
    index = opened(family, "flat", path, 40, threads=2, mapped=mapped)
    np.testing.assert_array_equal(index.codes, codes)
    expected_scores, expected_rows = brute_force(family, codes, asked, 50)
    for scores, rows in (index.search(asked, 50), index.candidates(asked, 50)):
        np.testing.assert_allclose(scores, expected_scores, atol=1e-6)
        np.testing.assert_array_equal(rows, expected_rows)


@pytest.mark.parametrize("family", FLAT)
def test_flat_index_returns_all_documents_where_more_are_asked_for(tmp_path, family):
    codec, _, path = built(tmp_path, family, "flat", rows=1005)
    index = opened(family, "flat", path, 40, threads=1)
    asked = codec.encode_queries(vectors_of(2, seed=1), codec.scorings[0])
    _, rows = index.search(asked, 5000)
    assert np.array_equal(np.sort(rows, axis=1), np.tile(np.arange(1005), (2, 1)))


def test_repeated_vectors_come_in_row_order_whatever_the_threads(tmp_path):
    vectors = np.tile(vectors_of(7), (100, 1))
    path = tmp_path / "index.faiss"
    index_class("float32", "flat").build(iter([vectors]), 700, 40, path, NoParameters())
    query = vectors_of(3, seed=1)
    found = [opened("float32", "flat", path, 40, threads=threads).candidates(query, 150)[1] for threads in (1, 2)]
    np.testing.assert_array_equal(found[0], found[1])
    assert np.array_equal(found[0][:, :100], np.sort(found[0][:, :100], axis=1))


def test_faiss_engine_agrees_with_blas(tmp_path):
    _, _, path = built(tmp_path, "float32", "flat")
    query = vectors_of(4, seed=1)
    rows = [
        opened("float32", "flat", path, 40, threads=1, engine=engine).search(query, 20)[1]
        for engine in ("blas", "faiss")
    ]
    np.testing.assert_array_equal(rows[0], rows[1])


def test_flat_int8_ranks_as_usearch_exact_does(tmp_path):
    codec, codes, path = built(tmp_path, "int8", "flat")
    asked = codec.encode_queries(vectors_of(8, seed=1), "asymmetric")
    scores, _ = opened("int8", "flat", path, 40, threads=1).search(asked, 25)
    judge = search(codes, asked, 25, MetricKind.IP, exact=True)
    np.testing.assert_array_equal(scores, np.rint(1 - judge.distances.astype(np.float64)))


@pytest.mark.parametrize(
    ("family", "width", "open_file"),
    [
        ("float32", 160, faiss.read_index),
        ("binary", 5, faiss.read_index_binary),
        ("int8", 40, lambda path: load_matrix(path, view=True)),
    ],
)
def test_flat_file_is_the_library_s_own_and_has_no_more_than_a_header(tmp_path, family, width, open_file):
    _, codes, path = built(tmp_path, family, "flat")
    opened = open_file(str(path))
    assert (opened.shape[0] if family == "int8" else opened.ntotal) == len(codes)
    assert 0 < path.stat().st_size - 3000 * width <= 64


def test_dimensions_that_fill_no_byte(tmp_path):
    codec, codes, path = built(tmp_path, "binary", "flat", dim=13)
    assert codes.shape[1] == 2
    asked = codec.encode_queries(vectors_of(3, 13, seed=1), "symmetric")
    _, rows = opened("binary", "flat", path, 13, threads=1).search(asked, 10)
    np.testing.assert_array_equal(rows, brute_force("binary", codes, asked, 10)[1])


def test_hnsw_is_reproducible_opens_in_usearch_and_finds_most(tmp_path):
    codec, codes, path = built(tmp_path, "int8", "hnsw")
    (tmp_path / "again").mkdir()
    _, _, again = built(tmp_path / "again", "int8", "hnsw")
    assert path.read_bytes() == again.read_bytes()
    assert len(Graph.restore(str(path))) == 3000
    asked = codec.encode_queries(vectors_of(50, seed=1), "asymmetric")
    scores, rows = opened("int8", "hnsw", path, 40, threads=1).search(asked, 10)
    expected = brute_force("int8", codes, asked, 10)[1]
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(rows, expected, strict=True)]) > 0.9
    _, alone = opened("int8", "hnsw", path, 40, threads=1).search(asked[:1], 10)
    np.testing.assert_array_equal(alone, rows[:1])
    np.testing.assert_array_equal(scores, np.take_along_axis(asked.astype(int) @ codes.T.astype(int), rows, axis=1))


@pytest.mark.parametrize(("family", "kind"), KINDS)
def test_missing_damaged_and_foreign_files_are_input_errors(tmp_path, family, kind):
    _, _, path = built(tmp_path, family, kind)
    with pytest.raises(InputError, match=r"expected|dimensions"):
        opened(family, kind, path, 48, threads=1)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InputError, match="delete it and run again"):
        opened(family, kind, path, 40, threads=1)
    path.write_bytes(b"something else altogether")
    with pytest.raises(InputError, match="delete it and run again"):
        opened(family, kind, path, 40, threads=1)
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        opened(family, kind, path, 40, threads=1)


def test_another_kind_of_faiss_index_is_refused(tmp_path):
    path = tmp_path / "index.faiss"
    faiss.write_index(faiss.IndexFlatL2(40), str(path))
    with pytest.raises(InputError, match="holds a IndexFlatL2, expected IndexFlatIP"):
        opened("float32", "flat", path, 40, threads=1)


def test_unknown_index_is_an_input_error():
    with pytest.raises(InputError, match="no index 'hnsw' for binary codes"):
        index_class("binary", "hnsw")
