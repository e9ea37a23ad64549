"""The tables of a study from values of each query that are written here: intervals, tests, averages over datasets."""

import numpy as np
import pyarrow as pa
import pytest

from embquant.files.parquet import write_parquet
from embquant.measure.statistics import holm, least_detectable_difference
from embquant.report.numbers.intervals import Chance
from embquant.report.numbers.significance import Analysis

CHANCE = Chance(seed=0, resamples=2000, confidence=0.95)
QUERIES = 40


def write_runs(folder, methods, dataset="facts"):
    """Write {method: {(store, multiplier, top_k): {metric: values}}} as evaluate-run does; return the folders."""
    for method, settings in methods.items():
        tables = []
        for (store, multiplier, top_k), metrics in settings.items():
            keys = {"rescore_store": store, "rescore_multiplier": multiplier, "top_k": top_k}
            columns = {"query_id": [f"q{row}" for row in range(QUERIES)]}
            columns |= {name: [value] * QUERIES for name, value in keys.items()}
            tables.append(pa.table({**columns, **metrics, "index_overlap": np.full(QUERIES, np.nan)}))
        path = folder / dataset / "minilm" / method / "metrics.parquet"
        write_parquet(path, tables[0].schema, tables)
    return [folder / dataset / "minilm" / method for method in methods]


def judged(ndcg):
    return {"nDCG@10": ndcg, "overlap@10": np.where(np.isnan(ndcg), np.nan, 1)}


def plain(metrics):
    return {("none", 1, 10): metrics}


@pytest.fixture
def values():
    """Baseline, one that loses in ten queries, one that differs in two, and one that wins in ten."""
    reference = np.tile([1, 0.5, 0, 0.63], QUERIES // 4)
    worse, same, better = reference.copy(), reference.copy(), reference.copy()
    worse[reference == 1] = 0.5
    same[:2] = 0.5, 0.9
    better[reference == 0] = 0.5
    return {"float32": reference, "worse": worse, "same": same, "better": better}


def analyse(folder, values, **datasets):
    datasets = datasets or {"facts": values}
    runs = [
        run
        for dataset, own in datasets.items()
        for run in write_runs(folder, {name: plain(judged(value)) for name, value in own.items()}, dataset)
    ]
    return Analysis.of(runs, "float32", CHANCE)


def test_a_setting_that_a_dataset_lacks_is_averaged_over_the_others(tmp_path, values):
    fewer = {name: value for name, value in values.items() if name != "worse"}
    for first, second in (("a", "b"), ("b", "a")):
        analysis = analyse(tmp_path, values, **{first: values, second: fewer})
        table = analysis.macro().query("metric == 'nDCG@10'").set_index("method")
        assert table["datasets"].to_dict() == {"float32": 2, "worse": 1, "same": 2, "better": 2}
        assert table.loc["worse", "mean"] == pytest.approx(values["worse"].mean(), abs=1e-8)
        assert table.loc["same", "mean"] == pytest.approx(values["same"].mean(), abs=1e-8)
        assert table.loc["worse", ["wins", "ties", "losses"]].sum() == 1


def test_means_and_retentions_stand_between_their_ends(tmp_path, values):
    table = analyse(tmp_path, values).retrieval().set_index("method")
    assert table["queries"].eq(QUERIES).all()
    for name, value in values.items():
        assert table.loc[name, "nDCG@10"] == pytest.approx(value.mean(), abs=1e-8)
        retention = value.mean() / values["float32"].mean()
        assert table.loc[name, "retention_nDCG@10"] == pytest.approx(retention, abs=1e-8)
    assert (table["nDCG@10_low"] < table["nDCG@10"]).all()
    assert (table["nDCG@10"] < table["nDCG@10_high"]).all()
    for name in ("worse", "same", "better"):
        low, value, high = table.loc[name, [f"retention_nDCG@10{end}" for end in ("_low", "", "_high")]]
        assert low < value < high
    assert table.loc["float32", ["retention_nDCG@10_low", "retention_nDCG@10_high"]].tolist() == [1, 1]
    assert table["index_overlap_low"].isna().all()


def test_verdicts_are_those_of_the_adjusted_test(tmp_path, values):
    slight = values["float32"].copy()
    slight[:24:4] = 0.5  # six losses: p is 2 / 2⁶, less than 0.05 before the correction
    analysis = analyse(tmp_path, {**values, "slight": slight})
    against = analysis.comparisons().query("comparison == 'baseline'").set_index("method")
    assert against["verdict"].to_dict() == {"worse": "worse", "same": "noise", "better": "better", "slight": "noise"}
    assert against["differing"].to_dict() == {"worse": 10, "same": 2, "better": 10, "slight": 6}
    assert against["p"].to_dict() == {"worse": 2 / 2**10, "same": 1, "better": 2 / 2**10, "slight": 2 / 2**6}
    assert against["p_holm"].tolist() == holm(against["p"].to_numpy()).tolist()
    assert against["kind"].eq("quality").all()
    assert against.loc["worse", "difference"] == pytest.approx(-10 * 0.5 / QUERIES)
    assert against.loc["worse", "difference_high"] < 0
    least = least_detectable_difference((values["worse"] - values["float32"])[None], 0.05 / 4)[0]
    assert against.loc["worse", "least_detectable"] == pytest.approx(least)
    assert analysis.retrieval().set_index("method")["verdict"].drop("float32").to_dict() == against["verdict"].to_dict()


def test_neighbours_are_next_to_each_other_in_the_order_of_means(tmp_path, values):
    neighbours = analyse(tmp_path, values).comparisons().query("comparison == 'neighbour'")
    pairs = list(zip(neighbours["method"], neighbours["other_method"], strict=True))
    assert pairs == [("better", "float32"), ("float32", "same"), ("same", "worse")]
    assert neighbours["verdict"].tolist() == ["better", "noise", "better"]


def test_settings_that_are_the_same_for_every_query_are_one_test_and_no_neighbours(tmp_path, values):
    once = {**values, "float16": values["float32"]}
    one, two = (
        analyse(tmp_path / name, own).comparisons()
        for name, own in (("one", once), ("two", once | {"again": once["worse"]}))
    )
    for comparison in ("baseline", "neighbour"):
        few, many = (table[table["comparison"] == comparison].set_index("method")["p_holm"] for table in (one, two))
        assert many.drop("again", errors="ignore").to_dict() == few.to_dict()
    pairs = two[two["comparison"] == "neighbour"]
    assert dict(zip(pairs["method"], pairs["other_method"], strict=True)) == {
        "better": "float32", "float32": "same", "float16": "same", "same": "worse",
    }  # fmt: skip


def test_without_judgements_agreement_is_compared(tmp_path):
    ones, nothing = np.ones(QUERIES), np.full(QUERIES, np.nan)
    metrics = {"float32": ones, "binary": np.where(np.arange(QUERIES) < 12, 0.5, 1)}
    runs = write_runs(
        tmp_path,
        {
            name: plain({"nDCG@10": nothing, "rbo": ones, "overlap@5": value, "overlap@10": ones})
            for name, value in metrics.items()
        },
    )
    analysis = Analysis.of(runs, "float32", CHANCE)
    against = analysis.comparisons().query("comparison == 'baseline'")
    assert against["kind"].eq("agreement").all()
    assert dict(zip(against["metric"], against["verdict"], strict=True)) == {"overlap@5": "worse", "rbo": "noise"}
    assert analysis.retrieval().loc[1, ["compared_in", "verdict"]].tolist() == ["overlap@5", "worse"]
    assert analysis.macro()["retention"].isna().all()


def test_only_settings_that_return_equally_many_documents_are_compared(tmp_path, values):
    shallow = judged(np.full(QUERIES, np.nan))
    runs = write_runs(
        tmp_path,
        {
            name: {("none", 1, 3): shallow, ("none", 1, 10): judged(value), ("none", 1, 20): judged(value)}
            for name, value in values.items()
        },
    )
    analysis = Analysis.of(runs, "float32", CHANCE)
    assert analysis.comparisons().groupby("top_k").size().to_dict() == {10: 6, 20: 6}
    retrieval = analysis.retrieval()
    assert retrieval["top_k"].tolist() == [3, 10, 20] * 4  # in the order of the runs
    assert retrieval.loc[retrieval["top_k"] == 3, ["nDCG@10", "nDCG@10_low", "retention_nDCG@10"]].isna().all(axis=None)


def test_a_study_in_which_nothing_can_be_told_has_empty_tables(tmp_path):
    runs = write_runs(tmp_path, {"float32": {("none", 1, 3): judged(np.full(QUERIES, np.nan))}})
    analysis = Analysis.of(runs, "float32", CHANCE)
    assert len(analysis.retrieval()) == 1
    assert len(analysis.comparisons()) == len(analysis.macro()) == 0


def test_across_datasets_averages_and_counts(tmp_path, values):
    turned = {**values, "same": values["better"]}
    one, two = (analyse(tmp_path / name, values, **{name: own}) for name, own in (("a", values), ("b", turned)))
    both = analyse(tmp_path / "both", values, a=values, b=turned)
    macro, single = both.macro().set_index("method"), both.retrieval().groupby("method")
    assert macro["datasets"].eq(2).all()
    assert macro["mean"].to_dict() == pytest.approx(single["nDCG@10"].mean().to_dict())
    assert macro["retention"].to_dict() == pytest.approx(single["retention_nDCG@10"].mean().to_dict())
    counts = {"float32": [0, 0, 0], "worse": [0, 0, 2], "same": [1, 1, 0], "better": [2, 0, 0]}
    assert {name: list(row) for name, *row in macro[["wins", "ties", "losses"]].itertuples()} == counts
    width = (macro["mean_high"] - macro["mean_low"])["worse"]
    alone = [(own.macro()["mean_high"] - own.macro()["mean_low"])[1] for own in (one, two)]
    assert width == pytest.approx(np.hypot(*alone) / 2, rel=0.05)  # of independent resamples


def test_a_dataset_s_rows_do_not_depend_on_the_others(tmp_path, values):
    alone = analyse(tmp_path / "alone", values, b=values).retrieval()
    both = analyse(tmp_path / "both", values, a=values, b=values).retrieval().query("dataset == 'b'")
    assert alone.equals(both.reset_index(drop=True))
