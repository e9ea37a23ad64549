"""OSQ: intervals of each vector's own, by the loss that its description states, and estimates by hand."""

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import norm

from embquant.quantize.codecs.intervals import ENDS, best_steps, least_ends
from support.codec_cases import fitted, repeated_for, unit_vectors

every_width = pytest.mark.parametrize("bits", [1, 2, 4, 7])

MAX_1960 = {1: 1.596, 2: 0.9957, 4: 0.3352}
"""Joel Max, "Quantizing for minimum distortion", table II: steps between 2, 4 and 16 equally spaced levels."""


def loss(vector, values):
    """Guo et al. 2020, with the weight 0.1 for the whole error."""
    error = vector - values
    return 0.9 * (vector @ error) ** 2 / (vector @ vector) + 0.1 * error @ error


def nearest(vector, ends, bits):
    """Return how far the nearest of 2^bits levels between ``ends`` is from the first to the last, 0 to 1."""
    levels = np.linspace(*ends, 1 << bits)
    return np.abs(vector[:, None] - levels).argmin(axis=1) / ((1 << bits) - 1)


@pytest.mark.parametrize("bits", MAX_1960)
def test_the_first_interval_is_the_one_that_max_published_for_a_normal_distribution(bits):
    assert ENDS[bits] == pytest.approx(MAX_1960[bits] * ((1 << bits) - 1) / 2, rel=2e-4)


@every_width
def test_the_first_interval_has_the_least_expected_squared_error(bits):
    def error(end):
        """Integrate (x − level)² over the normal density, between the borders of each level's values."""
        levels = np.linspace(-end, end, 1 << bits)
        borders = np.array([-40, *(levels[1:] + levels[:-1]) / 2, 40])
        shares, density = np.diff(norm.cdf(borders)), norm.pdf(borders)
        squares = shares - np.diff(borders * density)
        return (squares + 2 * levels * np.diff(density) + levels**2 * shares).sum()

    best = minimize_scalar(error, bounds=(0.5, 5), method="bounded", options={"xatol": 1e-4})
    assert ENDS[bits] == pytest.approx(best.x, abs=1e-3)


@every_width
def test_the_interval_for_given_levels_is_the_one_with_the_least_loss(bits):
    vectors = unit_vectors(5, 64).astype(np.float64)
    spread = ENDS[bits] * vectors.std(axis=1)
    ends = vectors.mean(axis=1) + np.stack([-spread, spread])
    shares = np.stack([nearest(vector, ends[:, row], bits) for row, vector in enumerate(vectors)])
    found = least_ends(vectors, np.square(vectors).sum(axis=1), shares, ends)
    for row, (vector, share) in enumerate(zip(vectors, shares, strict=True)):

        def of_ends(tried, vector=vector, share=share):
            return 100 * loss(vector, tried[0] + share * (tried[1] - tried[0]))

        best = minimize(of_ends, ends[:, row])
        np.testing.assert_allclose(found[:, row], best.x, atol=1e-4)


@every_width
def test_no_vector_loses_more_than_in_its_first_interval_and_most_lose_less(bits):
    vectors = unit_vectors(100, 64).astype(np.float64)
    steps = best_steps(vectors, bits)
    gains = []
    for row, vector in enumerate(vectors):
        spread = ENDS[bits] * vector.std()
        ends = np.clip([vector.mean() - spread, vector.mean() + spread], vector.min(), vector.max())
        first = loss(vector, ends[0] + nearest(vector, ends, bits) * (ends[1] - ends[0]))
        gains.append(1 - loss(vector, steps.first[row] + steps.levels[row] * steps.step[row]) / first)
    assert min(gains) > -1e-3  # ends are float32
    assert np.median(gains) > 0.1


@every_width
def test_levels_are_the_nearest_of_their_interval(bits):
    vectors = unit_vectors(30, 64).astype(np.float64)
    steps = best_steps(vectors, bits)
    for vector, levels, first, step in zip(vectors, *steps, strict=True):
        values = first + step * np.arange(1 << bits)
        np.testing.assert_array_equal(levels, np.abs(vector[:, None] - values).argmin(axis=1))


def test_a_vector_of_two_values_is_stored_exactly_in_one_bit():
    corpus = np.array([[1, -1, 1, -1], [-3, 3, 3, -3], [2, 2, -4, -4], [0, -4, 0, 8]], np.float32)
    corpus -= corpus.mean(axis=0)
    two = np.array([[1, -1, 1, -1], [0.25, 0.5, 0.5, 0.25], [0, 0, 0, 0], [3, 3, 3, 3]], np.float32)
    codec = fitted({"family": "osq"}, corpus)
    codes = codec.encode(two)
    np.testing.assert_allclose(codec.decode(codes), two, atol=1e-6)
    assert codes.shape == (4, 1 + 14)
    assert codes[:2, 0].tolist() == [0b10100000, 0b01100000]


@every_width
def test_what_the_mean_contributes_is_exact(bits):
    """So what is far from the origin, documents and queries alike, is compared as well as if it were centred."""
    vectors, queries = unit_vectors(), unit_vectors(9, seed=1)
    far = np.full(32, 3, np.float32)
    here, there = (
        fitted({"family": "osq", "bits": bits}, vectors),
        fitted({"family": "osq", "bits": bits}, vectors + far),
    )

    def errors(codec, vectors, queries):
        scores = codec.score(queries, repeated_for(queries, codec.encode(vectors)))
        return scores - queries.astype(np.float64) @ vectors.T

    centred = errors(here, vectors, queries)
    np.testing.assert_allclose(errors(there, vectors + far, queries + far), centred, atol=2e-4)
