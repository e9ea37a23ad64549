"""EDEN and TurboQuant: the levels that Max published for a normal distribution, and what their definitions say."""

import numpy as np
import pytest

from embquant.errors import InapplicableError
from support.codec_cases import fitted, unit_vectors

MAX_1960 = {1: [0.7980], 2: [0.4528, 1.510], 3: [0.2451, 0.7560, 1.344, 2.152]}
"""Joel Max, "Quantizing for minimum distortion", table I: the positive output levels for 2, 4 and 8 of them."""


def nearest(values, bits):
    levels = np.array([*(-np.array(MAX_1960[bits][::-1])), *MAX_1960[bits]])
    return levels[np.abs(values[..., None] - levels).argmin(axis=-1)]


@pytest.mark.parametrize("bits", MAX_1960)
@pytest.mark.parametrize("dim", [32, 37])
def test_turboquant_stores_the_nearest_level(bits, dim):
    vectors = unit_vectors(300, dim)
    codec = fitted({"family": "turboquant", "bits": bits}, vectors)
    decoded = codec.decode(codec.encode(vectors)) * np.sqrt(dim)
    expected = nearest(vectors.astype(np.float64) * np.sqrt(dim), bits)
    assert (np.abs(decoded - expected) < 1e-3).mean() > 0.998  # the table has four digits: a value may lie between


@pytest.mark.parametrize("bits", MAX_1960)
@pytest.mark.parametrize("dim", [32, 37])
def test_eden_scales_the_nearest_levels_so_that_the_error_is_orthogonal(bits, dim):
    vectors = unit_vectors(300, dim)
    codec = fitted({"family": "eden", "bits": bits}, vectors)
    center = vectors.mean(axis=0, dtype=np.float64)
    beyond, decoded = vectors - center, codec.decode(codec.encode(vectors)) - center
    lengths = np.linalg.norm(beyond, axis=1, keepdims=True)
    levels = nearest(beyond / lengths * np.sqrt(dim), bits)
    expected = levels * np.square(lengths) / (beyond * levels).sum(axis=1, keepdims=True)
    assert (np.abs(decoded - expected) < 2e-3).all(axis=1).mean() > 0.95
    np.testing.assert_allclose((beyond * decoded).sum(axis=1), np.square(lengths[:, 0]), rtol=1e-5)


@pytest.mark.parametrize(("bits", "error"), [(1, 0.3634), (2, 0.1175), (3, 0.03454), (4, 0.009497)])
def test_turboquant_s_error_is_that_of_max_s_table(bits, error):
    vectors = np.random.default_rng(0).standard_normal((2000, 512)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    codec = fitted({"family": "turboquant", "bits": bits}, vectors)
    squares = np.square(codec.decode(codec.encode(vectors)) - vectors).sum(axis=1)
    assert squares.mean() == pytest.approx(error, rel=0.02)


@pytest.mark.parametrize("length", [0.4, 2.5])
def test_turboquant_s_fixed_levels_are_for_unit_vectors(length):
    with pytest.raises(InapplicableError, match="its levels are made for unit length; normalize them"):
        fitted({"family": "turboquant"}, np.float32(length) * unit_vectors())
