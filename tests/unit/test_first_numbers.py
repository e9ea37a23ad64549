"""The quality that a run prints before it times anything; means and shares by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd

from embquant.report.numbers.measured import Measured
from embquant.report.show.first_numbers import first_numbers

SETTINGS = [
    ("float32", "none", 1, [0.5, 1.0]),
    ("binary", "none", 1, [0.1, 0.5]),
    ("binary", "int8", 1, [0.3, 0.6]),
    ("binary", "int8", 4, [0.5, 0.85]),
    ("binary", "float32", 2, [0.5, 0.85]),
    ("int8", "none", 1, [0.75, 0.75]),
]


def measured(metric, settings=SETTINGS):
    columns = ["dataset", "model", "method", "rescore_store", "rescore_multiplier", "top_k", "queries"]
    rows = [("facts", "minilm", *keys, top_k, 2) for top_k in (10, 100) for *keys, _ in settings]
    values = [[value / (top_k / 10) for value in values] for top_k in (10, 100) for *_, values in settings]
    return Measured(pd.DataFrame(rows, columns=columns), {metric: np.array(values)}, None)


def test_each_method_is_shown_alone_and_with_the_rescoring_that_finds_most_for_the_fewest_candidates():
    """At the least top_k. Means: .75, .3, .45, .675, .675, .75; of float32's .75: 40 % and 90 %."""
    title, labels, _, *lines = first_numbers(measured("nDCG@10"), "float32").splitlines()
    assert title == "Quality on facts · minilm: nDCG@10, 2 queries"
    assert labels.split("  ")[0] == "method"
    assert labels.count("of float32") == 2
    assert [line.split() for line in lines] == [
        ["float32", "0.7500", "100.00%"],
        ["binary", "0.3000", "40.00%", "float32", "×2", "0.6750", "90.00%"],
        ["int8", "0.7500", "100.00%"],
    ]


def test_without_judgements_it_is_agreement():
    assert "overlap@10" in first_numbers(measured("overlap@10"), "float32").splitlines()[0]


def test_a_baseline_that_finds_nothing_leaves_no_share():
    text = first_numbers(measured("nDCG@10", [("float32", "none", 1, [0.0, 0.0])]), "float32")
    assert text.splitlines()[-1].split() == ["float32", "0.0000"]


def test_a_baseline_at_chance_is_said_and_leaves_no_share():
    title, labels, *_, last = first_numbers(replace(measured("nDCG@10"), baseline_p=0.42), "float32").splitlines()
    assert title == "Quality on facts · minilm: nDCG@10, 2 queries; float32 itself is at chance, p = 0.42"
    assert "of float32" not in labels
    assert last.split() == ["int8", "0.7500"]
    assert "chance" not in first_numbers(replace(measured("nDCG@10"), baseline_p=0.01), "float32")


def test_without_a_metric_it_says_so():
    settings = [("float32", "none", 1, [np.nan, np.nan])]
    assert first_numbers(measured("nDCG@10", settings), "float32") == "No metric can be computed"
