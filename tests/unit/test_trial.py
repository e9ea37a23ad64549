"""Codecs tried on a sample, judged by sentence-transformers' rules written out in NumPy, and the power of a study."""

from dataclasses import replace
from itertools import takewhile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from embquant.cli import main
from embquant.measure.diagnosis import diagnose
from embquant.measure.power import Power
from embquant.measure.statistics import least_detectable_difference, queries_to_detect
from embquant.measure.trial import tried
from embquant.quantize.batches import Batches
from embquant.report.numbers.power import measured
from embquant.report.reports import Reports
from embquant.report.show.diagnosis import BANDS, lessons_text
from support.made_up_study import write_study

REPOSITORY = Path(__file__).parents[2]
RNG = np.random.default_rng(11)
VECTORS = (RNG.standard_normal((400, 32)) + RNG.standard_normal(32)).astype(np.float32)
QUERIES = (RNG.standard_normal((25, 32)) + 0.5).astype(np.float32)
NONE = np.full(len(QUERIES), -1)


def overlap(scores, exact, k=10):
    """Share of the k best by ``scores``, ties by row, that are among the k best by ``exact``."""
    first, best = (np.argsort(-values, axis=1, kind="stable")[:, :k] for values in (scores, exact))
    return np.mean([len(set(one) & set(other)) / k for one, other in zip(first, best, strict=True)])


@pytest.mark.parametrize(("name", "thresholds"), [("binary", 0), ("binary_centred", VECTORS.mean(axis=0, dtype=float))])
def test_bits_are_compared_with_bits(name, thresholds):
    bits, asked = (values > np.float32(thresholds) for values in (VECTORS, QUERIES))
    hamming = (asked[:, None] != bits[None]).sum(axis=2)
    exact = QUERIES.astype(float) @ VECTORS.T.astype(float)
    assert tried(VECTORS, QUERIES, NONE, 10)[name] == pytest.approx(overlap(-hamming, exact))


@pytest.mark.parametrize("scale", [1.0, 300.0, 2.0**120])
def test_a_diagnosis_tries_codecs_on_vectors_of_any_length(scale):
    scaled = [(values * np.float32(scale)) for values in (VECTORS, QUERIES)]
    found = diagnose(Batches(lambda: iter(scaled[:1]), *VECTORS.shape), scaled[1]).overlap
    assert found == pytest.approx(tried(VECTORS, QUERIES, NONE, 10))


def test_int8_codes_are_compared_with_the_float_query():
    low, high = VECTORS.min(axis=0).astype(float), VECTORS.max(axis=0).astype(float)
    step = (high - low) / 255
    levels = np.clip(np.floor((VECTORS - low) / step), 0, 255)
    exact = QUERIES.astype(float) @ VECTORS.T.astype(float)
    own = tried(VECTORS, QUERIES, NONE, 10)["int8"]
    assert own == pytest.approx(overlap(QUERIES @ (low + (levels + 0.5) * step).T, exact), abs=0.005)


def test_a_vector_that_is_searched_for_is_not_found():
    own = np.arange(25)
    found = tried(VECTORS, VECTORS[:25], own, 10)
    exact = VECTORS[:25].astype(float) @ VECTORS.T.astype(float)
    exact[own, own] = -np.inf
    bits = VECTORS > 0
    agreement = (bits[:25, None] == bits[None]).sum(axis=2).astype(float)
    agreement[own, own] = -np.inf
    assert found["binary"] == pytest.approx(overlap(agreement, exact))


def test_what_cannot_be_tried_is_none():
    assert tried(VECTORS[:10], QUERIES, NONE, 10) == {"binary": None, "binary_centred": None, "int8": None}
    huge = np.full((50, 4), 3e38, np.float32) * np.where(np.arange(200).reshape(50, 4) % 2, 1, -1).astype(np.float32)
    assert tried(huge, np.ones((3, 4), np.float32), np.full(3, -1), 2)["int8"] is None


@pytest.mark.parametrize(("deviation", "loss"), [(0.2, 0.05), (0.5, 0.1)])
def test_so_many_queries_find_the_loss_four_times_in_five(deviation, loss):
    queries = queries_to_detect(deviation, loss)
    samples = np.random.default_rng(0).normal(-loss, deviation, (4000, queries))
    assert np.mean(ttest_1samp(samples, 0, axis=1).pvalue < 0.05) == pytest.approx(0.8, abs=0.025)


def test_it_is_the_reverse_of_the_least_detectable_difference():
    differences = np.random.default_rng(0).normal(0, 0.3, (1, 700))
    least = least_detectable_difference(differences, 0.05)[0]
    assert queries_to_detect(differences.std(ddof=1), least) == pytest.approx(700, abs=1)


def test_powers_before_a_study_are_of_the_assumed_deviations():
    bits = next(power for power in Power.assumed() if power.setting == "bits ×4, by int8")
    assert (bits.deviation, bits.queries) == (0.176, 2432)  # ((1.95996 + 0.84162) · 17.6)²
    assert (bits.fewest, bits.most, bits.measured_queries) == (81, 58_728, None)


def test_powers_of_a_study_are_of_its_differences_per_query(tmp_path):
    reports = Reports.read(write_study(tmp_path, queries=80))
    found = {power.setting: power for power in measured(reports)}
    scope = reports.scopes[0]
    settings = scope.listed()
    for name, differences in reports.differences(scope, settings[settings["setting"] == "binary"]).items():
        whole = settings.loc[settings["method"] == "float32", "nDCG@10"].iloc[0]
        expected = (2.8015852 * np.std(differences, ddof=1) / (0.01 * whole)) ** 2
        assert found[name].queries == np.ceil(expected)
    assert (found["binary"].measured_queries, found["binary"].dataset) == (80, "facts")
    assert "float32" not in found


def test_what_verdicts_say_of_more_queries_is_repeated(tmp_path, capsys):
    reports = write_study(tmp_path, queries=80)
    table = pd.read_csv(reports / "recommendation.csv")
    table["more_queries"] = ["about 900 would show that binary is enough"]
    table.to_csv(reports / "recommendation.csv", index=False)
    np.save(tmp_path / "v.npy", VECTORS)
    assert main(["diagnose", str(tmp_path / "v.npy"), "--reports", str(reports)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "   facts · minilm: about 900 would show that binary is enough"
    assert any(line.split()[:1] == ["binary"] and line.endswith("measured on 80") for line in lines)


def cells(page, heading):
    """Return the cells of the table below a heading of a page."""
    lines = page.split(heading)[1].splitlines()
    start = next(number for number, line in enumerate(lines) if set(line) <= set("|- ") and "---" in line)
    rows = list(takewhile(lambda line: line.startswith("|"), lines[start + 1 :]))
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_what_is_said_of_bits_is_what_the_measured_cases_say():
    page = (REPOSITORY / "docs" / "diagnose.md").read_text(encoding="utf-8")
    found = [float(row[-3]) for row in cells(page, "## The cases")]
    kept = cells(page, "overlap@10 · share of float32's nDCG@10:")
    assert len(found) == len(kept) == 20
    upper = 1.0
    for least, plain, rescored, cases in BANDS:
        own = [row for tried_bits, row in zip(found, kept, strict=True) if least <= tried_bits < upper]
        upper = least
        assert len(own) == cases
        for column, said in ((3, plain), (6, rescored)):
            shares = [float(row[column].split("·")[1]) for row in own]
            assert [float(end) for end in said.split(" to ")] == pytest.approx([min(shares), max(shares)], abs=0.0051)
    assert min(float(row[7].split("·")[1]) for row in kept) >= 0.998  # int8


def test_lessons_follow_from_what_bits_find():
    vectors = np.random.default_rng(0).standard_normal((500, 384)).astype(np.float32)
    found = diagnose(Batches(lambda: iter([vectors]), *vectors.shape))

    def lessons(bits, centred, k=10):
        return lessons_text(replace(found, k=k, overlap={"binary": bits, "binary_centred": centred, "int8": 1.0}))

    assert "kept 0.87 to 0.97 of nDCG@10" in lessons(0.55, 0.56)
    assert "fewer are found than in any of them" in lessons(0.3, 0.31)
    assert "makes no difference that shows" in lessons(0.5, 0.53)
    assert "pays here: +5.0%" in lessons(0.5, 0.55)
    assert "costs here: -5.0%" in lessons(0.5, 0.45)
    assert lessons(None, None) == lessons(0.5, 0.5, k=20) == ""
