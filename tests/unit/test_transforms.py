"""Transforms: the maps that other libraries find, chained in the order they are named."""

import faiss
import numpy as np
import pytest
from scipy.optimize import brentq
from sentence_transformers.util import truncate_embeddings
from sklearn.decomposition import PCA

from embquant.errors import InputError
from embquant.quantize.transforms import TRANSFORMS, fit_transforms, parse_transforms, transform_from_state
from embquant.quantize.transforms.allocation import bits_of_axes, dealt
from embquant.quantize.transforms.rotation import random_rotation
from support.codec_cases import fitted, sample, unit_vectors

PARAMETERS = {
    "center": {},
    "truncate": {"dim": 20},
    "pca": {"dim": 20},
    "rotation": {},
    "hadamard": {},
    "itq": {},
    "opq": {"pieces": 4, "iterations": 3},
    "allocation": {"pieces": 4},
}


def learned(entries, vectors):
    return fit_transforms(parse_transforms(entries), sample(vectors))


def entry(kind):
    return {"kind": kind, **PARAMETERS[kind]}


@pytest.mark.parametrize("kind", TRANSFORMS.names())
def test_documents_are_mapped_affinely_to_dim_dimensions(kind):
    vectors = unit_vectors()
    transform = learned(entry(kind), vectors)
    mapped = transform.documents(vectors)
    assert mapped.shape == (len(vectors), transform.dim)
    assert mapped.dtype == np.float32
    if not transform.normalize:
        expected = vectors.astype(np.float64) @ transform.matrix.T + transform.offset
        np.testing.assert_allclose(mapped, expected, atol=1e-6)
    np.testing.assert_allclose(transform.queries(vectors), vectors @ transform.matrix.T, atol=1e-6)


@pytest.mark.parametrize("kind", TRANSFORMS.names())
def test_saved_state_is_the_same_map(kind):
    vectors = unit_vectors()
    for entries in (entry(kind), [entry("truncate"), entry(kind)]):
        transform = learned(entries, vectors)
        again = transform_from_state(transform.state())
        assert again.documents(vectors).tobytes() == transform.documents(vectors).tobytes()
        assert again.queries(vectors).tobytes() == transform.queries(vectors).tobytes()
    assert transform_from_state({"ranges": np.zeros(3)}) is None


@pytest.mark.parametrize("kind", ["rotation", "hadamard", "itq", "opq"])
def test_rotations_are_orthogonal_and_reproducible(kind):
    vectors = unit_vectors()
    matrices = [learned(entry(kind), vectors).matrix for _ in range(2)]
    assert np.array_equal(*matrices)
    np.testing.assert_allclose(matrices[0] @ matrices[0].T, np.eye(32), atol=1e-5)


def test_another_seed_is_another_rotation():
    assert not np.allclose(random_rotation(32, 0).matrix, random_rotation(32, 1).matrix)


@pytest.mark.parametrize("kind", ["center", "pca", "itq", "opq", "allocation"])
def test_what_is_fitted_on_the_mean_has_none(kind):
    vectors = unit_vectors()
    np.testing.assert_allclose(learned(entry(kind), vectors).documents(vectors).mean(axis=0), 0, atol=1e-6)


@pytest.mark.parametrize("dim", [1, 20, 32])
def test_pca_is_scikit_learn_s(dim):
    vectors = unit_vectors()
    judge = PCA(dim, svd_solver="full").fit(vectors.astype(np.float64))
    transform = learned({"kind": "pca", "dim": dim}, vectors)
    signs = np.sign((transform.matrix * judge.components_).sum(axis=1))
    np.testing.assert_allclose(transform.matrix, judge.components_ * signs[:, None], atol=1e-5)
    np.testing.assert_allclose(transform.documents(vectors), judge.transform(vectors) * signs, atol=1e-6)


def test_truncation_is_that_of_sentence_transformers():
    vectors = unit_vectors()
    cut = truncate_embeddings(vectors, 20)
    plain = learned({"kind": "truncate", "dim": 20, "normalize": False}, vectors).documents(vectors)
    np.testing.assert_array_equal(plain, cut)
    expected = cut / np.linalg.norm(cut, axis=1, keepdims=True)
    np.testing.assert_allclose(learned(entry("truncate"), vectors).documents(vectors), expected, rtol=1e-6)


def test_a_zero_vector_stays_zero_where_others_get_unit_length():
    vectors = np.zeros((3, 32), np.float32)
    assert not learned(entry("truncate"), vectors).documents(vectors).any()


@pytest.mark.parametrize("second", TRANSFORMS.names())
@pytest.mark.parametrize("first", TRANSFORMS.names())
def test_a_chain_does_one_after_the_other(first, second):
    vectors, queries = unit_vectors(), unit_vectors(4, seed=1)
    chosen = {"kind": second, **PARAMETERS[second], **({"dim": 10} if second in ("truncate", "pca") else {})}
    one = learned(entry(first), vectors)
    between = one.documents(vectors)
    two = learned(chosen, between)
    chain = learned([entry(first), chosen], vectors)
    np.testing.assert_allclose(chain.documents(vectors), two.documents(between), atol=2e-5)
    np.testing.assert_allclose(chain.queries(queries), two.queries(one.queries(queries)), atol=2e-5)


def test_itq_brings_vectors_nearer_to_the_corners_than_random_rotations():
    vectors = unit_vectors()
    centred = vectors - vectors.mean(axis=0)

    def distance(mapped):
        """Squared distance to the nearest corners of the best cube."""
        return np.square(mapped).sum() - np.square(np.abs(mapped).sum()) / mapped.size

    best = min(distance(centred @ random_rotation(32, seed).matrix.T) for seed in range(5))
    assert distance(learned("itq", vectors).documents(vectors)) < best


def test_opq_lowers_the_error_of_pq():
    rng = np.random.default_rng(0)
    mixed = rng.standard_normal((600, 8)) @ rng.standard_normal((8, 32))  # dimensions that depend on each other
    vectors = mixed.astype(np.float32)

    def error(transform):
        codec = fitted({"family": "pq", "pieces": 4, "bits": 4, **transform}, vectors)
        mapped = codec.transform.documents(vectors) if transform else vectors
        return np.square(codec.decode(codec.encode(vectors)) - mapped).sum()

    assert error({"transform": {"kind": "opq", "pieces": 4}}) < 0.9 * error({})


@pytest.mark.parametrize("bits", [1, 8, 64, 512])
@pytest.mark.parametrize("weights", [[5, 4, 1], [1, 1, 1, 1], [1e5, 1, 1e-5, 0], np.geomspace(1, 1e-4, 64)], ids=len)
def test_bits_of_axes_are_reverse_water_filling(weights, bits):
    weights = np.array(weights, dtype=np.float64)
    positive = weights[weights > 0]

    def surplus(log_level):
        return np.maximum(0, (np.log2(positive) - log_level) / 2).sum() - bits

    level = brentq(surplus, np.log2(positive.min()) - 2 * bits - 1, np.log2(positive.max()))
    shares = bits_of_axes(weights, bits)
    assert shares.sum() == pytest.approx(bits)
    expected = np.maximum(0, (np.log2(positive) - level) / 2)
    np.testing.assert_allclose(shares[: len(positive)], expected, atol=1e-6 * bits)
    assert not shares[len(positive) :].any()


def test_a_corpus_that_does_not_vary_has_its_bits_somewhere():
    assert bits_of_axes(np.zeros(4), 16).sum() == pytest.approx(16)


def test_axes_are_dealt_by_hand():
    def groups(bits, pieces):
        return [group.tolist() for group in dealt(np.array(bits, float), pieces)]

    assert groups([4, 3, 3, 2, 2, 1, 1], 4) == [[0], [1], [2, 5, 6], [3, 4]]
    assert groups([4, 2, 1, 1], 1) == [[0, 1, 2, 3]]
    assert groups([4, 2, 1, 1], 2) == [[0], [1, 2, 3]]
    assert groups([2, 2, 2, 2], 4) == [[0], [1], [2], [3]]
    assert groups([3, 2, 2, 1, 0, 0], 2) == [[0, 1], [2, 3]]  # on the border: the first half; without bits: no group
    assert groups([9, 1, 1, 1], 3) == [[0], [], [1, 2, 3]]


def test_allocation_s_groups_are_principal_axes_filled_up_with_zeros():
    vectors = unit_vectors()
    transform = learned({"kind": "allocation", "pieces": 4, "bits": 2}, vectors)
    pieces = transform.matrix.reshape(4, -1, 32)
    axes = np.concatenate([piece[np.abs(piece).any(axis=1)] for piece in pieces])
    np.testing.assert_allclose(axes @ axes.T, np.eye(len(axes)), atol=1e-5)
    principal = learned({"kind": "pca", "dim": len(axes)}, vectors).matrix
    assert sorted(axes.tolist()) == sorted(principal.tolist())


def test_faiss_agrees_on_the_random_rotation():
    judge = faiss.RandomRotationMatrix(32, 32)
    judge.init(7)
    vectors = unit_vectors()
    np.testing.assert_allclose(random_rotation(32, 7).documents(vectors), judge.apply(vectors), atol=1e-6)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("rotatoin", "transform 'rotatoin' is not known; did you mean 'rotation'"),
        ({"kind": ["pca"]}, "transform is {'kind': ['pca']}, expected the name of a kind"),
        ({"dim": 3}, "transform is {'dim': 3}, expected the name of a kind or a mapping with the key 'kind'"),
        (None, "transform is None, expected the name of a kind or a mapping with the key 'kind'"),
        ("pca", "transform pca: the key 'dim' is missing"),
        ({"kind": "pca", "dims": 3}, "transform pca: unknown key 'dims'; did you mean 'dim'"),
        ({"kind": "pca", "dim": 33}, "transform pca: dim is 33, expected 1 to 32, the embedding's dimensions"),
        ({"kind": "truncate", "dim": 0}, "transform truncate: dim is 0, expected 1 to 32"),
        ([{"kind": "pca", "dim": 8}, {"kind": "pca", "dim": 9}], "transform pca: dim is 9, expected 1 to 8"),
        ({"kind": "opq", "pieces": 5}, "transform opq: 32 dimensions can't be cut into 5 equal pieces"),
        ({"kind": "opq", "pieces": 0}, "pieces is 0, expected 1 or more"),
        ({"kind": "opq", "pieces": 4, "training": 100}, "training is 100, expected 256 or more"),
        ({"kind": "itq", "seed": -1}, "seed is -1, expected 0 or more"),
        ({"kind": "rotation", "seed": -1}, "seed is -1, expected 0 or more"),
        ({"kind": "allocation", "pieces": 33}, "transform allocation: 32 dimensions can't fill 33 pieces"),
    ],
)
def test_what_cannot_be_fitted_is_said_in_one_line(entries, message):
    with pytest.raises(InputError) as caught:
        learned(entries, unit_vectors())
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_opq_needs_as_many_vectors_as_centroids():
    with pytest.raises(InputError, match="transform opq: needs at least 256 vectors, the corpus has 255"):
        learned(entry("opq"), unit_vectors(255))
