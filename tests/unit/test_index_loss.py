"""What an index loses of an exact scan of its own codes, by hand."""

from dataclasses import dataclass

import numpy as np
import pytest

from embquant.measure.quality import IndexLoss
from embquant.study.settings import Cell


@dataclass
class Found:
    """Candidates as ``search-index`` writes them, each depth a list of a query's (row, score)."""

    depths: dict[int, list[list[tuple[int, float]]]]

    def group(self, depth):
        return int(np.searchsorted(list(self.depths), depth))

    def read(self, group):
        found = np.array(list(self.depths.values())[group], dtype=float)
        return found[..., 0].astype(np.int64), found[..., 1]


EXACT = Found({4: [[(3, 0.9), (1, 0.8), (4, 0.7), (5, 0.7)]]})


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
def test_overlap_by_hand(found, share):
    loss = IndexLoss(EXACT, Found({3: [found]}))
    assert loss.overlap(Cell("none", 1, 3), 1).tolist() == pytest.approx([share])


def test_a_depth_of_its_own_is_used_and_only_its_first_top_k():
    found = Found({1: [[(7, 0.2)]], 2: [[(1, 0.8), (3, 0.9)]]})
    loss = IndexLoss(EXACT, found)
    assert loss.overlap(Cell("none", 1, 1), 1).tolist() == [0]
    assert loss.overlap(Cell("none", 1, 2), 1).tolist() == [1]


def test_more_than_the_corpus_is_counted_by_the_corpus():
    loss = IndexLoss(EXACT, Found({100: [[(3, 0.9), (1, 0.8), (4, 0.7), (-1, -np.inf)]]}))
    assert loss.overlap(Cell("none", 1, 100), 1).tolist() == [0.75]


def test_after_rescoring_or_without_an_exact_scan_it_is_unknown():
    found = Found({3: [[(3, 0.9), (1, 0.8), (4, 0.7)]] * 2})
    assert np.isnan(IndexLoss(EXACT, found).overlap(Cell("float32", 1, 3), 2)).tolist() == [True, True]
    assert np.isnan(IndexLoss(None, found).overlap(Cell("none", 1, 3), 2)).tolist() == [True, True]
