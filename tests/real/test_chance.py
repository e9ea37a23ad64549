"""Intervals, tests and power on real queries: 300 of SciFact, and 1,000 captions of multi30k.

Each figure is judged by what it claims: intervals by resamples drawn by another generator, p by comparisons in which
there is nothing to find, power by studies drawn from the differences that were measured. docs/statistics.md quotes what
was seen.
"""

import numpy as np
import pytest
from scipy.stats import kstest

from embquant.files.parquet import count_rows
from embquant.measure.metrics import Ranking, Reference, parse_metric
from embquant.measure.quality import read_judgements
from embquant.measure.statistics import has_few_differences, least_detectable_difference, randomization_test
from embquant.report.numbers.intervals import Chance
from embquant.report.numbers.measured import read_measured
from embquant.report.numbers.significance import Analysis
from embquant.retrieve.candidates import Candidates

METHODS = ["float32", "binary", "int8", "int8-codes", "int8-hnsw"]
QUERIES = {"scifact": 300, "captions": 1000}
METRIC = "nDCG@10"


@pytest.fixture(scope="module", params=QUERIES)
def model(request):
    """The folders of a dataset's and a model's files, and of what was measured of them."""
    folder, name = request.getfixturevalue(request.param), request.param
    return folder / "results" / name, folder / "results" / "reports" / name / "runs" / name / "minilm-256"


@pytest.fixture(scope="module")
def measured(model):
    """Each query's nDCG@10 at top_k 10, of every setting, the baseline first."""
    group = next(read_measured([model[1] / method for method in METHODS]).by_top_k())
    assert group.settings["top_k"].eq(10).all()
    assert group.metrics[METRIC].shape[1] == QUERIES[model[0].name]
    return group.metrics[METRIC]


def shares_within(values, table, name):
    """Return the share of ``values`` (settings, resamples) between the ends of each setting's interval."""
    low, high = (table[f"{name}_{end}"].to_numpy()[:, None] for end in ("low", "high"))
    return ((low - 1e-12 <= values) & (values <= high + 1e-12)).mean(axis=1)


def test_intervals_hold_as_many_resamples_as_they_say(model, measured):
    """5,000 resamples of the queries, drawn by a Mersenne twister and averaged one by one."""
    analysis = Analysis.of([model[1] / method for method in METHODS], "float32", Chance(0, 10_000, 0.95))
    retrieval = analysis.retrieval().query("top_k == 10")
    twister = np.random.RandomState(11)
    queries = measured.shape[1]
    means = np.stack([measured[:, twister.randint(queries, size=queries)].mean(axis=1) for _ in range(5000)], axis=1)
    few = has_few_differences(measured - measured[0])
    assert not few.all()
    of_means = shares_within(means, retrieval, METRIC)
    of_retentions = shares_within(means / means[0], retrieval, f"retention_{METRIC}")
    assert of_means == pytest.approx(0.95, abs=0.015)
    assert of_retentions[~few] == pytest.approx(0.95, abs=0.015)
    assert (of_retentions[few] >= 0.95).all()


def test_p_is_uniform_for_two_noisy_copies_of_one_method(model):
    """float32's ranking of 100 documents twice, each time with noise on its scores: 2,000 comparisons of nothing."""
    dataset, runs = model
    rows, scores = (part[:, :100] for part in Candidates(runs / "float32" / "candidates.parquet").read(0))
    documents = count_rows([dataset / "corpus.parquet"])
    judgements = read_judgements(dataset / "qrels.parquet", len(rows), documents)
    rng = np.random.default_rng(12)

    def noisy():
        order = np.argsort(-scores - rng.normal(scale=0.03, size=scores.shape), axis=1)[:, :10]
        own = np.take_along_axis(rows, order, axis=1)
        return parse_metric(METRIC).compute(Ranking(own, own * 0.0), judgements, Reference(own, own * 0.0))

    differences = np.stack([noisy() - noisy() for _ in range(2000)])
    p = randomization_test(differences, 10_000, 0)
    found = (p <= 0.05).mean()
    assert kstest(p, "uniform").pvalue > 0.01
    assert found == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / len(p)))


def test_the_least_detectable_difference_is_found_four_times_in_five(measured, model):
    """1,000 studies of as many queries, drawn from the differences of binary, as if they were as large as that."""
    differences = (measured - measured[0])[[1]]
    assert np.count_nonzero(differences) >= 50
    least = least_detectable_difference(differences, 0.05)[0]
    population = differences[0] - differences[0].mean() - least
    rng = np.random.default_rng(13)
    studies = population[rng.integers(len(population), size=(1000, len(population)))]
    found = (randomization_test(studies, 10_000, 0) <= 0.05).mean()
    assert found == pytest.approx(0.8, abs=0.04)
