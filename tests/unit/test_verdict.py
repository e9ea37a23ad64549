"""What a verdict says of a setting beside float32: how much less or more it takes, and whether it needs float32."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from embquant.report.numbers.recommendation import recommendations
from embquant.report.reports import Reports
from embquant.report.show.databases import databases_text
from embquant.report.show.verdict import beside, plain_words, three_digits, verdict_lines
from embquant.study.study import Study
from support.made_up_study import write_study
from support.report_tables import CONFIG, setting, study, summary

FLOAT32 = setting("float32", p95=5)
SHORT = {
    **CONFIG,
    "codecs": {**CONFIG["codecs"], "short": {"family": "float32", "transform": {"kind": "truncate", "dim": 16}}},
    "methods": {**CONFIG["methods"], "short": {"codec": "short", "index": "flat"}},
}


def recommended(*rows, **requirements):
    return recommendations(summary(*rows), study(**requirements), "results")[0]


def test_float32_vectors_are_those_of_the_model_whatever_the_first_method_of_a_study_makes_of_them():
    """1,000 vectors of 100 dimensions; the first method searches 16 of them."""
    own = recommended(setting("int8", kept=0.5, dim=16), FLOAT32, setting("binary"))
    assert own.best["method"] == "binary"
    assert own.float32_bytes == 4 * 100 * 1000


def test_databases_get_vectors_of_the_model_s_dimensions(tmp_path):
    """384; the first method of the study searches 16 of them."""
    folder = write_study(tmp_path, methods=["int8", "float32"], multipliers=(4,), requirements={"min_retention": 1})
    rows = pd.read_csv(folder / "summary.csv")
    rows.assign(dim=rows["dim"].mask(rows["method"] == "int8", 16)).to_csv(folder / "summary.csv", index=False)
    assert "embedding vector(384)" in databases_text(Reports.read(folder))


def test_shorter_vectors_in_float32_are_float32_vectors():
    short = {**setting("int8"), "method": "short", "dim": 16, "bytes_per_vector": 64}
    [own] = recommendations(summary(FLOAT32, short), Study.read(SHORT), "results")
    assert own.best["method"] == "short"
    assert np.isnan(own.float32_bytes)


def test_what_costs_more_than_float32_is_not_said_to_cost_less():
    """A graph takes more bytes than the vectors: it is chosen where a scan is too slow."""
    graph = setting("graph", p95=0.1, index_file_bytes=500_000)
    own = recommended(FLOAT32, graph, max_latency_p95_ms=1)
    assert own.best["method"] == "graph"
    assert verdict_lines(own, Path("summary.txt"))[2].endswith("for 1,000 vectors, 1.25× as much as float32")


@pytest.mark.parametrize(
    ("value", "reference", "words"),
    [
        (12, 384, "32× less than float32"),
        (1, 1234.5, "1,230× less than float32"),
        (400, 400, "as much as float32"),
        (400.1, 400, "as much as float32"),
        (460, 400, "1.15× as much as float32"),
    ],
)
def test_how_much_less_or_more_a_setting_takes(value, reference, words):
    assert beside(value, reference, "float32") == words


def test_code_without_this_library_stands_with_its_own_time_beside_this_library_s():
    timed = pd.Series({"plain_latency_p50_ms": 0.4567, "latency_p50_ms": 0.12})
    (words,) = plain_words(timed)
    assert words.endswith("alone, the median query takes 0.457 ms instead of 0.12 ms")
    assert plain_words(None) == plain_words(timed * np.nan) == []


@pytest.mark.parametrize(
    ("value", "words"), [(0.00123456, "0.00123"), (12.34, "12.3"), (999.6, "1,000"), (1234.5, "1,230")]
)
def test_numbers_of_three_digits_have_no_exponent(value, words):
    assert three_digits(value) == words
