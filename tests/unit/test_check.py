"""check: its exit status and figures, judged by the values in the CSV files of the reports."""

import csv
import json

import pytest

from embquant.cli import main
from embquant.report.numbers.recommendation import recommendations
from embquant.report.tables.recommendation import recommendation_table
from support.made_up_study import write_study
from support.report_tables import setting, study, summary

GOLDEN = [
    setting("float32", p95=5),
    setting("int8", kept=0.999, low=0.995, p95=2),
    setting("binary", kept=0.85, low=0.8, p95=0.5),
    setting("binary", "int8", 2, kept=0.995, low=0.97, p95=0.7),
    setting("binary", "int8", 4, kept=0.996, low=0.991, p95=0.8),
]
FOUR = ["--method", "binary", "--rescore", "int8", "--multiplier", "4"]
TWO = [*FOUR[:-1], "2"]


@pytest.fixture
def golden(tmp_path):
    """Write reports whose figures are known, those of ``rows``; return their folder."""

    def write(*rows, **requirements):
        own, table = study(**requirements), summary(*rows)
        table.to_csv(tmp_path / "summary.csv", index=False)
        recommended = recommendation_table(recommendations(table, own, "results"))
        recommended.to_csv(tmp_path / "recommendation.csv", index=False)
        (tmp_path / "provenance.json").write_text(json.dumps({"config": own.config.to_dict()}))
        return tmp_path

    return write


@pytest.fixture
def status_of(capsys):
    """Run check and return its exit status and what it prints."""

    def run(folder, *options):
        return main(["check", str(folder), *options]), capsys.readouterr()

    return run


def checks(output):
    return json.loads(output.out)["checks"]


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ([], 0),  # binary rescored by int8 ×4 is recommended: 0.991, where 0.99 is required
        (["--min-retention", "0.991"], 0),
        (["--min-retention", "0.9911"], 1),
        (["--min-retention", "0.996", "--at", "mean"], 0),
        (["--min-retention", "0.9961", "--at", "mean"], 1),
        (TWO, 1),
        ([*TWO, "--at", "mean"], 0),
        ([*TWO, "--min-retention", "0.97"], 0),
        (["--max-latency-p95-ms", "0.8"], 0),
        (["--max-latency-p95-ms", "0.79"], 1),
        (["--max-bytes-per-vector", "12"], 0),
        (["--max-bytes-per-vector", "11", "--min-retention", "0.5"], 1),
        (["--max-usd-per-month", "0.001"], 0),
        (["--max-usd-per-month", "0"], 1),
    ],
)
def test_the_status_says_whether_everything_is_met(golden, status_of, options, status):
    assert status_of(golden(*GOLDEN), *options)[0] == status


def test_without_requirements_those_of_the_study_count(golden, status_of):
    folder = golden(*GOLDEN, max_latency_p95_ms=0.75, min_retention=0.97)
    status, output = status_of(folder, *FOUR, "--json")
    assert status == 1
    assert [(one["requirement"], one["limit"], one["value"], one["met"]) for one in checks(output)] == [
        ("min_retention", 0.97, 0.991, True),
        ("max_latency_p95_ms", 0.75, 0.8, False),
    ]


def test_each_requirement_has_a_line_and_the_last_is_the_verdict(golden, status_of):
    folder = golden(*GOLDEN)
    lines = status_of(folder, *TWO, "--min-retention", "0.99", "--max-latency-p95-ms", "1")[1].out.splitlines()
    assert lines[0] == "a · m: binary rescored by int8 ×2"
    assert " ".join(lines[1].split()) == (
        "NOT MET min_retention at least 0.99: 0.97 of float32's nDCG@10, lower bound; mean 0.995"
    )
    assert " ".join(lines[2].split()) == "met max_latency_p95_ms at most 1 ms: 0.7 ms as timed on 1,000 vectors"
    assert lines[3:] == [f"{folder}: 1 of 2 requirements met"]


def test_a_missing_figure_meets_nothing(golden, status_of):
    rows = [setting("float32"), {**setting("int8"), "retention_nDCG@10_low": None}, setting("binary", p95=None)]
    folder = golden(*rows)
    status, output = status_of(folder, "--method", "int8", "--min-retention", "0", "--json")
    assert (status, checks(output)[0]["value"], checks(output)[0]["reason"]) == (1, None, "not measured")
    assert status_of(folder, "--method", "int8", "--min-retention", "0", "--at", "mean")[0] == 0
    assert status_of(folder, "--method", "binary", "--max-latency-p95-ms", "1000")[0] == 1


def test_where_nothing_is_recommended_nothing_is_met(golden, status_of):
    folder = golden(*GOLDEN, max_bytes_per_vector=1)
    status, output = status_of(folder, "--min-retention", "0", "--json")
    assert (status, checks(output)[0]["reason"]) == (1, "the study recommends nothing")
    assert status_of(folder, *FOUR, "--min-retention", "0")[0] == 0


@pytest.mark.parametrize(("vectors", "value", "said"), [(50_000, 0.993, "expected of"), (10**6, 0.995, "measured on")])
def test_more_vectors_are_checked_by_what_is_expected_of_them(golden, status_of, vectors, value, said):
    """Nothing was expected of a million."""
    folder = golden(*GOLDEN, vectors=vectors)
    grown = {**setting("int8", kept=0.999, low=0.993), "basis": "expected", "documents": 50_000}
    summary(grown).to_csv(folder / "growth.csv", index=False)
    (check,) = checks(status_of(folder, "--method", "int8", "--min-retention", "0.99", "--json")[1])
    assert (check["value"], check["expected"]) == (value, said == "expected of")
    text = status_of(folder, "--method", "int8", "--min-retention", "0.994")[1].out
    assert f"{said} {vectors if check['expected'] else 1000:,} vectors" in text


def test_a_baseline_at_chance_meets_nothing(golden, status_of):
    status, output = status_of(golden(*[{**row, "baseline_p": 0.6} for row in GOLDEN]), *FOUR, "--json")
    assert (status, checks(output)[0]["reason"]) == (1, "the baseline is at chance")


def test_a_setting_that_a_dataset_lacks_is_not_met_there(golden, status_of):
    folder = golden(*GOLDEN, *[{**row, "dataset": "b"} for row in GOLDEN[:3]])
    status, output = status_of(folder, *FOUR, "--json")
    assert status == 1
    assert [(one["dataset"], one["met"], one["reason"]) for one in checks(output)] == [
        ("a", True, ""),
        ("b", False, "not measured"),
    ]
    assert status_of(folder, *FOUR, "--datasets", "a")[0] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--method", "bniary"], "no method 'bniary' in its reports; did you mean 'binary'?"),
        ([*FOUR[:2], "--rescore", "float16"], "no rescore store 'float16'"),
        (FOUR[:4], "binary is rescored by int8 at the multipliers 2, 4; choose one with --multiplier"),
        ([*FOUR[:-1], "3"], "no rescore multiplier 3"),
        (["--rescore", "int8"], "--rescore and --multiplier belong to a method"),
        (["--datasets", "b"], "no dataset 'b'"),
        (["--models", "n"], "no model 'n'"),
        (["--min-retention", "99"], "a share, at most 1, not 99"),
        (["--max-latency-p95-ms", "nan"], "must be 0 or more, not nan"),
        (["--at", "upper"], "invalid choice: 'upper'"),
    ],
)
def test_bad_use_is_status_2_and_one_line(golden, status_of, options, message):
    status, output = status_of(golden(*GOLDEN), *options)
    assert (status, output.out, output.err.count("\n")) == (2, "", 1)
    assert message in output.err


def test_a_folder_without_reports_is_status_2(status_of, tmp_path):
    assert status_of(tmp_path)[0] == 2


@pytest.mark.parametrize("at", ["lower", "mean"])
def test_the_figures_of_a_joined_study_are_those_of_its_csv_files(status_of, tmp_path, at):
    folder = write_study(tmp_path, datasets=("one", "two"), judged=("one", "two"))
    with (folder / "summary.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["top_k"] == "10"]
    chosen = {"method": "binary", "rescore_store": "int8", "rescore_multiplier": "4"}
    column = f"retention_nDCG@10{'_low' if at == 'lower' else ''}"
    expected = {row["dataset"]: float(row[column]) for row in rows if chosen.items() <= row.items()}
    options = [*FOUR, "--min-retention", f"{min(expected.values())!r}", "--at", at, "--json"]
    status, output = status_of(folder, *options)
    assert status == 0
    assert {one["dataset"]: one["value"] for one in checks(output)} == expected
    more = str(min(expected.values()) + 1e-6)
    status, output = status_of(folder, *FOUR, "--min-retention", more, "--at", at, "--json")
    assert (status, json.loads(output.out)["met"]) == (1, False)
    assert {one["dataset"]: one["met"] for one in checks(output)} == {
        dataset: value >= float(more) for dataset, value in expected.items()
    }
