"""present: means over datasets by hand, which methods none surpasses, and figures that are whole SVG."""

import json
from xml.etree import ElementTree

import pandas as pd
import pytest

from embquant.cli import main

COLUMNS = [
    *(
        "dataset",
        "model",
        "method",
        "rescore_store",
        "rescore_multiplier",
        "top_k",
        "bytes_per_vector",
        "retention_nDCG@10",
    ),
    *("overlap@10", "index_overlap", "latency_p50_ms", "queries_per_second", "build_seconds", "verdict"),
]
ROWS = [
    ("a", "m", "float32", "none", 1, 10, 1536, 1.0, 1.0, None, 2.0, 1000, 1, None),
    ("b", "m", "float32", "none", 1, 10, 1536, 1.0, 1.0, None, 4.0, 3000, 1, None),
    ("a", "m", "binary", "none", 1, 10, 48, 0.8, 0.5, None, 0.5, 9000, 1, "worse"),
    ("b", "m", "binary", "none", 1, 10, 48, 0.9, 0.7, None, 0.5, 9000, 1, "worse"),
    ("a", "m", "binary", "int8", 4, 10, 48, 0.98, 0.9, None, 0.5, 9000, 1, "noise"),
    ("b", "m", "binary", "int8", 4, 10, 48, 1.0, 0.9, None, 0.5, 9000, 1, "noise"),
    ("a", "m", "ivf-nprobe-1", "none", 1, 10, 1536, 0.9, 0.9, 0.9, 0.1, 50000, 1, "worse"),
    ("a", "m", "ivf-nprobe-8", "none", 1, 10, 1536, 1.0, 1.0, 1.0, 0.2, 20000, 1, "noise"),
    ("a", "m", "int8", "none", 1, 10, 384, 0.99, 0.9, None, 0.5, 9000, 1, "noise"),
    ("b", "m", "int8", "none", 1, 10, 384, 0.98, 0.9, None, 0.5, 9000, 1, "noise"),
    ("a", "m", "int8-symmetric-of-1000", "none", 1, 10, 384, 0.96, 0.8, None, 0.5, 9000, 1, "worse"),
    ("a", "m", "float32", "none", 1, 100, 1536, 7.0, 1.0, None, 2.0, 1000, 1, None),  # a deeper top_k isn't shown
]


CONFIG = {
    "study": "made-up",
    "datasets": {"a": {"source": "python-stdlib"}, "b": {"source": "python-stdlib"}},
    "models": {"m": {"name": "a-model"}},
    "codecs": {
        "float32": {"family": "float32"},
        "binary": {"family": "binary"},
        "int8": {"family": "int8"},
        "symmetric": {"family": "int8", "ranges": "symmetric", "calibration": 1000},
        "turned": {"family": "int8", "transform": "rotation"},
    },
    "methods": {
        "float32": {"codec": "float32", "index": "flat"},
        "int8": {"codec": "int8", "index": "flat"},
        "int8-codes": {"codec": "int8", "index": "flat", "scoring": "symmetric"},
        "int8-hnsw": {"codec": "int8", "index": "hnsw"},
        "int8-symmetric-of-1000": {"codec": "symmetric", "index": "flat"},
        "int8-turned": {"codec": "turned", "index": "flat"},
        "binary": {"codec": "binary", "index": "flat"},
        "ivf-nprobe-1": {"codec": "float32", "index": "ivf", "search": {"nprobe": 1}},
        "ivf-nprobe-8": {"codec": "float32", "index": "ivf", "search": {"nprobe": 8}},
    },
}


@pytest.fixture
def reports(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    pd.DataFrame(ROWS, columns=COLUMNS).to_csv(folder / "summary.csv", index=False)
    (folder / "provenance.json").write_text(json.dumps({"config": CONFIG}))
    return folder


def test_tables_are_means_over_datasets(reports, tmp_path, capsys):
    assert main(["present", "--reports", str(reports), "--figures", str(tmp_path)]) == 0
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()]
    assert ["binary", "48", "0.8500", "0 / 0 / 2", "0.6000", "", "0.500", "9,000", "1.0", "✓"] in lines
    assert ["float32", "1,536", "1.0000", "", "1.0000", "", "3.000", "2,000", "1.0", "✓"] in lines
    assert ["ivf-nprobe-1", "1,536", "0.9000", "0 / 0 / 1", "0.9000", "0.9000", "0.100", "50,000", "1.0", ""] in lines
    assert ["binary", "0.9900"] in lines  # rescored by int8 ×4
    assert ["binary", "0.8000", "0.9000", "0.8500"] in lines  # by dataset
    assert lines[-4] == ["ranges: of float32's nDCG@10 · overlap", "of 1,000", "of all"]
    assert lines[-2:] == [["min-max", "", "0.9850 · 0.9000"], ["symmetric", "0.9600 · 0.8000", ""]]


def test_figures_are_drawn_the_same_every_time(reports, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        assert main(["present", "--reports", str(reports), "--figures", str(folder)]) == 0
    for name in ("study-storage.svg", "study-indexes.svg"):
        assert ElementTree.parse(first / name).getroot().tag.endswith("svg")
        assert (first / name).read_bytes() == (second / name).read_bytes()


def present(folder, rows, figures, capsys):
    """Print the tables of a study that has ``rows`` in its summary."""
    rows.to_csv(folder / "summary.csv", index=False)
    assert main(["present", "--reports", str(folder), "--figures", str(figures)]) == 0
    return capsys.readouterr().out


def test_models_are_apart(reports, tmp_path, capsys):
    rows = pd.DataFrame(ROWS, columns=COLUMNS)
    other = rows.assign(model="n", **{"retention_nDCG@10": rows["retention_nDCG@10"] / 2})
    first, second = present(reports, pd.concat([rows, other]), tmp_path, capsys).split("## n")
    assert first.startswith("## m")
    assert [part.count("0.8500") for part in (first, second)] == [2, 0]
    assert "| 0.4250 |" in second
    assert (tmp_path / "study-m-storage.svg").is_file()
    assert (tmp_path / "study-n-storage.svg").is_file()


def test_agreement_is_not_called_a_share_of_quality(reports, tmp_path, capsys):
    rows = pd.DataFrame(ROWS, columns=COLUMNS).drop(columns="retention_nDCG@10")
    text = present(reports, rows, tmp_path, capsys)
    assert text.splitlines()[0].startswith("| method")
    assert "agreement (overlap@10)" in text
    assert "float32's" not in text
    assert "agreement with float32 (overlap@10)" in (tmp_path / "study-storage.svg").read_text()


def test_datasets_on_which_nothing_is_judged_are_left_out_and_named(reports, tmp_path, capsys):
    rows = pd.DataFrame(ROWS, columns=COLUMNS)
    rows.loc[rows["dataset"] == "b", "retention_nDCG@10"] = None
    text = present(reports, rows, tmp_path, capsys)
    assert text.rstrip().endswith("Nothing is judged on b, which the means leave out.")
    assert "0.8500" not in text


def test_an_index_whose_codes_nothing_scans_is_no_exact_scan(reports, tmp_path, capsys):
    rows = pd.DataFrame(ROWS, columns=COLUMNS).assign(index_overlap=None)
    present(reports, rows, tmp_path, capsys)
    assert "ivf" not in (tmp_path / "study-storage.csv").read_text()


def test_a_study_that_has_not_run_is_said_in_one_line(tmp_path, capsys):
    assert main(["present", "--reports", str(tmp_path), "--figures", str(tmp_path)]) == 2
    assert "provenance.json: no such file; run the study first" in capsys.readouterr().err
    page = tmp_path / "report.html"
    page.touch()
    assert main(["present", "--reports", str(page), "--figures", str(tmp_path)]) == 2
    assert "report.html: a file; expected a folder of reports, such as results/reports/" in capsys.readouterr().err
