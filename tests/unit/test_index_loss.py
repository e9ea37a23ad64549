"""What an index loses of an exact scan of its own codes, by hand."""

import numpy as np
import pytest

from embquant.measure.metrics import Reference
from embquant.measure.quality import Sweep, index_overlap
from embquant.retrieve.candidates import Candidates, as_table, write_candidates
from embquant.study import NO_STORE, Setting

TWIN = Reference(np.array([[3, 1, 4, 5]]), np.array([[0.9, 0.8, 0.7, 0.7]]))


def overlaps(path, searches, *top_ks, twin=TWIN):
    """Write what was found at each depth, lists of (row, score), to a file; return the overlap at each top_k."""
    found = [np.array([pairs], dtype=float) for pairs in searches.values()]
    tables = [as_table(search[..., 1], search[..., 0].astype(np.int64)) for search in found]
    write_candidates(path, tables, {"depths": list(searches)})
    sweep = Sweep(Candidates(path), np.zeros((1, 8), np.float32), {})
    best = dict(sweep.rankings([Setting(NO_STORE, 1, top_k) for top_k in top_ks]))
    return [index_overlap(best[Setting(NO_STORE, 1, top_k)], twin).tolist() for top_k in top_ks]


@pytest.mark.parametrize(
    ("found", "share"),
    [
        ([(3, 0.9), (1, 0.8), (4, 0.7)], 1),
        ([(3, 0.9), (1, 0.8), (2, 0.1)], 2 / 3),
        ([(3, 0.9), (4, 0.7), (5, 0.7)], 1),  # 5 is tied with the last that was wanted
        ([(3, 0.9), (4, 0.7), (5, 0.69)], 2 / 3),
        ([(8, 0.7 + 5e-7), (9, 0.5), (6, 0.4)], 1 / 3),  # tied up to rounding
        ([(3, 0.9), (-1, -np.inf), (-1, -np.inf)], 1 / 3),
        ([(-1, -np.inf)] * 3, 0),
    ],
)
def test_overlap_by_hand(tmp_path, found, share):
    assert overlaps(tmp_path / "found.parquet", {3: found}, 3) == [pytest.approx([share])]


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1, 1e3])
def test_vectors_of_any_length_are_measured_alike(tmp_path, scale):
    twin = Reference(TWIN.rows, scale * TWIN.scores)
    found = [(3, scale * 0.9), (8, scale * (0.7 + 5e-7)), (9, scale * 0.699)]
    assert overlaps(tmp_path / "found.parquet", {3: found}, 3, twin=twin) == [pytest.approx([2 / 3])]


def test_a_depth_of_its_own_is_used_and_only_its_first_top_k(tmp_path):
    searches = {1: [(7, 0.2)], 2: [(1, 0.8), (3, 0.9)]}
    assert overlaps(tmp_path / "found.parquet", searches, 1, 2) == [[0], [1]]


def test_more_than_the_corpus_is_counted_by_the_corpus(tmp_path):
    searches = {100: [(3, 0.9), (1, 0.8), (4, 0.7), (-1, -np.inf)]}
    assert overlaps(tmp_path / "found.parquet", searches, 100) == [[0.75]]
