"""Parts searched by themselves and merged: byte for byte what a search of one index of the whole corpus writes."""

import numpy as np
import pytest

from embquant.errors import InputError
from embquant.indexes import index_class
from embquant.retrieve.candidates import Candidates, as_table, write_candidates
from embquant.steps.merge_candidates import merge_candidates
from embquant.steps.search_part import search_part
from support.codec_cases import PLAIN, case, unit_vectors
from support.searched import both_ways

EXACT = [name for name, entry in PLAIN.items() if index_class(entry["family"], "flat").is_exact]
SEARCHED = [*EXACT, "int8-pca"]  # of the transformed, one: what is searched knows of no transform
ALL_SCORINGS = [(name, scoring) for name in SEARCHED for scoring in case(name).scorings]


def tied_vectors():
    """600 vectors of which every one occurs again, some many times, in other parts than the first."""
    return np.concatenate([unit_vectors(300), unit_vectors(300)[::-1], np.tile(unit_vectors(1), (40, 1))])


@pytest.mark.parametrize(("name", "scoring"), ALL_SCORINGS)
def test_merged_parts_are_the_whole_to_the_byte_with_ties_across_their_borders(tmp_path, name, scoring):
    merged, whole = both_ways(tmp_path, name, scoring, 4, 25, tied_vectors())
    assert merged.read_bytes() == whole.read_bytes()
    rows, scores = Candidates(merged).read(0)
    tied = scores[:, 1:] == scores[:, :-1]
    assert tied[-3:, 0].all()  # a document that occurs in several parts comes first in each
    assert (np.diff(rows, axis=1)[tied] > 0).all()


@pytest.mark.parametrize(("name", "scoring"), ALL_SCORINGS)
def test_a_depth_beyond_a_part_or_the_corpus_and_an_empty_part_change_nothing(tmp_path, name, scoring):
    for documents, parts, depth in [(200, 3, 90), (200, 3, 500), (2, 3, 5)]:
        folder = tmp_path / f"{documents}-{depth}"
        folder.mkdir()
        merged, whole = both_ways(folder, name, scoring, parts, depth, unit_vectors(documents))
        assert merged.read_bytes() == whole.read_bytes()
        assert Candidates(merged).read(0)[0].shape[1] == min(depth, documents)


@pytest.mark.parametrize(("name", "scoring"), ALL_SCORINGS)
def test_own_documents_are_left_out_of_parts_as_of_the_whole(tmp_path, name, scoring):
    """The judge is a search of everything, less the own document."""
    vectors = tied_vectors()
    own = np.full(43, -1)
    own[[0, 7, 40, 41, 42]] = [3, 630, 0, 1, 2]
    full, _ = both_ways(tmp_path, name, scoring, 1, len(vectors), vectors)
    rows, scores = Candidates(full).read(0)
    kept = [ranked != query for ranked, query in zip(rows, own, strict=True)]
    for depth in (25, len(vectors) - 1):
        merged, whole = both_ways(tmp_path, name, scoring, 4, depth, vectors, own)
        assert merged.read_bytes() == whole.read_bytes()
        found, found_scores = Candidates(merged).read(0)
        assert found.tolist() == [one[keep][:depth].tolist() for one, keep in zip(rows, kept, strict=True)]
        assert found_scores.tolist() == [one[keep][:depth].tolist() for one, keep in zip(scores, kept, strict=True)]
    beyond, _ = Candidates(both_ways(tmp_path, name, scoring, 4, 700, vectors, own)[0]).read(0)
    assert (beyond == -1).sum(axis=1).tolist() == (own >= 0).astype(int).tolist()
    assert (beyond[own >= 0, -1] == -1).all()


def write_part(path, documents, depth=3, queries=2):
    rows = np.tile(np.arange(min(depth, documents)), (queries, 1))
    table = as_table(-rows.astype(float), rows)
    write_candidates(path, [table], {"depths": [depth], "documents": documents})
    return path


def test_what_is_no_set_of_parts_is_an_input_error(tmp_path):
    output, one = tmp_path / "merged.parquet", write_part(tmp_path / "one.parquet", 4)
    for other, message in [
        (write_part(tmp_path / "deeper.parquet", 9, depth=5), "not a part searched to depth 3"),
        (write_part(tmp_path / "queries.parquet", 9, queries=3), "holds 3 queries, expected 2"),
    ]:
        with pytest.raises(InputError, match=message):
            merge_candidates(parts=[one, other], output=output)
    merge_candidates(parts=[one, one], output=output)
    with pytest.raises(InputError, match="not a part searched to depth"):
        merge_candidates(parts=[output], output=tmp_path / "again.parquet")
    assert Candidates(output).read(0)[0].tolist() == [[0, 4, 1]] * 2  # scores 0, 0, -1: by hand


def test_a_scoring_that_codes_do_not_have_is_an_input_error(tmp_path):
    both_ways(tmp_path, "pq", "asymmetric", 1, 5, unit_vectors(20))
    asked = {"part": 0, "parts": 1, "query_vectors": tmp_path / "queries.parquet", "depth": 5}
    with pytest.raises(InputError, match="pq codes have no scoring 'symmetric'"):
        search_part(store=tmp_path / "index.faiss.json", scoring="symmetric", output=tmp_path / "found", **asked)


def test_codes_that_are_not_scanned_exactly_have_no_parts(tmp_path):
    with pytest.raises(InputError, match="rabitq codes aren't scanned exactly, so parts would find others; use"):
        both_ways(tmp_path, "rabitq-2", "asymmetric", 4, 25, unit_vectors())
