"""What changed between two runs, of reports that are written here."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from embquant import cli
from embquant.files.atomic import write_json
from embquant.files.parquet import write_parquet
from embquant.report.numbers.changes import CHANGES, KEYS, StudyRun, changes, differences

QUERIES = 40
REFERENCE = np.tile([1, 0.5, 0, 0.25], QUERIES // 4)
SETTINGS = [("float32", "none", 1), ("int8", "none", 1), ("binary", "none", 1), ("binary", "int8", 4)]
MACHINE = "a processor, 2 cores"


def changed(number, by):
    """The reference with ``by`` added to the first queries that have 0.5 or 0."""
    values = REFERENCE.copy()
    values[np.flatnonzero(np.isin(REFERENCE, [0, 0.5]))[:number]] += by
    return values


def write_report(folder, values=None, bytes_of=None, p50=1.0, machine=MACHINE, fingerprint="f", ids=None, **config):
    """Write the reports of a study of one dataset; ``values`` of nDCG@10 by setting, else the reference."""
    values = dict.fromkeys(SETTINGS, REFERENCE) | (values or {})
    settings = [
        {
            "dataset": "facts",
            "model": "minilm",
            **dict(zip(KEYS[2:], (*setting, 10), strict=True)),
            "nDCG@10": value.mean(),
            "overlap@10": 1,
            "bytes_per_vector": 48,
            "index_file_bytes": (bytes_of or {}).get(setting, 1_234_567_891),
            "store_file_bytes": 0,
            "resident_bytes": 4096,
            "latency_p50_ms": p50,
            "queries_per_second": 100 / p50,
        }
        for setting, value in values.items()
    ]
    folder.mkdir(parents=True)
    pd.DataFrame(settings).to_csv(folder / "summary.csv", index=False)
    for method in dict.fromkeys(method for method, *_ in values):
        tables = [
            pa.table(
                {
                    "query_id": ids or [f"q{row}" for row in range(QUERIES)],
                    "rescore_store": [store] * QUERIES,
                    "rescore_multiplier": [multiplier] * QUERIES,
                    "top_k": [10] * QUERIES,
                    "nDCG@10": value,
                    "overlap@10": np.ones(QUERIES),
                }
            )
            for (own, store, multiplier), value in values.items()
            if own == method
        ]
        write_parquet(folder / "runs/facts/minilm" / method / "metrics.parquet", tables[0].schema, tables)
    config = {
        "study": folder.name,
        "metrics": ["nDCG@10", "overlap@10"],
        "statistics": {"seed": 0, "resamples": 10_000, "confidence": 0.95},
        **config,
    }
    provenance = {
        "embquant": "0.1.0",
        "config": config,
        "datasets": [{"name": "facts", "fingerprint": fingerprint}],
        "models": [{"model": "minilm", "sha256": "abc", "environment": {"machine": machine}}],
        "environment": {"machine": machine, "faiss-cpu": "1.15.1"},
    }
    write_json(folder / "provenance.json", provenance)
    return folder


def compared(*folders):
    return changes(*map(StudyRun.read, folders)).set_index(["method", "rescore_store"])


def printed(capsys, *arguments):
    status = cli.main(["compare", *map(str, arguments)])
    streams = capsys.readouterr()
    return status, streams.out if status == 0 else streams.err


@pytest.fixture
def one(tmp_path):
    return write_report(tmp_path / "one")


def test_quality_is_tested_over_the_same_queries_and_corrected_for_the_family(one, tmp_path):
    """Of 2ⁿ assignments of signs to n queries that all gain or all lose, two are as extreme; the family are four."""
    other = write_report(
        tmp_path / "other",
        {
            ("int8", "none", 1): changed(10, 0.5),
            ("binary", "none", 1): changed(5, 0.2),
            ("binary", "int8", 4): changed(12, -0.2),
        },
    )
    table = compared(one, other)
    assert table["paired"].all()
    assert table["in"].eq("both").all()
    assert table["metric"].eq("nDCG@10").all()
    assert table["queries"].eq(QUERIES).all()
    assert table["verdict"].tolist() == ["same", "better", "noise", "worse"]
    assert table["differing"].tolist() == [0, 10, 5, 12]
    assert table["difference"].tolist() == pytest.approx([0, 10 * 0.5 / 40, 5 * 0.2 / 40, -12 * 0.2 / 40], abs=1e-8)
    assert table["value_b"].tolist() == pytest.approx((table["value_a"] + table["difference"]).tolist())
    assert table["p"].tolist() == pytest.approx([1, 2 / 2**10, 2 / 2**5, 2 / 2**12])
    assert table["p_holm"].tolist() == pytest.approx([1, 3 * 2 / 2**10, 2 * 2 / 2**5, 4 * 2 / 2**12])
    told = table.loc["int8"].iloc[0]
    assert 0 < told["difference_low"] < told["difference"] < told["difference_high"]


def test_memory_is_subtracted_and_speed_divided(one, tmp_path):
    other = write_report(tmp_path / "other", bytes_of={("int8", "none", 1): 1_234_567_890}, p50=0.5)
    table = compared(one, other)
    assert table["index_file_bytes_difference"].tolist() == [0, -1, 0, 0]
    assert table["speedup_p50"].eq(2).all()
    assert table["speedup_batch"].eq(2).all()
    assert table["same_machine"].all()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"fingerprint": "g"}, "its documents, queries or judgements are not the same in both runs"),
        ({"ids": [f"r{row}" for row in range(QUERIES)]}, "its queries are not the same in both runs"),
    ],
)
def test_other_queries_are_not_tested_and_that_is_said(one, tmp_path, capsys, options, reason):
    other = write_report(tmp_path / "other", {("int8", "none", 1): changed(10, 0.5)}, **options)
    table = compared(one, other)
    assert not table["paired"].any()
    assert table.loc["int8", "difference"].tolist() == pytest.approx([10 * 0.5 / 40])
    assert table[["p", "p_holm", "verdict", "difference_low"]].isna().all(axis=None)
    assert f"not tested: {reason}" in printed(capsys, one, other)[1]


def test_a_copy_without_the_values_of_each_query_is_not_tested(one, tmp_path, capsys):
    other = shutil.copytree(one, tmp_path / "copy", ignore=shutil.ignore_patterns("runs"))
    assert not compared(one, other)["paired"].any()
    assert (
        "not tested: the values per query, runs/ in the folder of reports, are not there"
        in printed(capsys, one, other)[1]
    )


def test_a_run_is_the_same_as_its_copy(one, tmp_path, capsys):
    status, output = printed(capsys, one, shutil.copytree(one, tmp_path / "copy"))
    assert status == 0
    assert "made with the same configuration, data, models and versions" in output
    assert "b against a, all 4 settings: 4 same" in output
    assert "warning" not in output


def test_settings_of_one_run_alone_are_listed(one, tmp_path, capsys):
    other = write_report(tmp_path / "other", {("int4", "none", 1): REFERENCE, ("int4", "int8", 4): REFERENCE})
    table = compared(one, other)
    assert table["in"].tolist() == ["both"] * 4 + ["b"] * 2
    assert table.loc["int4", "metric"].isna().all()
    assert table.loc["int4", "index_file_bytes_b"].tolist() == [1_234_567_891] * 2
    assert "settings only in a: 2\n   facts · minilm · int4: 2" in printed(capsys, other, one)[1]


def test_runs_that_have_nothing_in_common_are_listed_and_that_is_said(one, tmp_path, capsys):
    other = shutil.copytree(one, tmp_path / "other")
    table = (one / "summary.csv").read_text()
    (other / "summary.csv").write_text(table.replace("facts,", "others,"))
    status, output = printed(capsys, one, other, "--output", tmp_path / "changes.csv")
    assert status == 0
    assert "no dataset, model and method are in both runs" in output
    assert "settings only in b: 4\n   others · minilm · float32: 1\n" in output
    assert pd.read_csv(tmp_path / "changes.csv")["in"].tolist() == ["a"] * 4 + ["b"] * 4


def test_what_the_runs_were_made_with(one, tmp_path, capsys):
    other = write_report(tmp_path / "one-more", machine="another, 64 cores", fingerprint="g", parts=8)
    assert differences(*map(StudyRun.read, (one, other))) == {
        ('"one"', '"one-more"'): ["config.study"],
        ("–", "8"): ["config.parts"],
        ('"f"', '"g"'): ["datasets.facts.fingerprint"],
        ('"a processor, 2 cores"', '"another, 64 cores"'): ["models.minilm.environment.machine", "environment.machine"],
    }
    _, output = printed(capsys, one, other)
    assert 'models.minilm.environment.machine (and 1 more): "a processor, 2 cores" → "another, 64 cores"' in output
    assert output.index("not tested") < output.index("differences in what they were made with, a → b: 4\n   config.")
    assert "warning: the machines differ" in output


def test_agreement_is_compared_where_nothing_is_judged(tmp_path, capsys):
    nothing = dict.fromkeys(SETTINGS, np.full(QUERIES, np.nan))
    folders = [write_report(tmp_path / name, nothing) for name in ("one", "other")]
    assert compared(*folders)["metric"].eq("overlap@10").all()
    assert "overlap@10 at top_k 10, 40 queries" in printed(capsys, *folders)[1]


def test_all_settings_are_written(one, tmp_path, capsys):
    status, output = printed(capsys, one, one, "--output", tmp_path / "changes.csv")
    assert status == 0
    assert f"all settings: {tmp_path / 'changes.csv'}" in output
    written = pd.read_csv(tmp_path / "changes.csv")
    assert written.columns.tolist() == CHANGES
    assert written["index_file_bytes_a"].eq(1_234_567_891).all()


def test_what_is_no_report_is_said_in_one_line(one, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    torn, foreign, old = (shutil.copytree(one, tmp_path / name) for name in ("torn", "foreign", "old"))
    (torn / "provenance.json").write_text("{")
    (foreign / "provenance.json").write_text(json.dumps({"config": {}}))
    (old / "summary.csv").write_text("dataset,model\n")
    for folder, message in {
        tmp_path / "nowhere": "no such folder; give the reports of a study",
        tmp_path / "empty": "no summary.csv in it; give the reports of a study",
        torn: "provenance.json: not JSON",
        foreign: "provenance.json: not what a study writes ('datasets'); run the study again",
        old: "summary.csv: no column 'method'; run the study again",
    }.items():
        status, output = printed(capsys, one, folder)
        assert status == 2
        assert output.startswith(f"embquant: error: {folder}")
        assert message in output
        assert output.count("\n") == 1


def test_every_column_is_in_the_dictionary():
    dictionary = (Path(__file__).parents[2] / "docs" / "columns.md").read_text().partition("## changes.csv")[2]
    for column in CHANGES:
        names = {column, column.removesuffix("_low").removesuffix("_high"), re.sub("_(a|b|difference)$", "", column)}
        assert column in KEYS or any(f"`{name}`" in dictionary for name in names), column
