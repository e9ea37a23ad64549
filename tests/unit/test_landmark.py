"""BM25 beside vector searches: which settings it beats, and what a report says of that."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from embquant.files.inapplicable import mark_inapplicable
from embquant.report.numbers.intervals import Chance
from embquant.report.numbers.landmark import bm25_words, landmark_table
from embquant.report.numbers.significance import Analysis
from embquant.report.show.summary import summary_text
from embquant.study.study import Study
from support.made_up_study import configuration
from support.metric_files import QUERIES, write


@pytest.fixture
def values():
    rng = np.random.default_rng(0)
    words = rng.beta(2, 2, QUERIES).round(3)
    noise = rng.normal(0, 0.1, (2, QUERIES))
    noise -= noise.mean(axis=1, keepdims=True)
    return {"bm25": words, "float32": words + noise[0] + 0.001, "binary": words + noise[1] - 0.05}


def table_of(folder, values):
    runs = [folder / "facts" / "minilm" / name for name in values if name != "bm25"]
    for run in runs:
        write(run / "metrics.parquet", values[run.name])
    found = write(folder / "facts" / "bm25-metrics.parquet", values["bm25"])
    study = Study.read(configuration(["facts"], ["float32", "binary"], [1, 4]))
    return runs, landmark_table(runs, [found], study), study


def test_every_setting_is_tested_against_bm25_at_the_least_top_k(tmp_path, values):
    _, table, _ = table_of(tmp_path, values)
    assert table["method"].tolist() == ["float32", "binary"]
    assert table["top_k"].eq(10).all()
    for _, row in table.iterrows():
        differences = values[row["method"]] - values["bm25"]
        assert row["bm25"] == pytest.approx(values["bm25"].mean())
        assert row["mean"] == pytest.approx(values[row["method"]].mean())
        judge = stats.ttest_1samp(differences, 0)
        interval = judge.confidence_interval(0.95)  # ours allows for one more query that nobody has asked
        assert row["difference_low"] < interval.low < row["difference"] < interval.high < row["difference_high"]
        assert row["p"] == pytest.approx(judge.pvalue, abs=0.05)
    assert table.set_index("method")["verdict"].to_dict() == {"float32": "noise", "binary": "worse"}


@pytest.mark.parametrize("tied", ["binary", "bm25", "neither"])
def test_where_ties_matter_expected_values_are_compared_as_other_tables_compare_them(tmp_path, values, tied):
    """By row, the side that is tied has 0.2 more than over all orders; the other has ties that hardly move its mean."""
    span = {name: 0.3 if name == tied else 0.001 for name in values}
    files = {name: tmp_path / "facts" / "minilm" / name / "metrics.parquet" for name in ("float32", "binary")}
    files["bm25"] = tmp_path / "facts" / "bm25-metrics.parquet"
    expected = {name: by_row - span[name] * 2 / 3 for name, by_row in values.items()}
    for name, path in files.items():
        least, greatest = values[name] - span[name], values[name] + span[name]
        write(path, values[name], expected=expected[name], least=least, greatest=greatest)
    study = Study.read(configuration(["facts"], ["float32", "binary"], [1]))
    runs = [files[name].parent for name in ("float32", "binary")]
    rows = landmark_table(runs, [files["bm25"]], study).set_index("method")
    own = expected if tied == "binary" else values  # of all settings, if ties matter for one of them
    landmark = (expected if tied == "bm25" else values)["bm25"]
    retrieval = (
        Analysis.of(runs, "float32", Chance(seed=0, resamples=1000, confidence=0.95))
        .retrieval()
        .set_index(["method", "top_k"])
    )
    for name, row in rows.iterrows():
        assert row["mean"] == pytest.approx(own[name].mean())
        assert row["bm25"] == pytest.approx(landmark.mean())
        assert row["difference"] == pytest.approx((own[name] - landmark).mean())
        judged = retrieval.loc[(name, 10)]
        assert row["mean"] == pytest.approx(judged["nDCG@10_expected" if tied == "binary" else "nDCG@10"])


def test_what_bm25_beats_is_told_and_the_baseline_first(tmp_path, values):
    _, table, _ = table_of(tmp_path, values)
    chosen = table.set_index("method", drop=False)
    assert bm25_words(table, "float32", None) == []
    assert bm25_words(table, "float32", chosen.loc["float32"]) == []
    (line,) = bm25_words(table, "float32", chosen.loc["binary"])
    row = chosen.loc["binary"]
    assert line == (
        "bm25, a search by words, beats minilm · binary on facts: "
        f"nDCG@10 {row['bm25']:.4f} against {row['mean']:.4f}, "
        f"+{-row['difference']:.4f} [{-row['difference_high']:+.4f}, {-row['difference_low']:+.4f}]"
    )
    (line,) = bm25_words(table.assign(verdict="worse"), "float32", chosen.loc["binary"])
    assert "beats minilm · float32 on facts" in line


def test_a_dataset_without_judgements_has_no_row(tmp_path, values):
    runs, _, study = table_of(tmp_path, values)
    found = tmp_path / "other" / "bm25-metrics.parquet"
    mark_inapplicable("nothing is judged", found)
    assert landmark_table(runs, [found], study).empty
    assert bm25_words(landmark_table(runs, [], study), "float32", None) == []


def test_the_table_of_the_summary_ends_with_bm25(tmp_path, values):
    _, table, study = table_of(tmp_path, values)
    rows = {"dataset": "facts", "model": "minilm", "rescore_store": "none", "rescore_multiplier": 1, "top_k": 10}
    rows |= {
        "queries": 200,
        "vectors": 1000,
        "dim": 384,
        "compared_in": "nDCG@10",
        "verdict": None,
        "baseline_p": 0.005,
    }
    rows |= {"bytes_per_vector": 48, "store_file_bytes": 0, "index_file_bytes": 48_000, "latency_p50_ms": 1.0}
    rows |= {"compression_vs_float32": 1.0, "speedup_p50_vs_float32": 1.0, "queries_per_second": 1.0}
    quality = {"nDCG@10": table["mean"], "retention_nDCG@10": table["mean"] / table["mean"][0]}
    summary = pd.DataFrame({"method": table["method"], **quality}).assign(**rows)
    described = [{"name": "facts", "left_out": {}, "kept": {}}]
    without = pd.DataFrame(columns=["dataset", "model", "method", "rescore_store", "reason"])
    text = summary_text(summary, study, described, without, bm25=table)
    (line,) = [line for line in text.splitlines() if line.startswith("bm25")]
    own, share = values["bm25"].mean(), values["bm25"].mean() / values["float32"].mean()
    assert line.split() == ["bm25", "–", f"{own:.4f}", f"{share:.4f}", "≈"]
    text = summary_text(summary.assign(**{"retention_nDCG@10": np.nan}), study, described, without, bm25=table)
    (line,) = [line for line in text.splitlines() if line.startswith("bm25")]
    assert line.split() == ["bm25", "–", f"{own:.4f}", "≈"]  # nor has anything a share where float32 is at chance
