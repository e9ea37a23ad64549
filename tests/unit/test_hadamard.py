"""The Hadamard rotation: scipy's matrices, dimensions that are no powers of two, and what its state may be."""

import numpy as np
import pytest
from scipy.linalg import block_diag, hadamard

from embquant.quantize.transforms.hadamard import HadamardMap
from support.codec_cases import unit_vectors


def by_definition(signs, dim):
    """Multiply out the signs and scipy's Hadamard matrix, on the first and then on the last dimensions, in float64."""
    width = signs.shape[2]
    rest, rotation = np.eye(dim - width), np.eye(dim)
    for place, window in enumerate(signs):
        for turn in window:
            step = hadamard(width) / np.sqrt(width) * turn
            rotation = (block_diag(step, rest) if place == 0 else block_diag(rest, step)) @ rotation
    return rotation


@pytest.mark.parametrize("dim", [1, 2, 7, 32, 37, 384])
def test_a_rotation_is_that_of_scipy_s_matrices(dim):
    rotation, vectors = HadamardMap.random(dim, 3), unit_vectors(20, dim)
    expected = by_definition(rotation.signs.astype(np.float64), dim)
    np.testing.assert_allclose(expected @ expected.T, np.eye(dim), atol=1e-12)
    np.testing.assert_allclose(rotation.documents(vectors), vectors @ expected.T, atol=1e-6)
    np.testing.assert_allclose(rotation.matrix, expected, atol=1e-6)
    assert rotation.documents(vectors[:1]).tobytes() == rotation.documents(vectors)[:1].tobytes()


@pytest.mark.parametrize("dim", [64, 96, 384])
def test_what_one_dimension_holds_is_spread_over_all(dim):
    matrix = HadamardMap.random(dim, 0).matrix
    assert np.abs(matrix).max() < 5.5 / np.sqrt(dim)  # a uniform rotation's largest values are as large
    assert not np.allclose(matrix, HadamardMap.random(dim, 1).matrix)


@pytest.mark.parametrize(
    "change",
    [
        {"transform_dim": np.array(16)},
        {"transform_dim": np.array(0)},
        {"transform_dim": np.array(9.0)},
        {"transform_signs": np.ones((2, 3, 8))},
        {"transform_signs": np.zeros((2, 3, 8), np.int8)},
        {"transform_signs": np.ones((1, 3, 8), np.int8)},
    ],
    ids=str,
)
def test_a_state_that_is_no_rotation_is_refused(change):
    state = HadamardMap.random(9, 0).state()
    assert HadamardMap.from_state(state).dim == 9
    with pytest.raises(ValueError, match="transform_"):
        HadamardMap.from_state({**state, **change})
