"""Recommendations whose answer is known: the cheapest that fits, ties, several datasets, and none."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from embquant.report.numbers.recommendation import recommendations
from embquant.report.show.verdict import advice, verdict_lines, verdicts
from embquant.report.tables.recommendation import recommendation_table
from support.report_tables import CONFIG, setting, study, summary

REPORT = Path("results/reports/study/summary.txt")
STUDY = [
    setting("float32", p95=5),
    setting("int8", kept=0.999, low=0.995, p95=2),
    setting("binary", kept=0.85, low=0.8, p95=0.5),
    setting("binary", "int8", 2, kept=0.985, low=0.97, p95=0.7),
    setting("binary", "int8", 4, kept=0.995, low=0.991, p95=0.8),
    setting("binary", "float32", 4, kept=1.0, low=0.999, p95=0.9),
]


def chosen(*rows, **requirements):
    """The recommendation for the first scope."""
    return recommendations(summary(*rows), study(**requirements), "results")[0]


def words(row):
    return (row["method"], row["rescore_store"], row["rescore_multiplier"])


def test_the_cheapest_that_fits_is_chosen():
    own = chosen(*STUDY)
    assert words(own.best) == ("binary", "int8", 4)
    assert (len(own.fitting), len(own.settings)) == (4, 6)


def test_the_interval_s_lower_bound_decides_not_the_mean():
    assert words(chosen(*STUDY, min_retention=0.98).best) == ("binary", "int8", 4)  # ×2 has 0.985 and 0.97
    assert words(chosen(*STUDY, min_retention=0.97).best) == ("binary", "int8", 2)


def test_the_runner_up_is_another_method_or_store():
    assert words(chosen(*STUDY, min_retention=0.95).runner_up) == ("binary", "float32", 4)
    assert chosen(setting("float32")).runner_up is None


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        ({"max_latency_p95_ms": 0.8}, ("binary", "int8", 4)),  # just met
        ({"max_latency_p95_ms": 2, "min_retention": 0.995}, ("binary", "float32", 4)),
        ({"min_retention": 1.0}, ("float32", "none", 1)),
        ({"min_retention": 0}, ("binary", "none", 1)),
        ({"max_bytes_per_vector": 12}, ("binary", "int8", 4)),  # a file's header doesn't count
        ({"max_usd_per_month": 12 * 4.5 + 50.1, "vectors": 10**9}, ("binary", "int8", 4)),
    ],
)
def test_requirements(requirements, expected):
    assert words(chosen(*STUDY, **requirements).best) == expected


def test_a_graph_is_part_of_the_bytes_of_a_vector():
    rows = [setting("graph"), setting("float32")]
    assert words(chosen(*rows).best) == ("graph", "none", 1)
    assert chosen(*rows, max_bytes_per_vector=199).best is None
    assert words(chosen(*rows, max_bytes_per_vector=200).best) == ("graph", "none", 1)


def test_at_the_same_price_less_is_rescored_then_more_kept_then_the_study_s_order():
    rows = [setting("binary", "int8", 4), setting("binary", "int8", 2)]
    assert words(chosen(*rows, setting("int8"), STUDY[0]).best) == ("binary", "int8", 2)
    assert words(chosen(setting("int8", "int8", 2), setting("int8", kept=0.995), STUDY[0]).best) == ("int8", "none", 1)
    twin = {**setting("int8"), "method": "twin"}
    twins = study({"twin": CONFIG["methods"]["int8"]})
    for first, second in [(setting("int8", kept=0.995), twin), (twin, setting("int8", kept=0.995))]:
        own = recommendations(summary(first, second, STUDY[0]), twins, "results")[0]
        assert own.best["method"] == "twin"
    equal = recommendations(summary(setting("int8"), twin, STUDY[0]), twins, "results")[0]
    assert (equal.best["method"], equal.runner_up["method"]) == ("int8", "twin")


def test_none_fits_and_each_requirement_is_relaxed_alone():
    own = chosen(*STUDY, max_latency_p95_ms=0.75, max_bytes_per_vector=50)
    assert own.best is None
    assert [(step.requirements, words(step.setting)) for step in own.relaxations] == [
        ({"min_retention": 0.97}, ("binary", "int8", 2)),
        ({"max_latency_p95_ms": 0.8}, ("binary", "int8", 4)),
    ]


def test_what_misses_too_many_requirements_is_not_proposed():
    own = chosen(setting("float32", p95=5), setting("binary", kept=0.8, p95=4), max_latency_p95_ms=3)
    assert [step.requirements for step in own.relaxations] == [{"max_latency_p95_ms": 5.0}]


def test_requirements_that_none_misses_alone_are_relaxed_together():
    own = chosen(
        setting("float32", p95=5), setting("int8", kept=0.97, p95=2), max_latency_p95_ms=1, max_bytes_per_vector=50
    )
    assert [(step.requirements, words(step.setting)) for step in own.relaxations] == [
        ({"max_latency_p95_ms": 5.0, "max_bytes_per_vector": 400.0}, ("float32", "none", 1)),
    ]


def test_a_relaxed_limit_is_rounded_and_names_the_cheapest_that_it_lets_in():
    rows = [setting("float32", p95=5), setting("int8", low=0.97008), setting("binary", "int8", 4, low=0.97002)]
    [step] = chosen(*rows, max_latency_p95_ms=4, max_bytes_per_vector=100).relaxations
    assert (step.requirements, words(step.setting)) == ({"min_retention": 0.97}, ("binary", "int8", 4))


@pytest.mark.parametrize(
    "requirements",
    [
        {"max_latency_p95_ms": 0.1},
        {"max_latency_p95_ms": 0.25, "max_bytes_per_vector": 50},
        {"max_usd_per_month": 1e-7},
        {"min_retention": 0.9999, "max_bytes_per_vector": 99},
        {"max_latency_p95_ms": 0.1, "max_bytes_per_vector": 1, "max_usd_per_month": 1e-9},
    ],
)
def test_relaxed_as_it_says_a_study_has_the_recommendation_that_it_says(requirements):
    rows = [{**row, "latency_p95_ms": row["latency_p95_ms"] / 3} for row in STUDY]
    own = chosen(*rows, **requirements)
    assert own.relaxations
    for step in own.relaxations:
        assert words(chosen(*rows, **{**requirements, **step.requirements}).best) == words(step.setting)


def test_several_datasets_are_all_to_be_met_each_by_its_worst():
    other = [{**row, "dataset": "b", "latency_p95_ms": 2 * row["latency_p95_ms"]} for row in STUDY]
    other[4]["retention_nDCG@10_low"] = 0.98
    every, first, second = recommendations(summary(*STUDY, *other), study(), "results")
    assert [own.dataset for own in (every, first, second)] == ["all", "a", "b"]
    assert [words(own.best)[1] for own in (every, first, second)] == ["float32", "int8", "float32"]
    assert (every.best["kept_low"], every.best["latency_p95_ms"]) == (0.999, 1.8)


def test_a_setting_that_a_dataset_lacks_is_not_recommended_for_all():
    every = recommendations(summary(*STUDY, setting("float32", dataset="b")), study(), "results")[0]
    assert words(every.best) == ("float32", "none", 1)


def test_models_are_compared_apart_and_each_has_its_verdict():
    found = recommendations(summary(*STUDY, setting("float32", model="n")), study(), "results")
    assert [(own.model, own.best["method"]) for own in found] == [("m", "binary"), ("n", "float32")]
    assert len(verdicts(found, REPORT).splitlines()) == 12


def test_without_judgements_agreement_decides_and_is_called_so():
    rows = [{**row, "retention_nDCG@10": None, "retention_nDCG@10_low": None} for row in STUDY]
    rows[1]["overlap@10"], rows[1]["overlap@10_low"] = 0.994, 0.991
    own = chosen(*rows)
    assert words(own.best) == ("int8", "none", 1)
    text = "\n".join(verdict_lines(own, REPORT))
    assert "agrees with float32 by 99.40% (overlap@10; nothing is judged)" in text
    assert "keeps" not in text


def test_judged_datasets_speak_for_those_that_are_not():
    rows = [{**row, "dataset": "b", "retention_nDCG@10": None, "retention_nDCG@10_low": None} for row in STUDY]
    every, _, second = recommendations(summary(*STUDY, *rows), study(), "results")
    assert words(every.best) == ("binary", "int8", 4)
    assert second.best is None
    assert every.where == "the 1 of 2 datasets that are judged alike, by the worst of each figure"


def test_where_no_metric_has_a_value_that_is_said():
    rows = [{**row, "retention_nDCG@10": None, "retention_nDCG@10_low": None, "overlap@10": None} for row in STUDY]
    own = chosen(*rows)
    assert own.best is None
    assert "no metric of the study has a value here" in verdict_lines(own, REPORT)[2]


def test_the_verdict_in_six_lines():
    assert verdict_lines(chosen(*STUDY, vectors=10**9), REPORT) == [
        "Verdict for a · m: binary rescored by int8 ×4",
        "   required: min_retention 0.99, which 4 of 6 settings meet; none of them is cheaper",
        "   it keeps 99.50% of float32's nDCG@10, 99.10% at the interval's lower bound; p95 0.8 ms as timed on 1,000 "
        "vectors; 12 B per vector in memory; 104.00 USD a month for 1,000,000,000 vectors, 17.3× less than float32",
        "   no vector need be kept in float32; if your database holds them all the same, add 400 GB",
        "   runner-up: binary rescored by float32 ×4: keeps 100.00% of float32's nDCG@10, 99.90% at the interval's "
        "lower bound; p95 0.9 ms as timed on 1,000 vectors; 12 B per vector in memory; 254.00 USD a month for "
        "1,000,000,000 vectors",
        "   to deploy it: configuration and code at the start of results/reports/study/summary.txt; "
        "for databases, databases.md beside it",
    ]


def test_the_verdict_in_five_lines_where_none_fits():
    lines = verdict_lines(chosen(*STUDY, max_latency_p95_ms=0.75), REPORT)
    assert len(lines) == 5
    assert lines[0] == "Verdict for a · m: none of 6 settings meets the requirements"
    assert lines[1] == "   required: min_retention 0.99 and max_latency_p95_ms 0.75"
    assert lines[2] == (
        "   to be relaxed: min_retention to 0.97 for binary rescored by int8 ×2; "
        "or max_latency_p95_ms to 0.8 for binary rescored by int8 ×4"
    )


def test_float32_vectors_are_named_only_where_they_are_not_needed():
    """1,000 vectors of 100 dimensions."""
    assert chosen(*STUDY).float32_bytes == 4 * 100 * 1000
    assert np.isnan(chosen(*STUDY, min_retention=0.992).float32_bytes)  # rescored by float32
    assert np.isnan(chosen(STUDY[0]).float32_bytes)


def test_where_all_is_free_nothing_is_said_of_saving():
    free = {place: {"usd_per_gb_month": 0, "source": "mine"} for place in ("memory", "disk")}
    [own] = recommendations(summary(*STUDY), study(max_latency_p95_ms=2, prices=free), "results")
    assert words(own.best) == ("int8", "none", 1)  # which rescores nothing
    assert "0 USD a month for 1,000 vectors" in verdict_lines(own, REPORT)[2]
    assert "less than" not in verdict_lines(own, REPORT)[2]


def test_the_table_has_a_row_a_dataset_and_model():
    other = setting("float32", dataset="b", p95=9)
    found = recommendations(summary(*STUDY, other), study(max_latency_p95_ms=5), "results")
    table = recommendation_table(found).set_index("dataset")
    assert table.index.tolist() == ["all", "a", "b"]
    first = table.loc["a"]
    assert (first["measure"], first["settings"], first["fitting"]) == ("retention_nDCG@10", 6, 4)
    assert (first["method"], first["rescore_store"], first["runner_up_rescore_store"]) == ("binary", "int8", "float32")
    assert (first["kept_low"], first["relax"]) == (0.991, "")
    assert table.loc["b", "relax"] == "max_latency_p95_ms to 9 for float32"
    assert table.loc["b", ["method", "kept_low", "runner_up_method"]].isna().all()


def test_the_report_starts_with_the_verdict_the_configuration_and_the_code():
    text = advice([chosen(*STUDY)], pd.DataFrame(), REPORT)
    assert text.startswith("Verdict for a · m: binary rescored by int8 ×4\n")
    assert "binary: {codec: binary, index: flat}" in text
    assert 'Retriever.open(folder / "methods/binary.json", folder / "stores/int8.i8bin.json", threads=2)' in text
    assert 'Path("results/a/m")' in text


def test_a_setting_without_an_interval_meets_no_requirement():
    rows = [setting("float32"), {**setting("int8"), "retention_nDCG@10_low": None}]
    assert words(chosen(*rows, min_retention=0).best) == ("float32", "none", 1)
    other = [{**row, "dataset": "b"} for row in (setting("float32"), setting("int8"))]
    every = recommendations(summary(*rows, *other), study(min_retention=0), "results")[0]
    assert words(every.best) == ("float32", "none", 1), "the interval that one dataset has is not that of the other"


def test_the_verdict_says_what_more_queries_would_settle():
    """None of 300 queries lost anything of a baseline's mean of 0.5: 2.4 times as many bring the bound near enough."""
    lost = 1 - 0.025 ** (1 / 300)
    low = (1 - lost) / (1 - lost + 2 * lost)
    own = chosen(setting("float32"), setting("int8", low=low), setting("binary", kept=0.98, low=0.9))
    assert words(own.best) == ("float32", "none", 1)
    assert own.undecided["queries_needed"] == pytest.approx(300 * (1 - low) / 0.01)
    words_of_it = "about 730 would show that int8 is enough, if it keeps 100.00%; its lower bound is 97.59% now"
    assert f"   more queries: {words_of_it}" in verdict_lines(own, REPORT)
    [row] = recommendation_table([own]).to_dict("records")
    assert row["more_queries"] == words_of_it


def test_more_queries_are_for_the_cheapest_of_those_that_need_about_as_many():
    """What keeps more than float32 is taken to keep as much, or luck would choose."""
    rows = [setting("int8", kept=1.03, low=0.97), setting("binary", "float32", 4, low=0.96)]
    own = chosen(setting("float32"), *rows)
    assert words(own.undecided) == ("binary", "float32", 4)
    assert "if it keeps 100.00%" in own.more_queries
    alone = chosen(setting("float32"), rows[0])
    assert words(alone.undecided) == ("int8", "none", 1)
    assert "if it keeps 100.00%" in alone.more_queries


def test_more_queries_settle_nothing_where_no_cheaper_setting_may_be_enough():
    own = chosen(setting("float32"), setting("int8"), setting("binary", kept=0.98, low=0.9))
    assert own.more_queries == ""
    dear = chosen(setting("int8"), setting("float32", kept=0.995, low=0.9), max_bytes_per_vector=300)
    assert dear.more_queries == ""
