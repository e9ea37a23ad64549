"""Formats and depths that feed a reranker, each tested against float32 at the greatest depth: by hand and by scipy."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import permutation_test

from embquant.files.parquet import write_parquet
from embquant.report.numbers.stages import stage_table
from embquant.report.show.reranking import reranker_words
from embquant.study.study import Study
from support.made_up_study import configuration

QUERIES = 200
METHODS = ["float32", "int8", "binary"]
TOP_KS = (10, 50, 100)
KEYS = ["method", "top_k"]


def quality():
    """The nDCG@10 of each query by method and depth: bits need 100 documents, int8 50, and 10 aren't enough for any."""
    rng = np.random.default_rng(0)
    base = rng.beta(2, 2, QUERIES)
    noise = {key: rng.normal(0, 0.02, QUERIES) for key in [(method, top_k) for method in METHODS for top_k in TOP_KS]}
    loss = {("float32", 10): 0.05, ("int8", 10): 0.06, ("binary", 10): 0.2, ("binary", 50): 0.03}
    return {key: base - loss.get(key, 0) + each - each.mean() + 0.001 for key, each in noise.items()}


def table_of(folder, values, metric="nDCG@10", deep=None):
    """The rows of reranking.csv; ``deep`` is a metric that stands first, and has values at the greatest depth alone."""
    runs = [folder / "facts" / "minilm" / method for method in METHODS]
    for run in runs:
        tables = []
        for top_k in TOP_KS:
            keys = {"rescore_store": "none", "rescore_multiplier": 1, "top_k": top_k}
            columns = {name: [value] * QUERIES for name, value in keys.items()}
            columns["query_id"] = [f"q{row}" for row in range(QUERIES)]
            if deep:
                columns[deep] = values[run.name, top_k] / (2 if top_k == max(TOP_KS) else np.nan)
            tables.append(pa.table(columns | {metric: values[run.name, top_k]}))
        for name in ("metrics.parquet", "reranked.parquet"):
            write_parquet(run / name, tables[0].schema, tables)
    study = Study.read({**configuration(["facts"], METHODS, [1]), "top_k": list(TOP_KS), "metrics": [metric]})
    before = pd.DataFrame(columns=["dataset", "model", "method", "rescore_store", "rescore_multiplier", "top_k"])
    before = before.assign(**{f"retention_nDCG@10{end}": [] for end in ("", "_low", "_high")}, verdict=[])
    return stage_table(runs, "reranked.parquet", before, study)


def test_every_format_and_depth_is_tested_against_float32_at_the_greatest_as_one_family(tmp_path):
    values = quality()
    table = table_of(tmp_path, values).set_index(KEYS)
    reference = values["float32", 100]
    others = table.drop(("float32", 100))
    assert others["deepest_metric"].eq("nDCG@10").all()
    for key, row in others.iterrows():
        differences = values[key] - reference
        assert row["deepest_difference"] == pytest.approx(differences.mean(), abs=1e-9)
        assert row["deepest_differing"] == QUERIES
        judge = permutation_test(
            (values[key], reference), lambda one, other: np.mean(one - other), permutation_type="samples", rng=1
        )
        assert row["deepest_p"] == pytest.approx(judge.pvalue, abs=0.03)
    ordered = others["deepest_p"].sort_values(kind="stable")
    holm = (ordered * np.arange(len(ordered), 0, -1)).cummax().clip(upper=1)
    assert others["deepest_p_holm"].to_dict() == pytest.approx(holm.to_dict())
    worse = others.index[others["deepest_verdict"] == "worse"].tolist()
    assert worse == [("float32", 10), ("int8", 10), ("binary", 10), ("binary", 50)]
    assert (others["deepest_difference_low"] < others["deepest_difference"]).all()
    assert others["deepest_least_detectable"].between(0, 0.05, inclusive="neither").all()
    assert pd.isna(table.loc[("float32", 100), "deepest_verdict"])
    assert pd.isna(table.loc[("float32", 10), "verdict"]), "at its own depth it is what others are compared with"


def test_the_sentence_has_the_least_depth_of_each_format(tmp_path):
    values = quality()
    said = (
        "facts · minilm: the least top_k at which nDCG@10 after the reranker isn't distinguishable from that of "
        "float32 at top_k 100 (200 queries), or better: "
    )
    assert reranker_words(table_of(tmp_path / "a", values)) == [f"{said}float32 50, int8 50, binary 100"]
    values["binary", 100] -= 0.1
    assert reranker_words(table_of(tmp_path / "b", values)) == [f"{said}float32 50, int8 50, binary at none"]


def test_depths_are_compared_in_a_metric_that_all_have(tmp_path):
    values = quality()
    table = table_of(tmp_path, values, deep="nDCG@100").set_index(KEYS)
    assert table.loc["int8", "metric"].to_dict() == {10: "nDCG@10", 50: "nDCG@10", 100: "nDCG@100"}
    assert table.loc[("int8", 100), "deepest_difference"] == pytest.approx(
        (values["int8", 100] - values["float32", 100]).mean(), abs=1e-9
    )


def test_agreement_at_one_depth_says_nothing_of_another(tmp_path):
    table = table_of(tmp_path, quality(), metric="overlap@10")
    assert table["kind"].eq("agreement").all()
    assert table["deepest_verdict"].isna().all()
    assert reranker_words(table) == []
