"""A baseline that finds no more than chance: by hand, by SciPy, and what the reports say of it."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import permutation_test

from embquant.measure.chance import LEAST_LIKELY, baseline_p, permutation_p
from embquant.measure.judgements import Judgements
from embquant.measure.metrics import Ranking, parse_metric
from embquant.report.numbers.intervals import Chance
from embquant.report.numbers.measured import Measured
from embquant.report.numbers.recommendation import recommendations
from embquant.report.numbers.significance import Analysis
from embquant.report.show.summary import summary_text
from embquant.report.show.verdict import verdict_lines
from support.report_tables import setting, study, summary

NDCG = parse_metric("nDCG@2")


def ranking(rows):
    rows = np.asarray(rows)
    return Ranking(rows, rows * 0.0)


def one_each(queries, documents=100):
    """Query i has the relevant document i."""
    rows = np.arange(queries)
    return Judgements.from_rows(rows, rows, np.ones(queries), queries, documents)


def test_every_query_that_finds_its_document_is_no_chance():
    found = ranking([[query, 99] for query in range(5)])
    assert permutation_p(NDCG, found, one_each(5)) == 1 / 120  # only one way to deal them out is as good


def test_rankings_that_belong_to_other_queries_are_chance():
    shifted = ranking([[(query + 1) % 5, 99] for query in range(5)])
    assert permutation_p(NDCG, shifted, one_each(5)) == 1
    many = ranking([[(query + 1) % 90, 99] for query in range(90)])
    assert permutation_p(NDCG, many, one_each(90)) == 1


def test_four_queries_are_too_few_to_tell():
    assert permutation_p(NDCG, ranking([[query, 99] for query in range(4)]), one_each(4)) == 1 / 24 > LEAST_LIKELY


@pytest.mark.parametrize(("queries", "wrong"), [(5, 1), (5, 3), (30, 28)])
def test_scipy_finds_the_same_p(queries, wrong):
    rng = np.random.default_rng(queries)
    rows = np.stack([rng.permutation(queries)[:2] for _ in range(queries)])
    rows[wrong:, 0] = np.arange(wrong, queries)
    judgements = one_each(queries)

    def mean(order):
        return NDCG.compute(ranking(rows[order]), judgements, ranking(rows)).mean()

    judge = permutation_test(
        (np.arange(queries),), mean, permutation_type="pairings", alternative="greater", n_resamples=5000, rng=1
    ).pvalue
    assert permutation_p(NDCG, ranking(rows), judgements) == pytest.approx(judge, abs=1e-12 if queries == 5 else 0.1)


def test_p_is_no_smaller_than_it_says_where_there_is_nothing_to_find():
    rng = np.random.default_rng(2)
    p = [permutation_p(NDCG, ranking(rng.integers(40, size=(40, 2))), one_each(40, documents=40)) for _ in range(200)]
    for level in (0.05, 0.2, 0.5):
        assert np.mean(np.array(p) <= level) <= level + 2.6 * np.sqrt(level * (1 - level) / len(p))


def test_the_first_judged_metric_that_has_a_value_is_tested():
    rows = [[query, 99] for query in range(5)]
    metrics = [parse_metric(name) for name in ("overlap@2", "nDCG@9", "RR@2", "R@1")]
    assert baseline_p(metrics, [ranking(rows)], one_each(5)) == 1 / 120
    assert baseline_p(metrics, [ranking(rows)], None) is None
    assert baseline_p(metrics[:2], [ranking(rows)], one_each(5)) is None


def analysed(p):
    settings = summary(*({"dataset": "a", "model": "m", "method": name} for name in ("float32", "int8")))
    settings = settings.assign(rescore_store="none", rescore_multiplier=1, top_k=10, queries=20)
    values = np.random.default_rng(0).random((2, 20))
    analysis = Analysis("float32", Chance(0, 200, 0.95))
    analysis.add(Measured(settings, {"nDCG@10": values, "overlap@10": values}, p))
    return analysis


def test_nothing_is_left_of_a_quality_that_is_chance():
    found, told = analysed(0.4), analysed(0.005)
    assert found.retrieval()["baseline_p"].tolist() == [0.4, 0.4]
    for name in ("retention_nDCG@10", "retention_nDCG@10_low", "retention_nDCG@10_high"):
        assert found.retrieval()[name].isna().all()
        assert told.retrieval()[name].notna().all()
    assert found.retrieval()["nDCG@10"].equals(told.retrieval()["nDCG@10"])
    assert found.macro().empty
    assert len(told.macro()) == 2


CHANCE = {"baseline_p": 0.43, "retention_nDCG@10": None, "retention_nDCG@10_low": None}
FIRST = "float32 itself isn't distinguishable from chance on a · m: nDCG@10 0.5000, p = 0.43"


def test_a_baseline_at_chance_is_the_first_line_and_nothing_is_recommended(tmp_path):
    rows = [setting(name, **CHANCE) for name in ("float32", "int8")]
    [found] = recommendations(summary(*rows), study(min_retention=0), "results")
    assert found.best is None
    lines = verdict_lines(found, tmp_path / "summary.txt")
    assert lines[0].startswith(FIRST)
    assert lines[1] == "Verdict for a · m: nothing is recommended"
    assert "keeps" not in " ".join(lines)


def test_other_datasets_are_judged_and_the_one_at_chance_is_named_first(tmp_path):
    rows = [setting(name, **CHANCE) for name in ("float32", "int8")]
    rows += [setting(name, dataset="b") for name in ("float32", "int8")]
    every, first, second = recommendations(summary(*rows), study(), "results")
    assert [every.best["method"], first.best, second.best["method"]] == ["int8", None, "int8"]
    assert every.where == "the 1 of 2 datasets that are judged alike, by the worst of each figure"
    assert verdict_lines(every, tmp_path / "summary.txt")[0].startswith(FIRST)
    assert second.chance == []


def test_the_metric_that_is_said_is_a_judged_one(tmp_path):
    """Of three documents only agreement is known, of ten nDCG@10 is."""
    shallow = {**setting("float32", **CHANCE), "top_k": 3, "compared_in": "rbo", "rbo": 1.0, "nDCG@10": None}
    both = recommendations(summary(shallow, setting("float32", **CHANCE)), study(), "results")[0]
    assert both.chance[0].startswith(FIRST)
    alone = recommendations(summary(shallow), study(), "results")[0]
    assert "on a · m: p = 0.43" in alone.chance[0]


def test_the_summary_says_it_above_the_table():
    shown = {"compression_vs_float32": 1.0, "speedup_p50_vs_float32": 1.0, "latency_p50_ms": 1.0, "verdict": None}
    rows = [setting(name, **CHANCE, **shown) for name in ("float32", "int8")]
    nothing = pd.DataFrame(columns=["dataset", "model", "method", "rescore_store", "reason"])
    text = summary_text(summary(*rows), study(), [{"name": "a", "left_out": {}, "kept": {}}], nothing)
    assert text.startswith(FIRST)
    assert "of float32" not in text.split("±")[0]
