"""Metrics: hand-computed values, and ir-measures as the judge of all judged ones."""

import math

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embquant.errors import InputError
from embquant.measure.judgements import Judgements
from embquant.measure.metrics import Ranking, Reference, parse_metric

JUDGED = ["nDCG@10", "nDCG@3", "RR@10", "AP@100", "AP@5", "R@10", "R@100", "P@5"]


def judgements_of(table, queries, documents):
    rows = np.array(table, dtype=np.int64).reshape(-1, 3)
    return Judgements.from_rows(rows[:, 0], rows[:, 1], rows[:, 2], queries, documents)


def compute(name, rows, judgements=None, exact_scores=None, exact=None):
    rows = np.array(rows)
    return parse_metric(name).compute(Ranking(rows, exact_scores), judgements, exact)


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=60)
def test_judged_metrics_are_those_of_ir_measures(seed):
    rng = np.random.default_rng(seed)
    queries, documents, depth = 6, int(rng.integers(100, 160)), 100
    rows = np.stack([rng.permutation(documents)[:depth] for _ in range(queries)])
    table = [
        (query, doc, rng.integers(-1, 4))
        for query in range(queries)
        for doc in rng.permutation(documents)[: rng.integers(1, 30)]
    ]
    table += [(query, int(rng.integers(90, 100)), 1) for query in range(queries)]  # at least one relevant each
    table = list({(query, doc): (query, int(doc), int(relevance)) for query, doc, relevance in table}.values())
    judgements = judgements_of(table, queries, documents)
    qrels = [ir_measures.Qrel(str(query), str(doc), relevance) for query, doc, relevance in table]
    run = [
        ir_measures.ScoredDoc(str(query), str(doc), -rank)
        for query, ranked in enumerate(rows)
        for rank, doc in enumerate(ranked)
    ]
    for name in JUDGED:
        judge = {
            int(result.query_id): result.value
            for result in ir_measures.iter_calc([ir_measures.parse_measure(name)], qrels, run)
        }
        mine = compute(name, rows, judgements)
        np.testing.assert_allclose(mine, [judge[query] for query in range(queries)], atol=1e-12, err_msg=name)


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=30)
def test_documents_that_the_corpus_lacks_stay_relevant_as_ir_measures_has_it(seed):
    rng = np.random.default_rng(seed)
    queries, documents, depth = 4, 120, 100
    rows = np.stack([rng.permutation(documents)[:depth] for _ in range(queries)])
    known = [(query, doc) for query in range(queries) for doc in rng.permutation(documents)[: rng.integers(0, 9)]]
    lacking = [(query, -1) for query in range(queries) for _ in range(rng.integers(1, 4))]
    table = [(query, int(doc), int(rng.integers(1, 4))) for query, doc in known + lacking]
    qrels = [
        ir_measures.Qrel(str(query), str(doc) if doc >= 0 else f"gone-{number}", relevance)
        for number, (query, doc, relevance) in enumerate(table)
    ]
    run = [
        ir_measures.ScoredDoc(str(query), str(doc), -rank)
        for query, ranked in enumerate(rows)
        for rank, doc in enumerate(ranked)
    ]
    for name in JUDGED:
        judge = {
            one.query_id: one.value for one in ir_measures.iter_calc([ir_measures.parse_measure(name)], qrels, run)
        }
        mine = compute(name, rows, judgements_of(table, queries, documents))
        np.testing.assert_allclose(mine, [judge[str(query)] for query in range(queries)], atol=1e-12, err_msg=name)


def test_places_without_a_document_count_neither_for_nor_against_a_ranking():
    """Of three documents, one is the query's own: two are left, and the third place is empty."""
    exact = Reference(np.array([[0, 1, -1], [2, 0, 1]]), np.array([[0.9, 0.5, -np.inf], [0.9, 0.8, 0.1]]))
    assert compute("rbo", [[0, 1, -1], [2, 0, 1]], None, None, exact).tolist() == pytest.approx([1, 1])
    scores = np.array([[0.9, -np.inf, -np.inf], [0.9, 0.8, 0.1]])
    assert compute("overlap@3", [[0, -1, -1], [2, 0, 1]], None, scores, exact).tolist() == [0.5, 1]


def test_by_hand():
    judgements = judgements_of([(0, 4, 2), (0, 7, 1), (0, 9, 1)], 1, 10)
    ranked = [[7, 1, 4, 2, 3]]
    ideal = 2 + 1 / math.log2(3) + 1 / 2
    assert compute("nDCG@5", ranked, judgements)[0] == pytest.approx((1 + 2 / 2) / ideal)
    assert compute("RR@5", ranked, judgements)[0] == 1
    assert compute("RR@5", [[1, 4, 7, 2, 3]], judgements)[0] == 1 / 2
    assert compute("AP@5", ranked, judgements)[0] == pytest.approx((1 + 2 / 3) / 3)
    assert compute("R@5", ranked, judgements)[0] == pytest.approx(2 / 3)
    assert compute("P@5", ranked, judgements)[0] == pytest.approx(2 / 5)


def test_nothing_relevant_found_is_zero_and_missing_documents_are_not_relevant():
    judgements = judgements_of([(0, 0, 1), (1, 9, 1)], 2, 10)
    for name in ("nDCG@3", "RR@3", "AP@3", "R@3"):
        assert compute(name, [[1, -1, -1], [3, 2, -1]], judgements).tolist() == [0, 0]


def test_cutoff_beyond_the_ranking_is_empty():
    judgements = judgements_of([(0, 0, 1)], 1, 10)
    assert np.isnan(compute("R@100", [[0, 1, 2]], judgements)).all()
    assert np.isnan(compute("overlap@10", [[0, 1, 2]], judgements)).all()


def test_judged_metric_without_judgements_is_empty():
    assert np.isnan(compute("nDCG@2", [[0, 1]])).all()


def test_overlap_counts_ties_with_the_last_exact_document():
    exact = Reference(np.array([[5, 6, 7]]), np.array([[0.9, 0.8, 0.7]]))
    scores = np.array([[0.9, 0.7 - 5e-7, 0.69]])  # the second is as good as the third exact one
    assert compute("overlap@3", [[5, 1, 2]], None, scores, exact)[0] == pytest.approx(2 / 3)


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1, 1e3])
def test_overlap_is_that_of_brute_force_however_long_the_vectors_are(scale):
    rng = np.random.default_rng(0)
    queries, vectors = scale * rng.standard_normal((12, 64)), scale * rng.standard_normal((60, 64))
    vectors[50:] = vectors[:10]  # copies, which are as good as what they repeat
    exact = queries @ vectors.T
    signs = np.where(queries > 0, 1, -1) @ np.where(vectors > 0, 1, -1).T
    found = np.argsort(-signs, axis=1, kind="stable")[:, :10]
    best = np.argsort(-exact, axis=1, kind="stable")[:, :10]
    least = np.sort(exact, axis=1)[:, -10]
    close = np.isclose(np.take_along_axis(exact, found, axis=1), least[:, None], rtol=1e-6, atol=0)
    expected = ((np.take_along_axis(exact, found, axis=1) > least[:, None]) | close).mean(axis=1)
    scores = np.take_along_axis(exact, found, axis=1)
    reference = Reference(best, np.take_along_axis(exact, best, axis=1))
    assert 0.3 < expected.mean() < 0.9
    np.testing.assert_allclose(compute("overlap@10", found, None, scores, reference), expected)


def test_overlap_in_a_corpus_smaller_than_the_cutoff():
    exact = Reference(np.array([[1, 0]]), np.array([[0.9, 0.8]]))
    scores = np.array([[0.9, 0.8, -np.inf]])
    assert compute("overlap@3", [[1, 0, -1]], None, scores, exact)[0] == 1


def rbo_by_definition(mine, theirs, p=0.9):
    """Webber et al. 2010, equation 32, term by term."""
    k = len(theirs)
    shared = [len(set(mine[:d]) & set(theirs[:d])) for d in range(1, k + 1)]
    return shared[-1] / k * p**k + (1 - p) / p * sum(shared[d - 1] / d * p**d for d in range(1, k + 1))


@given(st.integers(0, 10_000), st.integers(1, 40))
@settings(deadline=None, max_examples=60)
def test_rbo_is_its_definition(seed, k):
    rng = np.random.default_rng(seed)
    mine, theirs = (np.stack([rng.permutation(60)[:k] for _ in range(4)]) for _ in range(2))
    found = compute("rbo", mine, None, None, Reference(theirs, None))
    np.testing.assert_allclose(found, [rbo_by_definition(a, b) for a, b in zip(mine, theirs, strict=True)])


def test_rbo_of_the_same_ranking_is_one_and_of_disjoint_ones_zero():
    exact = Reference(np.array([[3, 1, 2]]), None)
    assert compute("rbo", [[3, 1, 2]], None, None, exact)[0] == pytest.approx(1)
    assert compute("rbo", [[4, 5, -1]], None, None, exact)[0] == 0


@pytest.mark.parametrize("name", ["nDCG", "ndcg@10", "R@0", "R@-1", "MAP@10", "rbo@10", ""])
def test_unknown_metric_is_an_input_error(name):
    with pytest.raises(InputError, match="is not known"):
        parse_metric(name)
