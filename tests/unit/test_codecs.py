"""What every codec promises of its codes and scores."""

import numpy as np
import pyarrow as pa
import pytest

from embquant.quantize.codecs import CODECS, load_codec
from embquant.quantize.transforms import TRANSFORMS
from support.codec_cases import (
    CASES,
    INTEGERS,
    case,
    fitted,
    kinds_of_transforms,
    repeated_for,
    unit_vectors,
)

every_case = pytest.mark.parametrize("name", CASES)


def test_every_family_and_every_transform_has_a_case():
    assert {entry["family"] for entry in CASES.values()} == set(CODECS.names())
    assert {kind for entry in CASES.values() for kind in kinds_of_transforms(entry)} == set(TRANSFORMS.names())


@every_case
def test_saved_codec_is_the_same_to_the_last_bit(name, tmp_path):
    vectors, queries = unit_vectors(), unit_vectors(5, seed=1)
    codec = case(name)
    codec.save(tmp_path / "state.npz")
    again = load_codec(tmp_path / "state.npz")
    codes = codec.encode(vectors)
    assert again.encode(vectors).tobytes() == codes.tobytes()
    assert again.decode(codes).tobytes() == codec.decode(codes).tobytes()
    assert again.state().keys() == codec.state().keys()
    assert all(np.array_equal(array, codec.state()[array_name]) for array_name, array in again.state().items())
    for scoring in codec.scorings:
        assert np.array_equal(again.encode_queries(queries, scoring), codec.encode_queries(queries, scoring))


@every_case
def test_fitting_again_gives_the_same_codec(name):
    again = fitted(CASES[name], unit_vectors()).state()
    assert all(np.array_equal(array, again[array_name]) for array_name, array in case(name).state().items())


@every_case
def test_a_code_depends_on_its_vector_alone(name):
    vectors = unit_vectors()
    codec = case(name)
    codes = codec.encode(vectors)
    for size in (1, 7, 300):
        batches = [codec.encode(vectors[first : first + size]) for first in range(0, len(vectors), size)]
        assert np.concatenate(batches).tobytes() == codes.tobytes(), size
    assert codec.encode(vectors[::-1])[::-1].tobytes() == codes.tobytes()


@every_case
def test_bytes_per_vector_are_those_of_a_code(name):
    codec = case(name)
    codes = codec.encode(unit_vectors(3, seed=1))
    assert codes.nbytes == 3 * codec.bytes_per_vector
    arrow = codec.code_type
    if pa.types.is_fixed_size_list(arrow):
        assert arrow.list_size * arrow.value_type.bit_width == 8 * codec.bytes_per_vector
    else:
        assert arrow.byte_width == codec.bytes_per_vector


@every_case
def test_a_score_is_the_product_with_the_decoded_code(name):
    """RaBitQ and OSQ add an offset, which is what a zero query scores; all others score that 0."""
    vectors, queries = unit_vectors(), unit_vectors(6, seed=1)
    queries[-1] = 0
    codec = case(name)
    codes = codec.encode(vectors)
    scores = codec.score(queries, repeated_for(queries, codes))
    mapped = codec.transform.queries(queries) if "transform" in CASES[name] else queries
    expected = mapped.astype(np.float64) @ codec.decode(codes).astype(np.float64).T
    assert scores.dtype == np.float64
    if codec.family in ("rabitq", "osq"):
        assert np.abs(scores[-1]).max() > 0
    else:
        assert not scores[-1].any()
    np.testing.assert_allclose(scores - scores[-1], expected, atol=3e-6)


@pytest.mark.parametrize("name", [name for name, entry in CASES.items() if entry["family"] not in INTEGERS])
def test_a_scan_scores_as_score_does(name):
    vectors, queries = unit_vectors(), unit_vectors(70, seed=1)
    codec = case(name)
    codes = codec.encode(vectors)
    asked = codec.encode_queries(queries, "asymmetric")
    expected = codec.core.score(asked, repeated_for(asked, codes))
    for count in (6, 70):  # some codecs scan for many queries in another way
        np.testing.assert_allclose(codec.core.scan(asked[:count], codes), expected[:count], atol=3e-6)


@every_case
def test_equal_vectors_score_equal_wherever_they_lie(name):
    vectors = np.tile(unit_vectors(300), (3, 1))[np.random.default_rng(0).permutation(900)]
    codec = case(name)
    queries = unit_vectors(3, seed=1)
    scores = codec.score(queries, repeated_for(queries, codec.encode(vectors)))
    _, first, same = np.unique(vectors, axis=0, return_index=True, return_inverse=True)
    np.testing.assert_array_equal(scores, scores[:, first][:, same.ravel()])


@every_case
def test_queries_teach_a_codec_nothing(name):
    vectors, queries = unit_vectors(), 5 * unit_vectors(50, seed=1)
    codec = case(name)
    before = {array_name: array.copy() for array_name, array in codec.state().items()}
    codes = codec.encode(vectors)
    for scoring in codec.scorings:
        codec.encode_queries(queries, scoring)
    codec.score(queries, repeated_for(queries, codes))
    assert all(np.array_equal(array, before[array_name]) for array_name, array in codec.state().items())
    assert codec.encode(vectors).tobytes() == codes.tobytes()


@pytest.mark.parametrize(
    "kind", ["center", "rotation", "hadamard", "itq", {"kind": "opq", "pieces": 4, "iterations": 2}], ids=str
)
def test_without_dropped_dimensions_a_transform_changes_scores_by_a_constant_a_query(kind):
    vectors, queries = unit_vectors(), unit_vectors(5, seed=1)
    codec = fitted({"family": "float32", "transform": kind}, vectors)
    scores = codec.score(queries, repeated_for(queries, codec.encode(vectors)))
    difference = scores - queries.astype(np.float64) @ vectors.T.astype(np.float64)
    np.testing.assert_allclose(difference, np.repeat(difference[:, :1], len(vectors), axis=1), atol=3e-6)


@pytest.mark.parametrize(
    ("finer", "coarser"),
    [
        ("float16", "bfloat16"),
        ("bfloat16", "float8"),
        ("float8", "int4"),
        ("int8", "int6"),
        ("scaled-int8", "unit-int8"),
        ("scaled-int8", "int6"),
        ("uint8", "int6"),
        ("int6", "int4"),
        ("rabitq-8", "rabitq-6"),
        ("rabitq-6", "rabitq-4"),
        ("rabitq-4", "rabitq-2"),
        ("rabitq-2", "rabitq-1"),
        ("pq", "pq-4-bits"),
        ("osq-7", "osq-4"),
        ("osq-4", "osq-2"),
        ("osq-2", "osq-1"),
        ("eden-4", "eden-2"),
        ("eden-2", "eden-1"),
        ("turboquant-4", "turboquant-3"),
        ("turboquant-3", "turboquant-2"),
        ("turboquant-4-prod", "turboquant-2-prod"),
    ],
)
def test_more_bits_err_less(finer, coarser):
    vectors, queries = unit_vectors(), unit_vectors(20, seed=1)
    exact = queries.astype(np.float64) @ vectors.T.astype(np.float64)

    def error(name):
        codec = case(name)
        return np.square(codec.score(queries, repeated_for(queries, codec.encode(vectors))) - exact).mean()

    assert error(finer) < error(coarser)
