"""The table that a run ends with: the metric that settings are compared in, its retention, and agreement."""

from math import nan

import pandas as pd
import pytest

from embquant.report.show.summary import summary_text
from support.report_tables import study

DATASETS = [{"name": "facts", "left_out": {"exact_copies": 2}, "kept": {}}]
TAKEN = {
    "dataset": "facts",
    "model": "m",
    "rescore_store": "none",
    "rescore_multiplier": 1,
    "top_k": 5,
    "queries": 7,
    "vectors": 1000,
    "dim": 8,
    "bytes_per_vector": 4,
    "vector_bytes": 4000,
    "index_file_bytes": 4010,
    "store_file_bytes": 0,
    "compression_vs_float32": 8.0,
    "latency_p50_ms": 0.5,
    "speedup_p50_vs_float32": 2.0,
    "queries_per_second": 2000.0,
}


def without(*rows):
    """Return the table of what is left out."""
    return pd.DataFrame(rows, columns=["dataset", "model", "method", "rescore_store", "reason"])


def test_what_is_left_out_is_said_with_its_reason():
    row = {**TAKEN, "method": "float32", "compared_in": "RR@5", "verdict": "worse", "RR@5": 0.3, "retention_RR@5": 0.75}
    rows = [
        ("facts", "m", "pq", None, "few"),
        ("facts", "m", "binary", "pq", "few"),
        ("a", "m", "x", None, "y"),
    ]
    text = summary_text(pd.DataFrame([row]), study(), DATASETS, without(*rows))
    assert "\nleft out: pq, rescoring by pq: few\n" in text
    assert "?" not in text


def test_the_dimensions_are_those_of_the_vectors_whatever_the_first_method_makes_of_them():
    told = {**TAKEN, "compared_in": "RR@5", "verdict": "worse", "RR@5": 0.3, "retention_RR@5": 0.75}
    rows = [{**told, "method": name, "dim": dim} for name, dim in (("binary", 4), ("float32", 8))]
    text = summary_text(pd.DataFrame(rows), study(), DATASETS, without())
    assert text.startswith("facts · m: 1,000 documents of 8 dimensions, 7 queries")


def lines(compared, **measured):
    """Return the rows of the table of one method, split at two spaces, the heading first."""
    row = {**TAKEN, "method": "float32", "compared_in": compared, "verdict": "worse", **measured}
    for name in measured:
        row |= {f"{name}_low": measured[name] - 0.01, f"{name}_high": measured[name] + 0.01}
    text = summary_text(pd.DataFrame([row]), study(), DATASETS, without())
    heading, _, values = text.split("\n\n")[1].splitlines()
    return text, heading.split(), values.split()


@pytest.mark.parametrize("metric", ["RR@5", "nDCG@5"])
def test_the_metric_that_is_compared_is_shown_whichever_it_is(metric):
    measured = {"nDCG@5": 0.4, "RR@5": 0.3, "overlap@5": 0.6, "rbo": 0.5}
    retained = {"retention_nDCG@5": 0.8, "retention_RR@5": 0.75}
    text, heading, values = lines(metric, **measured, **retained)
    assert heading[:7] == ["method", "rescored", "by", metric, "of", "float32", "overlap@5"]
    expected = [f"{measured[metric]:.4f}", f"{retained[f'retention_{metric}']:.4f}", "±0.0100", "<", "0.6000"]
    assert values[2:7] == expected
    assert "agreement" not in text


def test_where_nothing_is_judged_agreement_is_compared_and_said(capsys):
    text, heading, values = lines("overlap@5", rbo=0.5, **{"overlap@5": 0.6})
    assert heading[3:5] == ["overlap@5", "rbo"]
    assert values[2:6] == ["0.6000", "±0.0100", "<", "0.5000"]
    assert "compared in agreement with float32 (overlap@5), not in quality" in text


def test_without_any_metric_the_rest_is_shown():
    text, heading, _ = lines(None, **{"nDCG@5": nan, "retention_nDCG@5": nan, "overlap@5": nan})
    assert heading[:4] == ["method", "rescored", "by", "B/vector"]
    assert "B/vector: of a code; smaller: the index file, with a graph or lists if there are some" in text
