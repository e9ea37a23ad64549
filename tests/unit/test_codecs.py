"""Codecs: bit for bit what sentence-transformers computes, and scores that brute force agrees with."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sentence_transformers.util.quantization import quantize_embeddings

from embquant.codecs import FAMILIES, parse_codec
from embquant.codecs.base import Sample, load_codec
from embquant.codecs.binary import Binary
from embquant.codecs.int8 import Int8, Int8Parameters
from embquant.errors import InputError

finite = st.floats(-4, 4, width=32)
matrices = hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24), elements=finite)


def sample(*batches):
    return Sample(lambda: iter(batches), sum(map(len, batches)), batches[0].shape[1])


def random_vectors(rows=200, dim=37, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((rows, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def fitted(family, vectors):
    kind, parameters = parse_codec({"family": family})
    return kind.fit(sample(vectors), parameters)


@given(matrices)
@settings(deadline=None)
def test_binary_codes_are_those_of_sentence_transformers(vectors):
    codes = Binary(vectors.shape[1]).encode(vectors)
    np.testing.assert_array_equal(codes, quantize_embeddings(vectors, precision="ubinary"))


@given(matrices, matrices)
@settings(deadline=None)
def test_int8_codes_are_those_of_sentence_transformers(vectors, corpus):
    dim = min(vectors.shape[1], corpus.shape[1])
    vectors, corpus = vectors[:, :dim], corpus[:, :dim]
    codec = Int8.fit(sample(corpus), Int8Parameters())
    expected = quantize_embeddings(vectors, precision="int8", ranges=codec.ranges)
    np.testing.assert_array_equal(codec.encode(vectors), expected)


def test_binary_by_hand():
    codes = Binary(10).encode(np.array([[1, -1, 0, 0.5, -0.5, 2, 0, 0, 3, -3]], np.float32))
    assert codes.tolist() == [[0b10010100, 0b10000000]]
    assert Binary(10).decode(codes).tolist() == [[1, -1, -1, 1, -1, 1, -1, -1, 1, -1]]


def test_int8_by_hand():
    codec = Int8(np.array([[0, -1], [255, -1]], np.float32))  # steps of 1; a dead dimension
    codes = codec.encode(np.array([[0, -1], [1.5, -1], [255, -1], [300, -1], [-7, -1]], np.float32))
    assert codes.tolist() == [[-128, -128], [-127, -128], [127, -128], [127, -128], [-128, -128]]
    assert codec.decode(codes[1:2])[0, 0] == 1.5  # the middle of the second step


def test_int8_ranges_do_not_depend_on_the_batches():
    vectors = random_vectors()
    whole = Int8.fit(sample(vectors), Int8Parameters())
    assert np.array_equal(
        Int8.fit(sample(vectors[:7], vectors[7:150], vectors[150:]), Int8Parameters()).ranges, whole.ranges
    )
    drawn = Int8.fit(sample(vectors), Int8Parameters(calibration=50))
    assert np.array_equal(
        Int8.fit(sample(vectors[:7], vectors[7:]), Int8Parameters(calibration=50)).ranges, drawn.ranges
    )
    assert not np.array_equal(drawn.ranges, whole.ranges)


@pytest.mark.parametrize("calibration", [0, -1, "some", 2.5, True, None])
def test_int8_refuses_a_calibration_that_is_no_number_of_vectors(calibration):
    with pytest.raises(InputError, match="calibration is"):
        parse_codec({"family": "int8", "calibration": calibration})


@pytest.mark.parametrize("dim", [1, 8, 37, 384])
@pytest.mark.parametrize("family", FAMILIES)
def test_scores_are_inner_products_with_the_decoded_codes(family, dim):
    vectors, queries = random_vectors(60, dim), random_vectors(5, dim, seed=1)
    codec = fitted(family, vectors)
    codes = codec.encode(vectors)
    expected = queries.astype(np.float64) @ codec.decode(codes).astype(np.float64).T
    scores = codec.score(queries, np.broadcast_to(codes, (5, *codes.shape)))
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores, expected, atol=2e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_saved_state_encodes_to_the_same_bytes(family, tmp_path):
    vectors = random_vectors()
    codec = fitted(family, vectors)
    codec.save(tmp_path / "state.npz")
    again = load_codec(tmp_path / "state.npz")
    assert again.encode(vectors).tobytes() == codec.encode(vectors).tobytes()
    assert again.bytes_per_vector == codec.encode(vectors)[:1].nbytes


def test_folded_int8_query_ranks_as_the_float_query_does():
    vectors, query = random_vectors(500, 384), random_vectors(1, 384, seed=2)
    codec = Int8.fit(sample(vectors), Int8Parameters())
    codes = codec.encode(vectors)
    folded = codec.encode_queries(query, "asymmetric")
    assert folded.dtype == np.int8
    assert np.abs(folded).max() == 127
    by_int8 = codes.astype(np.int64) @ folded[0]
    exact = codec.score(query, codes[None])[0]
    assert np.corrcoef(by_int8, exact)[0, 1] > 0.9999


def test_zero_query_and_constant_corpus_do_not_divide_by_zero():
    codec = fitted("int8", np.ones((4, 3), np.float32))
    with np.errstate(all="raise"):
        assert codec.encode(np.ones((1, 3), np.float32)).tolist() == [[-128] * 3]
        assert codec.encode_queries(np.zeros((1, 3), np.float32), "asymmetric").tolist() == [[0] * 3]


def test_foreign_state_file_is_an_input_error(tmp_path):
    path = tmp_path / "state.npz"
    path.write_bytes(b"not a zip file")
    with pytest.raises(InputError, match="not the state of a codec"):
        load_codec(path)
    np.savez(path, family=np.array("int8"), ranges=np.zeros(3))
    with pytest.raises(InputError, match="not the state of a codec"):
        load_codec(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="not the state of a codec"):
        load_codec(path)
    np.savez(path, family=np.array("float99"))
    with pytest.raises(InputError, match=r"float99.*did you mean 'float32'"):
        load_codec(path)
