"""One setting of all models is recommended where something is required of quality itself."""

from pathlib import Path

import pytest

from embquant.errors import InputError
from embquant.report.numbers.check import Demand, checks
from embquant.report.numbers.limits import limits_of
from embquant.report.numbers.recommendation import recommendations
from embquant.report.reports import Reports
from embquant.report.show.check import check_text
from embquant.report.show.verdict import page_verdicts, verdict_lines
from embquant.report.tables.recommendation import recommendation_table
from embquant.study.study import Study
from support.made_up_study import write_study
from support.report_tables import CONFIG, setting, summary

REPORT = Path("results/reports/study/summary.txt")
KEYS = ["dataset", "model", "method", "rescore_store", "rescore_multiplier", "top_k"]


def row(model, method, quality, low, below, kept=1.0, **others):
    """A setting of a model, and what models.csv has of it: ``below`` is how far it may be below the best model."""
    made = setting(method, kept=kept, model=model)
    if model == "small":  # it has half the dimensions
        made |= {"bytes_per_vector": made["bytes_per_vector"] / 2, "index_file_bytes": made["index_file_bytes"] / 2}
    return {**made, "nDCG@10": quality, "nDCG@10_low": 0.0, "low_by": low, "below_by": below, **others}


STUDY = [
    row("big", "float32", 0.60, 0.57, 0.0),
    row("big", "int8", 0.595, 0.565, 0.009, kept=0.99),
    row("big", "binary", 0.56, 0.53, 0.05, kept=0.93),
    row("small", "float32", 0.50, 0.47, 0.12),
    row("small", "int8", 0.50, 0.47, 0.12),
    row("small", "binary", 0.45, 0.42, 0.18, kept=0.9),
]


def two_models(**requirements):
    """The study."""
    models = {"big": {"name": "big-model"}, "small": {"name": "small-model"}}
    return Study.read({**CONFIG, "models": models, "requirements": requirements})


def chosen(*rows, **requirements):
    """The recommendations among all models."""
    table = summary(*rows)
    models = table[KEYS].assign(
        metric="nDCG@10",
        quality=table["nDCG@10"],
        quality_low=table["low_by"],
        against_best_low=-table["below_by"],
    )
    return recommendations(table, two_models(**requirements), "results", models=models)


def words(found):
    return None if found.best is None else (found.best["model"], found.best["method"])


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        ({"min_quality": {"nDCG@10": 0.42}}, ("small", "binary")),
        (
            {"min_quality": {"nDCG@10": 0.45}},
            ("big", "binary"),
        ),  # fewer bytes than int8 of the small model
        ({"min_quality": {"nDCG@10": 0.54}}, ("big", "int8")),
        ({"min_quality": {"nDCG@10": 0.45}, "min_retention": 0.95}, ("small", "int8")),
        ({"max_below_best_model": 0.01}, ("big", "int8")),
        ({"max_below_best_model": 0.005}, ("big", "float32")),
        ({"max_below_best_model": 0.12, "max_bytes_per_vector": 50}, ("big", "binary")),
        ({"min_quality": {"nDCG@10": 0.7}}, None),
    ],
)
def test_the_cheapest_setting_of_any_model_that_meets_all(requirements, expected):
    [found] = chosen(*STUDY, **requirements)
    assert words(found) == expected


def test_retention_of_0_99_is_required_only_where_nothing_is_said_of_quality():
    assert limits_of(two_models()) == {"min_retention": 0.99}
    assert limits_of(two_models(min_quality={"nDCG@10": 0.45})) == {"min_quality nDCG@10": 0.45}


def test_what_would_have_to_be_relaxed_names_the_model():
    [found] = chosen(*STUDY, min_quality={"nDCG@10": 0.7})
    assert [str(step) for step in found.relaxations] == ["min_quality nDCG@10 to 0.57 for big · float32"]
    [one] = chosen(*STUDY, min_quality={"nDCG@10": 0.57})
    assert words(one) == ("big", "float32")


def test_the_verdict_says_quality_itself_and_the_configuration_has_one_model():
    [found] = chosen(*STUDY, min_quality={"nDCG@10": 0.45})
    lines = verdict_lines(found, REPORT)
    assert lines[0] == "Verdict for a · all models: big · binary"
    assert "it has nDCG@10 0.5600, 0.5300 at the interval's lower bound, at most 0.0500 below the best" in lines[2]
    assert any(line.startswith("   runner-up: small · int8: has nDCG@10 0.5000") for line in lines)
    assert 'Path("results/a/big")' in found.deployment_code
    [table] = recommendation_table([found]).to_dict("records")
    assert (table["model"], table["chosen_model"], table["runner_up_model"]) == ("all models", "big", "small")
    assert (table["quality"], table["quality_low"], table["below_best_model"]) == (0.56, 0.53, 0.05)


def test_another_metric_that_is_required_is_shown_with_its_lower_bound():
    rows = [{**one, "RR@10": 0.4, "RR@10_low": one["nDCG@10"] - 0.2} for one in STUDY]
    [found] = chosen(*rows, min_quality={"RR@10": 0.31})
    assert words(found) == ("big", "binary")
    assert "the best model's float32; RR@10 of at least 0.3600; keeps" in verdict_lines(found, REPORT)[2]
    [table] = recommendation_table([found]).to_dict("records")
    assert table["others_required"] == "RR@10 0.3600"


def test_each_dataset_has_to_be_met_and_the_worst_figure_counts():
    other = [{**one, "dataset": "b", "low_by": one["low_by"] - 0.1} for one in STUDY]
    every, first, second = chosen(*STUDY, *other, min_quality={"nDCG@10": 0.42})
    assert [words(found) for found in (every, first, second)] == [
        ("big", "binary"),
        ("small", "binary"),
        ("big", "binary"),
    ]
    assert every.best["nDCG@10_low"] == pytest.approx(0.43)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("overlap@10", "'overlap@10' is none of the study's judged metrics"),
        ("R@100", "'R@100' has no value at top_k 10, by which settings are judged"),
    ],
)
def test_a_metric_that_settings_have_no_value_of_is_refused(metric, message):
    with pytest.raises(InputError, match=message):
        two_models(min_quality={metric: 0.5})


def test_reports_say_and_check_the_one_setting_of_all_models(tmp_path):
    options = {"methods": ["float32", "binary"], "models": ("big", "small"), "multipliers": (4,)}
    reports = Reports.read(write_study(tmp_path, **options, requirements={"min_quality": {"nDCG@10": 0.2}}))
    [verdict] = page_verdicts(reports)
    assert verdict["place"] == "facts · all models"
    assert verdict["setting"] == "big · binary", "both take 48 bytes, and the better one is chosen"
    assert verdict["requirements"] == "nDCG@10 of at least 0.2, at the lower bound"
    assert verdict["runner_up"].startswith("small · binary, nDCG@10 0.")
    [one] = checks(reports, Demand(limits_of(reports.study)))
    assert (one.model, one.requirement, one.met) == (verdict["chosen_model"], "min_quality nDCG@10", True)
    assert one.value == pytest.approx(verdict["quality_low"], abs=1e-6)
    text = check_text([one], reports.folder, "lower").splitlines()
    assert text[0] == "facts · big: big · binary"
    assert text[1] == f"   met      min_quality nDCG@10  at least 0.2: {one.value:.6g}  quality itself, lower bound"


def test_nothing_is_recommended_where_no_quality_is_known(tmp_path):
    options = {"methods": ["float32", "binary"], "models": ("big", "small"), "multipliers": (4,), "judged": False}
    for number, requirements in enumerate([{"min_quality": {"nDCG@10": 0.2}}, {"max_below_best_model": 0.1}]):
        reports = Reports.read(write_study(tmp_path / str(number), **options, requirements=requirements))
        [verdict] = page_verdicts(reports)
        assert (verdict["place"], verdict["setting"]) == ("facts · all models", "")


def test_nothing_would_have_to_be_relaxed_where_every_baseline_is_at_chance():
    """All settings are near enough to the best model, but what they keep says nothing."""
    (found,) = chosen(*({**one, "baseline_p": 0.6} for one in STUDY), max_below_best_model=0.2)
    assert (found.best, found.relaxations) == (None, [])
    lines = verdict_lines(found, REPORT)
    assert "isn't distinguishable from chance" in lines[0]
    assert lines[2] == "Verdict for a · all models: nothing is recommended"


def test_a_study_of_one_model_may_require_quality_as_well(tmp_path):
    options = {"methods": ["float32", "binary"], "multipliers": (4,), "requirements": {"max_below_best_model": 0.3}}
    [verdict] = page_verdicts(Reports.read(write_study(tmp_path, **options)))
    assert verdict["chosen_model"] == "minilm"
    assert 0 < verdict["below_best_model"] <= 0.3
