"""All models of a study side by side, recomputed from the values per query, by hand and by scipy."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy.stats import bootstrap, permutation_test

from embquant.report.reports import Reports
from embquant.report.show.models import model_words
from embquant.report.show.sections import sections
from support.made_up_study import write_study

KEYS = ["method", "rescore_store", "rescore_multiplier"]


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Two datasets and two models, the second of which is worse; 300 queries, so that no interval is widened much."""
    folder = tmp_path_factory.mktemp("study")
    methods = ["float32", "int8", "binary"]
    options = {"methods": methods, "models": ("big", "small"), "multipliers": (4,), "queries": 300}
    return Reports.read(write_study(folder, datasets=("facts", "more"), **options))


def values(reports, row, model=None, method=None):
    """The nDCG@10 per query of a row's setting, or of another model's method, as its file has them."""
    store, multiplier = ("none", 1) if method else (row["rescore_store"], row["rescore_multiplier"])
    path = reports.folder / "runs" / row["dataset"] / (model or row["model"]) / (method or row["method"])
    table = pq.read_table(path / "metrics.parquet").to_pandas()
    own = (table["rescore_store"] == store) & (table["rescore_multiplier"] == multiplier) & (table["top_k"] == 10)
    return table.loc[own, "nDCG@10"].to_numpy()


def test_quality_is_the_mean_of_the_metric_with_a_bootstrap_interval(reports):
    table = reports.table("models")
    rows = table[table["dataset"] == "facts"]
    assert len(rows) == 2 * (1 + 3 + 4), "every setting at the least top_k: float32, int8 and binary with their stores"
    for _, row in rows.iloc[::5].iterrows():
        own = values(reports, row)
        judge = bootstrap((own,), np.mean, n_resamples=4000, method="percentile", rng=1).confidence_interval
        assert row["quality"] == pytest.approx(own.mean(), abs=1e-6)
        assert [row["quality_low"], row["quality_high"]] == pytest.approx([judge.low, judge.high], abs=0.004)


def test_the_best_model_is_that_of_the_best_baseline_and_differences_to_it_are_paired(reports):
    rows = reports.table("models").query("dataset == 'more'")
    assert set(rows["best_model"]) == {"big"}
    for _, row in rows.query("model == 'small'").iterrows():
        paired = values(reports, row) - values(reports, row, "big", "float32")
        assert row["against_best"] == pytest.approx(paired.mean(), abs=1e-6)
        judge = bootstrap((paired,), np.mean, n_resamples=4000, method="percentile", rng=1).confidence_interval
        assert row["against_best_low"] <= judge.low + 0.004, "never narrower than the percentiles"
    baseline = rows.query("model == 'big' and method == 'float32'").iloc[0]
    assert tuple(baseline[["against_best", "against_best_low", "against_best_high"]]) == (0, 0, 0)


def test_one_frontier_over_all_models(reports):
    for _, rows in reports.table("models").groupby("dataset"):
        points = rows[["memory_bytes_per_vector", "quality", "pareto"]].to_numpy()
        for at, (size, quality, pareto) in enumerate(points):
            others = [other for other in np.delete(points, at, axis=0) if other[0] <= size]
            margin = 1e-6 if pareto else -1e-6  # the file has six digits
            assert pareto == (not any(other[1] >= quality + margin for other in others))


def test_figures_over_datasets_are_means_of_each(reports):
    table = reports.table("models").set_index(["model", *KEYS])
    every, first, second = (table[table["dataset"] == name] for name in ("all", "facts", "more"))
    for name in ("quality", "latency_p50_ms", "memory_bytes_per_vector"):
        both = (first[name] + second[name].reindex(first.index)) / 2
        np.testing.assert_allclose(every[name], both.reindex(every.index), rtol=1e-4)
    distance = np.hypot(*(each["against_best"] - each["against_best_low"] for each in (first, second))) / 2
    np.testing.assert_allclose(every["against_best"] - every["against_best_low"], distance, atol=2e-6)


def test_differences_between_models_are_tested_as_one_family(reports):
    table = reports.table("model_differences")
    rows = table[table["dataset"] == "facts"].reset_index(drop=True)
    assert len(rows) == 16
    assert (rows["model"] != rows["other_model"]).all()
    for _, row in rows.iloc[::3].iterrows():
        pair = values(reports, row), values(reports, row, row["other_model"], "float32")
        judge = permutation_test(
            pair, lambda one, other: np.mean(one - other), permutation_type="samples", n_resamples=3000, rng=1
        )
        assert row["difference"] == pytest.approx(judge.statistic, abs=1e-6)
        assert row["p"] == pytest.approx(judge.pvalue, abs=0.03)
    distinct = rows.drop_duplicates("difference").sort_values("p", kind="stable")  # equal ones are one test
    holm = (distinct["p"] * np.arange(len(distinct), 0, -1)).cummax().clip(upper=1)
    np.testing.assert_allclose(distinct["p_holm"], holm, rtol=1e-4)


def test_what_embedding_costs(reports):
    """160 documents a second on 2 cores of 0.0425 USD an hour: a million take 1.736 hours."""
    row = reports.table("models").iloc[0]
    assert (row["texts_per_second"], row["query_embedding_p50_ms"]) == (160, 5)
    ends = {name: row[f"{name}_high"] - row[f"{name}_low"] for name in ("texts_per_second", "query_embedding_p50_ms")}
    assert ends == pytest.approx({"texts_per_second": 0.04 * 160, "query_embedding_p50_ms": 0.04 * 5})
    assert row["usd_per_million_texts"] == pytest.approx(1e6 / 160 / 3600 * 2 * 0.0425, rel=1e-5)


def difference(size, verdict, mean, model="a", other="b"):
    """A row of model_differences.csv."""
    names = {"dataset": "facts", "metric": "nDCG@10", "model": model, "other_model": other, "other_method": "float32"}
    setting = {"method": f"m{size}", "rescore_store": "none", "rescore_multiplier": 1, "memory_bytes_per_vector": size}
    ends = {"difference": mean, "difference_low": mean - 0.01, "difference_high": mean + 0.01}
    return {**names, **setting, "other_memory_bytes_per_vector": 1536, **ends, "verdict": verdict}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            [(3072, "better", 0.05), (96, "better", 0.02), (48, "noise", 0.001)],
            "a · m96 in 96 B beats b · float32 in 1,536 B: +0.0200 [0.0100, 0.0300] nDCG@10",
        ),
        (
            [(3072, "noise", 0.005), (96, "noise", 0.002), (48, "worse", -0.1)],
            "a · m96 in 96 B isn't distinguishable from b · float32 in 1,536 B: +0.0020 [-0.0080, 0.0120] nDCG@10",
        ),
        (
            [(3072, "worse", -0.02), (96, "worse", -0.2)],
            "no setting of a does as well as b · float32 in 1,536 B; nearest is a · m3072: -0.0200 [-0.0300, -0.0100] "
            "nDCG@10",
        ),
    ],
)
def test_a_sentence_names_the_fewest_bytes_that_do_as_well(rows, words):
    assert model_words(pd.DataFrame([difference(*row) for row in rows])) == [words]


def test_the_page_has_a_section_on_all_models_only_where_there_are_several(reports, tmp_path):
    [section] = [one for one in sections(reports) if one.name == "models"]
    assert [drawing.name for drawing in section.figures] == ["models-all", "models-facts", "models-more"]
    assert [view.name for view in section.tables] == ["models", "model-differences"]
    assert len(section.points) == 4
    assert section.points[0].startswith("facts: ")
    alone = Reports.read(write_study(tmp_path, methods=["float32", "binary"], multipliers=(4,)))
    assert (alone.folder / "models.csv").read_text().count("\n") == 1, "the heading alone"
    assert "models" not in [one.name for one in sections(alone)]


def test_nothing_is_compared_where_nothing_is_judged(tmp_path):
    options = {"methods": ["float32", "binary"], "models": ("big", "small"), "judged": False, "multipliers": (4,)}
    folder = write_study(tmp_path, **options)
    assert Reports.read(folder).table("models").empty
    assert Reports.read(folder).table("model_differences").empty
