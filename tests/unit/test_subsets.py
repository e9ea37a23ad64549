"""Nested subsets of a corpus: which documents they have, and that a search of them is that of a smaller corpus."""

from itertools import pairwise

import numpy as np
import pytest

from embquant.errors import InputError
from embquant.exact.subsets import Subsets, Wanted
from embquant.retrieve.candidates import Candidates
from embquant.steps.search_index import search_index
from support.codec_cases import case, unit_vectors
from support.searched import both_ways, write_dataset

IDS = [f"d{row}" for row in range(1000)]


def chosen(ids=IDS, judged=(3, 500, 999), halvings=20, seed=0, depth=20):
    return Subsets.of(ids, np.array(judged, np.int64), Wanted(halvings=halvings, seed=seed, depth=depth))


def names(subsets, ids=IDS):
    """The ids of each subset."""
    return [{ids[row] for row in np.flatnonzero(subsets.first <= number)} for number in range(len(subsets.sizes))]


def test_a_corpus_is_halved_while_a_half_has_the_judged_documents_and_more_than_the_candidates():
    assert chosen().sizes == [31, 62, 125, 250, 500]  # 1000 / 2ⁿ, more than 20
    assert chosen(depth=31).sizes == [62, 125, 250, 500]
    assert chosen(judged=range(100)).sizes == [125, 250, 500]
    assert chosen(judged=range(125)).sizes == [125, 250, 500]
    assert chosen(judged=range(126)).sizes == [250, 500]
    assert chosen(halvings=2).sizes == [250, 500]
    assert chosen(judged=range(501)).sizes == []


def test_subsets_are_nested_have_their_sizes_and_all_judged_documents():
    found = names(chosen())
    assert list(map(len, found)) == chosen().sizes
    assert all(smaller < larger for smaller, larger in pairwise(found))
    assert {"d3", "d500", "d999"} <= found[0]


def test_a_document_is_chosen_by_its_id_whatever_its_row():
    order = np.random.default_rng(0).permutation(1000)
    moved = [IDS[row] for row in order]
    judged = np.flatnonzero(np.isin(order, [3, 500, 999]))
    assert names(chosen(moved, judged), moved) == names(chosen())


def test_the_choice_is_as_good_as_random_and_another_with_another_seed():
    first, second = (chosen(judged=(), seed=seed).first <= 4 for seed in (0, 1))
    assert 200 < (first & second).sum() < 300  # of 500 each, 250 are expected in both, give or take 11
    assert 0.4 < np.corrcoef(np.arange(1000), first)[0, 1] + 0.5 < 0.6
    pairs = first[:-1] & first[1:]
    assert 200 < pairs.sum() < 300  # neighbours in number are no more often chosen together


@pytest.mark.parametrize(
    ("name", "scoring"),
    [(name, scoring) for name in ("float32", "binary", "int8", "pq", "int8-pca") for scoring in case(name).scorings],
)
def test_a_subset_s_candidates_are_those_of_a_corpus_that_has_only_its_documents(tmp_path, name, scoring):
    """Searched whole and part by part, with ties and with queries that are documents themselves.

    The first 300 of 640 candidates hold enough of the larger subsets, not of the smaller ones.
    """
    vectors = np.concatenate([unit_vectors(300), unit_vectors(300)[::-1], np.tile(unit_vectors(1), (40, 1))])
    own = np.full(43, -1)
    own[[0, 7, 40, 41, 42]] = [3, 630, 0, 1, 2]
    growth = {"halvings": 9, "seed": 0, "depth": 30}
    merged, whole = both_ways(tmp_path, name, scoring, 4, 300, vectors, own, growth=growth, judged=[3, 5, 630])
    assert merged.read_bytes() == whole.read_bytes()
    subsets = chosen([f"d{row}" for row in range(640)], judged=[3, 5, 630], depth=30)
    found = Candidates(whole)
    assert found.subsets == subsets.sizes == [40, 80, 160, 320]
    for number, size in [(0, 40), (3, 320)]:
        rows = np.flatnonzero(subsets.first <= number)
        places = np.full(641, -1)
        places[rows] = np.arange(size)
        folder = tmp_path / str(size)
        folder.mkdir()
        alone, _ = both_ways(folder, name, scoring, 1, 30, vectors[rows], places[own])
        expected_rows, expected_scores = Candidates(alone).read(0)
        got_rows, got_scores = found.subset(size).read(0)
        same = slice(40)  # the queries after these are the first documents, here of another corpus
        assert np.array_equal(places[got_rows[same]], expected_rows[same])
        assert np.array_equal(got_scores[same], expected_scores[same])


def test_subsets_change_nothing_of_the_whole(tmp_path):
    for folder, growth in (("with", {"halvings": 9, "seed": 0, "depth": 30}), ("without", {})):
        (tmp_path / folder).mkdir()
        both_ways(tmp_path / folder, "int8", "symmetric", 1, 50, unit_vectors(300), growth=growth, judged=[1])
    found, before = (Candidates(tmp_path / folder / "whole.parquet") for folder in ("with", "without"))
    assert (found.depths, before.subsets) == (before.depths, [])
    assert all(np.array_equal(*pair) for pair in zip(found.read(0), before.read(0), strict=True))


def test_files_of_another_corpus_are_an_input_error(tmp_path):
    both_ways(tmp_path, "int8", "symmetric", 1, 5, unit_vectors(30))
    other = write_dataset(tmp_path, 29, [2])
    asked = {"method_file": tmp_path / "method.json", "query_vectors": tmp_path / "queries.parquet", "depths": [5]}
    asked |= {"growth": {"halvings": 1, "seed": 0, "depth": 5}, "output": tmp_path / "found.parquet"}
    with pytest.raises(InputError, match="not those of 30 documents"):
        search_index(**asked, **other)
    with pytest.raises(InputError, match="--growth needs --corpus and --qrels"):
        search_index(**asked)
