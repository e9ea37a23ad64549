"""Which document a query lost, and why, by hand."""

import numpy as np
import pytest

from embquant.measure.judgements import Judgements
from embquant.measure.metrics import METRICS, Ranking, Reference, parse_metric
from embquant.report.numbers.lost import Ranked, lost_document

GAINS = {7: 1.0, 8: 2.0, 9: 1.0}


def ranked(*rows):
    return Ranked(np.array(rows), np.array([GAINS.get(row, 0.0) for row in rows]))


def lost(metric, before, after, candidates=()):
    own = lost_document(parse_metric(metric), ranked(*before), ranked(*after), np.array(candidates, dtype=np.int64))
    return own.row, own.baseline_rank, own.rank, own.reason


def test_a_document_that_was_not_among_the_candidates():
    assert lost("nDCG@3", [7, 1, 2], [1, 2, 3], [1, 2, 3, 4]) == (7, 1, None, "not a candidate")


def test_a_candidate_that_rescoring_put_too_low():
    assert lost("nDCG@3", [7, 1, 2], [1, 2, 3], [1, 2, 3, 7]) == (7, 1, None, "lost in rescoring")


def test_a_document_that_is_returned_further_down():
    assert lost("nDCG@3", [7, 1, 2], [1, 2, 7], [1, 2, 7]) == (7, 1, 3, "ranked lower")


def test_beyond_the_metric_s_cut_off_it_is_still_ranked():
    assert lost("R@2", [7, 1, 2, 3], [1, 2, 3, 7], [1, 2, 3, 7]) == (7, 1, 4, "ranked lower")


def test_the_one_that_the_metric_loses_most_by_is_named():
    """7 falls from 1 to 2, and 8, twice as relevant, from 3 to nowhere: nDCG loses 1 − 0.63 and 2 · 0.5.

    For recall, 7 has lost nothing; for the reciprocal rank, only it has.
    """
    assert lost("nDCG@3", [7, 1, 8], [1, 7, 2], []) == (8, 3, None, "not a candidate")
    assert lost("R@3", [7, 1, 9], [1, 7, 2], []) == (9, 3, None, "not a candidate")
    assert lost("RR@3", [7, 1, 9], [1, 7, 2], []) == (7, 1, 2, "ranked lower")


def test_one_that_suffers_from_another_s_fall_is_not_blamed():
    """7 falls from 1 to 3, which takes half of 9's precision too, though it stays second."""
    assert lost("AP@3", [7, 9, 1], [1, 9, 7], []) == (7, 1, 3, "ranked lower")


def test_of_equal_losses_the_better_ranked_is_named():
    assert lost("P@2", [7, 9], [1, 2], []) == (7, 1, None, "not a candidate")


def test_missing_documents_are_no_documents():
    assert lost("nDCG@2", [7, -1], [-1, -1], [-1]) == (7, 1, None, "not a candidate")


@pytest.mark.parametrize("metric", [f"{name}@4" for name in METRICS.names() if METRICS[name].has_cutoff])
def test_contributions_add_up_to_the_metric(metric):
    """But for a factor that all rankings of a query share: of two rankings, they are in the same ratio."""
    rng = np.random.default_rng(1)
    rows = np.stack([rng.permutation(6) for _ in range(2)])
    judgements = Judgements.from_rows(np.repeat([0, 1], 3), np.tile([0, 2, 5], 2), np.tile([1, 3, 2], 2), 2, 6)
    gains = judgements.gains(rows)
    exact = Reference(np.array([[0, 2, 5, 1]] * 2), np.array([[0.9, 0.8, 0.7, 0.2]] * 2))
    scores = np.where(gains > 0, 0.8, 0.1)  # as many reach the fourth as are relevant
    one, other = parse_metric(metric).compute(Ranking(rows, scores), judgements, exact)
    mine = [parse_metric(metric).contributions(of_query).sum() for of_query in gains]
    assert mine[0] * other == pytest.approx(mine[1] * one)
    assert one != other or metric in {"R@4", "P@4", "overlap@4"}
