"""Diagnoses: vectors whose mean, spectrum, duplicates and margins are known, and NumPy in float64 as judge."""

import numpy as np
import pytest
from scipy.linalg import eigvalsh

from embquant.measure import diagnosis
from embquant.measure.diagnosis import diagnose
from embquant.quantize.batches import Batches
from embquant.report.show.diagnosis import sample_words

RNG = np.random.default_rng(7)
DIM = 24
VECTORS = (RNG.standard_normal((500, DIM)) * np.linspace(0.2, 2, DIM) + 0.5).astype(np.float32)
QUERIES = RNG.standard_normal((30, DIM)).astype(np.float32)


def batches(vectors, size=70):
    return Batches(lambda: iter(np.array_split(vectors, range(size, len(vectors), size))), *vectors.shape)


def found(vectors, queries=None, **options):
    return diagnose(batches(np.asarray(vectors, np.float32)), queries, **options)


def test_the_mean_and_lengths_are_numpy_s():
    exact = VECTORS.astype(np.float64)
    lengths = np.linalg.norm(exact, axis=1)
    own = found(VECTORS)
    assert own.mean_share == pytest.approx(np.linalg.norm(exact.mean(axis=0)) / lengths.mean(), rel=1e-9)
    assert (own.length_mean, own.length_least, own.length_greatest) == pytest.approx(
        (lengths.mean(), lengths.min(), lengths.max()), rel=1e-9
    )


@pytest.mark.parametrize("shift", [0.0, 0.75, 1.0])
def test_the_mean_share_of_a_known_mean(shift):
    """Half of the vectors point up, half down, before all are shifted along another axis: lengths stay equal."""
    up = np.sqrt(1 - shift**2)
    assert found([[up, shift], [-up, shift]] * 10).mean_share == pytest.approx(shift, abs=1e-7)


def test_the_effective_dimension_is_that_of_the_eigenvalues_corrected_for_the_sample():
    n = len(VECTORS) - 1
    eigenvalues = eigvalsh(np.cov(VECTORS.astype(np.float64), rowvar=False))
    trace, squares = eigenvalues.sum(), (eigenvalues**2).sum()
    assert found(VECTORS).effective_dim == pytest.approx(
        trace**2 / (n**2 / ((n - 1) * (n + 2)) * (squares - trace**2 / n)), rel=1e-9
    )


@pytest.mark.parametrize("count", [60, 400])
def test_the_effective_dimension_of_a_known_spectrum_does_not_depend_on_the_sample(count):
    spectrum = 1.0 / np.arange(1, 101)
    known = spectrum.sum() ** 2 / (spectrum**2).sum()
    draws = [np.random.default_rng(seed).standard_normal((count, 100)) * np.sqrt(spectrum) for seed in range(8)]
    assert np.mean([found(draw).effective_dim for draw in draws]) == pytest.approx(known, rel=0.1)


def test_the_effective_dimension_has_known_limits():
    line = np.outer(np.linspace(-1, 1, 400), np.ones(8))
    assert found(line).effective_dim == pytest.approx(1, rel=0.01)
    corners = np.concatenate([np.eye(16), -np.eye(16)] * 100)
    assert found(corners).effective_dim == pytest.approx(16, rel=1e-6)


def test_dead_and_outlier_dimensions_are_named():
    vectors = RNG.standard_normal((300, 12))
    vectors[:, 3] = 0.25
    vectors[:, 8] *= 1e-5
    vectors[:, 5] += 10
    own = found(vectors)
    assert (own.dead, own.outliers) == ([3, 8], [5])
    squares = np.float32(vectors).astype(np.float64) ** 2
    assert own.outlier_share == pytest.approx(squares[:, 5].sum() / squares.sum(), rel=1e-9)


def test_the_span_is_the_range_in_deviations_of_the_median_dimension():
    exact = VECTORS.astype(np.float64)
    assert found(VECTORS).span == pytest.approx(np.median(np.ptp(exact, axis=0) / exact.std(axis=0, ddof=1)), rel=1e-9)


@pytest.mark.parametrize("k", [1, 10])
def test_margins_are_those_of_a_brute_force_search(k):
    exact, asked = VECTORS.astype(np.float64), QUERIES.astype(np.float64)
    scores = asked @ exact.T
    order = np.sort(scores, axis=1)[:, ::-1]
    gaps = order[:, k - 1] - order[:, 2 * k - 1]
    own = found(VECTORS, QUERIES, k=k)
    assert own.margin == pytest.approx(np.median(gaps / np.abs(order[:, k - 1])), rel=1e-4)
    assert own.margin_in_deviations == pytest.approx(np.median(gaps / scores.std(axis=1, ddof=1)), rel=1e-4)
    assert (own.queries, own.own_queries) == (30, False)


def test_without_queries_vectors_are_searched_for_among_the_others():
    exact = VECTORS[:200].astype(np.float64)
    scores = exact @ exact.T
    np.fill_diagonal(scores, -np.inf)
    order = np.sort(scores, axis=1)[:, ::-1]
    own = found(VECTORS[:200])
    assert own.margin == pytest.approx(np.median((order[:, 9] - order[:, 19]) / np.abs(order[:, 9])), rel=1e-4)
    assert (own.queries, own.own_queries) == (200, True)


def test_duplicates_are_counted():
    vectors = np.concatenate([VECTORS, VECTORS[:50], VECTORS[:50], -VECTORS[:10]])
    assert found(RNG.permutation(vectors)).duplicates == pytest.approx(100 / 610)
    assert found(np.array([[0.0, 1], [-0.0, 1], [1, 0]])).duplicates == pytest.approx(1 / 3)


def test_duplicates_of_many_vectors_are_estimated_from_a_sample_of_values(monkeypatch):
    monkeypatch.setattr(diagnosis, "HASHES", 1000)
    distinct = RNG.standard_normal((16_000, 4))
    assert found(np.concatenate([distinct, distinct[:4000]])).duplicates == pytest.approx(0.2, abs=0.04)


def test_a_sample_of_the_vectors_is_seeded_and_near_the_whole(monkeypatch):
    whole = found(VECTORS, QUERIES)
    monkeypatch.setattr(diagnosis, "SAMPLE", 300)
    sampled = found(VECTORS, QUERIES, seed=1)
    assert (sampled.sampled, whole.sampled) == (300, 500)
    assert sampled == found(VECTORS, QUERIES, seed=1) != found(VECTORS, QUERIES, seed=2)
    assert sampled.effective_dim == pytest.approx(whole.effective_dim, rel=0.1)
    assert (sampled.mean_share, sampled.margin, sampled.duplicates) == (
        whole.mean_share,
        whole.margin,
        whole.duplicates,
    )


def test_vectors_without_numbers_are_counted_and_left_out():
    broken = np.concatenate([VECTORS, VECTORS[:3], np.zeros((2, DIM), np.float32)])
    broken[500, 0], broken[501, 1], broken[502] = np.nan, np.inf, -np.inf
    own = found(broken, QUERIES)
    assert (own.unusable, own.zero, own.vectors) == (3, 2, 505)
    without = found(np.delete(broken, [500, 501, 502], axis=0), QUERIES)
    for name in ("mean_share", "effective_dim", "span", "margin", "duplicates", "length_mean"):
        assert getattr(own, name) == pytest.approx(getattr(without, name), rel=1e-12), name


def test_a_run_begins_with_what_a_sample_tells():
    """Half of the vectors point one way, half at a right angle to it: their mean is √½ long; codes find all that is."""
    vectors = np.tile(np.eye(4, dtype=np.float32)[[0, 1]], (6, 1))
    words = sample_words(found(vectors))
    assert words.startswith("12 sampled: mean share 0.71; ")
    assert "2 dead" in words
    assert "among them: bits" in words
    assert "among them" not in sample_words(found(vectors[:4]))
