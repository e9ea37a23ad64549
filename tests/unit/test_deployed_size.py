"""The recommendation is judged at the size that is deployed, by what is expected there, and says so."""

from pathlib import Path

import pandas as pd
import pytest

from embquant.measure.crowding import REACH
from embquant.report.numbers.cost import cost_table
from embquant.report.numbers.deployed import expected_cost
from embquant.report.numbers.recommendation import recommendations
from embquant.report.show.verdict import verdict_lines
from embquant.report.tables.recommendation import recommendation_table
from support.report_tables import setting, study, summary

SIZE, DEPLOYED = 1000, 50_000
REPORT = Path("results/reports/study/summary.txt")
ROWS = [
    setting("float32"),
    setting("binary", "int8", 4, kept=0.998, low=0.995),
    setting("int8", kept=1.0, low=0.998),
    setting("graph", kept=1.0, low=0.999),
]


def growth(*expected, documents=DEPLOYED):
    """A table of growth: what was measured, and ``expected`` as (method, store, multiplier, kept, low)."""
    columns = ["dataset", "model", "method", "rescore_store", "rescore_multiplier", "top_k"]
    measured = summary(*ROWS)[[*columns, "retention_nDCG@10", "retention_nDCG@10_low"]]
    measured = measured.assign(basis="measured", documents=SIZE)
    rows = [
        setting(method, store, multiplier, kept=kept, low=low) | {"basis": "expected", "documents": documents}
        for method, store, multiplier, kept, low in expected
    ]
    later = pd.DataFrame(rows, columns=measured.columns) if rows else measured[:0]
    return pd.concat([measured, later], ignore_index=True)


FALLS = (("float32", "none", 1, 1.0, 1.0), ("binary", "int8", 4, 0.97, 0.96), ("int8", "none", 1, 0.999, 0.993))


def recommended(table, vectors=DEPLOYED):
    [found] = recommendations(summary(*ROWS), study(vectors=vectors), "results", growth=table)
    return found


def test_what_is_enough_at_the_measured_size_may_not_be_at_the_deployed_one():
    assert recommended(growth(), vectors=None).best["method"] == "binary"
    found = recommended(growth(*FALLS))
    assert (found.best["method"], found.best["kept"], found.best["kept_low"]) == ("int8", 0.999, 0.993)
    assert found.deployed == (
        "judged by what is expected of 50,000 vectors; "
        "at the 1,000 vectors measured it would be binary rescored by int8 ×4; not in the choice: graph, because an "
        "approximate index has to be built for its size, so that its loss is known at 1,000 vectors alone"
    )
    lines = verdict_lines(found, REPORT)
    assert lines[0] == "Verdict for a · m: int8"
    assert lines[2] == f"   {found.deployed}"
    assert lines[3].startswith(
        "   it is expected to keep 99.90% of float32's nDCG@10, 99.30% at the interval's lower bound"
    )
    assert recommendation_table([found])["basis"].tolist() == ["expected"]
    assert not found.more_queries  # more queries don't make up for what isn't measured


def test_an_approximate_index_is_not_recommended_for_a_size_that_it_was_not_built_for():
    cheap = [("float32", "none", 1, 1.0, 1.0), ("binary", "int8", 4, 0.9, 0.9), ("int8", "none", 1, 0.9, 0.9)]
    found = recommended(growth(*cheap))
    assert set(found.fitting["method"]) == {"float32"}
    assert "not in the choice: graph," in found.deployed
    found = recommended(growth(*cheap, ("graph", "none", 1, 1.0, 1.0)))  # as if its index had been built for each size
    assert "not in the choice" not in found.deployed


@pytest.mark.parametrize(
    ("vectors", "words"),
    [(REACH * SIZE + 1, f"more than {REACH} times as many"), (60_000, "for a reason in docs/growth.md")],
)
def test_where_nothing_can_be_said_that_is_said(vectors, words):
    found = recommended(growth(*FALLS), vectors=vectors)
    assert found.best["method"] == "binary"
    expected = (
        f"judged at the 1,000 vectors measured; nothing can be said of {vectors:,}, {words}; of 50,000, "
        "the most that is known of, it is expected to keep 97.00%, at least 96.00%"
    )
    assert found.deployed == expected
    assert f"   {expected}" in verdict_lines(found, REPORT)


def test_what_is_known_of_no_larger_corpus_is_not_said():
    found = recommended(growth(), vectors=60_000)
    assert found.deployed.endswith("nothing can be said of 60,000, for a reason in docs/growth.md")
    without_best = [row for row in FALLS if row[0] != "binary"]
    found = recommended(growth(*without_best), vectors=60_000)
    assert found.best["method"] == "binary"
    assert found.deployed.endswith("nothing can be said of 60,000, for a reason in docs/growth.md")


def test_a_corpus_no_smaller_than_what_is_deployed_needs_no_expectation():
    found = recommended(growth(*FALLS), vectors=SIZE)
    assert found.deployed == ""
    assert recommendation_table([found])["basis"].tolist() == ["measured"]
    assert found.best["method"] == "binary"


def test_cost_has_what_is_kept_of_as_many_vectors_beside_the_price():
    cost = cost_table(summary(*ROWS), study(vectors=DEPLOYED))
    cost = expected_cost(cost, growth(*FALLS)).set_index(["method", "vectors"])
    assert cost.loc[("int8", SIZE), ["expected_kept", "expected_kept_low"]].tolist() == [1.0, 0.998]
    assert cost.loc[("int8", DEPLOYED), ["expected_kept", "expected_kept_low"]].tolist() == [0.999, 0.993]
    assert cost.loc[[("int8", 10**6), ("graph", DEPLOYED)], "expected_kept"].isna().all()
