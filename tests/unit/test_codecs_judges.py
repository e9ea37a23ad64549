"""What other libraries, definitions and hand computations make of the same vectors as codecs do."""

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from ml_dtypes import float8_e4m3fn
from sentence_transformers.util.quantization import quantize_embeddings
from usearch.index import Index

from embquant.errors import InputError
from embquant.quantize.codecs import load_codec
from embquant.quantize.codecs.binary import Binary
from embquant.quantize.codecs.int8 import Int8, Int8Parameters
from embquant.quantize.codecs.ranges import RangeParameters, fit_ranges
from embquant.quantize.codecs.scaled_pq import unbiased
from support.codec_cases import (
    SCALED_PQ,
    fitted,
    heavy_tails,
    repeated_for,
    sample,
    unit_vectors,
)

finite = st.floats(-4, 4, width=32)
matrices = hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24), elements=finite)


def binary(dim):
    return Binary(np.zeros(dim, np.float32))


@given(matrices)
@settings(deadline=None)
def test_binary_codes_are_those_of_sentence_transformers(vectors):
    codes = binary(vectors.shape[1]).encode(vectors)
    np.testing.assert_array_equal(codes, quantize_embeddings(vectors, precision="ubinary"))


def test_float8_codes_are_those_of_ml_dtypes():
    patterns = np.arange(256, dtype=np.uint8)
    numbers = np.sort(patterns[(patterns & 127) != 127].view(float8_e4m3fn).astype(np.float32))
    near = np.concatenate([numbers, (numbers[1:] + numbers[:-1]) / 2])  # ties among them
    values = np.concatenate([near, np.nextafter(near, np.float32(-500)), np.nextafter(near, np.float32(500))])
    vectors = np.concatenate([values[np.abs(values) <= 448], 0.05 * unit_vectors(50).ravel()])[None]
    codec = fitted({"family": "float8"}, vectors)
    judged = vectors.astype(float8_e4m3fn)
    np.testing.assert_array_equal(codec.encode(vectors), judged.view(np.uint8))
    np.testing.assert_array_equal(codec.decode(codec.encode(vectors)), judged.astype(np.float32))


@given(matrices, matrices)
@settings(deadline=None)
def test_int8_codes_are_those_of_sentence_transformers(vectors, corpus):
    dim = min(vectors.shape[1], corpus.shape[1])
    vectors, corpus = vectors[:, :dim], corpus[:, :dim]
    codec = Int8.fit(sample(corpus), Int8Parameters())
    expected = quantize_embeddings(vectors, precision="int8", ranges=codec.ranges)
    np.testing.assert_array_equal(codec.encode(vectors), expected)


def test_uint8_codes_are_those_of_sentence_transformers_up_to_rounding():
    """FAISS multiplies by 255 after the division by the range: where that rounds otherwise, the step is the next."""
    vectors = unit_vectors(2000)
    codes = fitted({"family": "uint8"}, vectors).encode(vectors).astype(int)
    ranges = np.stack([vectors.min(axis=0), vectors.max(axis=0)])
    expected = quantize_embeddings(vectors, precision="uint8", ranges=ranges).astype(int)
    assert np.abs(codes - expected).max() <= 1
    assert (codes == expected).mean() > 0.999


def test_unit_int8_codes_are_those_of_usearch():
    vectors = unit_vectors(200)
    graph = Index(ndim=32, metric="cos", dtype="i8")
    graph.add(np.arange(200), vectors)
    codec = fitted({"family": "unit-int8"}, vectors)
    np.testing.assert_array_equal(codec.encode(vectors), graph.get(np.arange(200), dtype="i8"))


def test_scaled_int8_by_hand():
    vectors = np.array([[127, -63.6, 0.4, 0.6], [0, -2.54, 1.28, 0], [0, 0, 0, 0]], np.float32)
    codec = fitted({"family": "scaled-int8"}, vectors)
    codes = codec.encode(vectors)
    assert codes[:, :4].view(np.int8).tolist() == [[127, -64, 0, 1], [0, -127, 64, 0], [0, 0, 0, 0]]
    scales = np.array([1, 0.02, 0])
    np.testing.assert_allclose(codes[:, 4:].copy().view("<f4")[:, 0], scales, rtol=1e-6)
    np.testing.assert_allclose(codec.decode(codes), codes[:, :4].view(np.int8) * scales[:, None], rtol=1e-6)


def test_binary_by_hand():
    vectors = np.array([[1, -1, 0, 0.5, -0.5, 2, 0, 0, 3, -3]], np.float32)
    codes = binary(10).encode(vectors)
    assert codes.tolist() == [[0b10010100, 0b10000000]]
    assert binary(10).decode(codes).tolist() == [[1, -1, -1, 1, -1, 1, -1, -1, 1, -1]]


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        ("zero", ["110", "110", "110", "010"]),
        ("mean", ["000", "000", "110", "000"]),
        ("median", ["000", "010", "110", "000"]),
    ],
)
def test_binary_thresholds_by_hand(threshold, expected):
    corpus = np.array([[1, 1, -5], [1, 2, -5], [10, 9, -5], [0, 0.5, -5]], np.float32)  # means 3, 3.125; medians 1, 1.5
    codec = fitted({"family": "binary", "threshold": threshold}, corpus)
    assert [f"{code >> 5:03b}" for code in codec.encode(corpus)[:, 0]] == expected


def test_int8_by_hand():
    codec = Int8(np.array([[0, -1], [255, -1]], np.float32))  # steps of 1; a dead dimension
    codes = codec.encode(np.array([[0, -1], [1.5, -1], [255, -1], [300, -1], [-7, -1]], np.float32))
    assert codes.tolist() == [[-128, -128], [-127, -128], [127, -128], [127, -128], [-128, -128]]
    assert codec.decode(codes[1:2])[0, 0] == 1.5  # the middle of the second step


@pytest.mark.parametrize(("family", "levels"), [("uint8", 255), ("int6", 63), ("int4", 15)])
def test_steps_by_hand(family, levels):
    """FAISS's steps: as many equal ones as the greatest code, decoded to their middles; the greatest has one more."""
    corpus = np.stack([np.zeros(8), np.full(8, levels)]).astype(np.float32)
    codec = fitted({"family": family}, corpus)
    asked = np.array([[0, 0.75, 1.25, levels - 0.5, levels, levels + 9, -9, 2.5]], np.float32)
    expected = [[0.5, 0.5, 1.5, levels - 0.5, levels + 0.5, levels + 0.5, 0.5, 2.5]]
    np.testing.assert_allclose(codec.decode(codec.encode(asked)), expected, atol=1e-4 * levels)


@pytest.mark.parametrize("dim", [37, 40])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_rabitq_scores_are_those_of_faiss(bits, dim):
    vectors, queries = unit_vectors(300, dim), unit_vectors(10, dim, seed=1)
    codec = fitted({"family": "rabitq", "bits": bits}, vectors)
    judge = faiss.IndexRaBitQ(dim, faiss.METRIC_INNER_PRODUCT, bits)
    judge.train(vectors.mean(axis=0, dtype=np.float64)[None].astype(np.float32))
    judge.add(vectors)
    judge.qb = 0
    theirs, rows = judge.search(queries, len(vectors))
    ours = codec.score(queries, repeated_for(queries, codec.encode(vectors)))
    np.testing.assert_allclose(np.take_along_axis(ours, rows, axis=1), theirs, atol=1e-5)


@pytest.mark.parametrize("percentile", [60, 99, 99.9, 100])
def test_percentile_ranges_are_numpy_s(percentile):
    vectors = unit_vectors()
    ranges = fit_ranges(sample(vectors), RangeParameters(ranges="percentile", percentile=percentile))
    expected = np.percentile(vectors, [100 - percentile, percentile], axis=0)
    np.testing.assert_allclose(ranges, expected, rtol=1e-6)


def test_symmetric_and_min_max_ranges_by_hand():
    vectors = np.array([[1, -3], [-2, 2]], np.float32)
    assert fit_ranges(sample(vectors), RangeParameters()).tolist() == [[-2, -3], [1, 2]]
    assert fit_ranges(sample(vectors), RangeParameters(ranges="symmetric")).tolist() == [[-2, -3], [2, 3]]


@pytest.mark.parametrize("ranges", ["min-max", "percentile", "symmetric"])
@pytest.mark.parametrize("calibration", ["all", 50])
def test_ranges_do_not_depend_on_the_batches(ranges, calibration):
    vectors = unit_vectors(200)
    parameters = RangeParameters(ranges=ranges, calibration=calibration)
    whole = fit_ranges(sample(vectors), parameters)
    assert np.array_equal(fit_ranges(sample(vectors[:7], vectors[7:150], vectors[150:]), parameters), whole)
    assert np.array_equal(whole, fit_ranges(sample(vectors), RangeParameters(ranges=ranges))) == (calibration == "all")


def test_percentiles_leave_heavy_tails_out():
    vectors = heavy_tails()
    usual = np.abs(vectors) < np.quantile(np.abs(vectors), 0.8)

    def error(ranges):
        codec = fitted({"family": "int4", "ranges": ranges, "percentile": 99}, vectors)
        return np.square(codec.decode(codec.encode(vectors)) - vectors)[usual].mean()

    assert error("percentile") < error("min-max") / 10


def test_scaled_pq_has_no_error_along_a_vector_but_a_step_of_its_scale():
    for vectors in (unit_vectors(), heavy_tails()):
        codec = fitted(SCALED_PQ, vectors)
        codes = codec.encode(vectors)
        centroids, decoded = (
            codec.index.sa_decode(codes[:, :-1].copy()).astype(float),
            codec.decode(codes).astype(float),
        )
        lengths = np.linalg.norm(vectors, axis=1)
        cosines = (vectors * centroids).sum(axis=1) / (lengths * np.linalg.norm(centroids, axis=1))
        near = cosines > 0.51
        assert near.any()
        least, greatest = np.exp(codec.ends)
        half_step = (greatest / least) ** (0.5 / 254) - 1
        assert half_step < 0.01
        np.testing.assert_allclose((vectors * decoded).sum(axis=1)[near], lengths[near] ** 2, rtol=1.01 * half_step)
        assert (np.linalg.norm(decoded, axis=1) <= lengths * 2 * (1.01 + half_step)).all()


def test_scaled_pq_chooses_the_centroids_with_the_least_error_weighted_by_deviations():
    vectors = unit_vectors(600) * np.geomspace(1, 0.01, 32, dtype=np.float32)
    codec = fitted(SCALED_PQ, vectors)
    weights = vectors.astype(float).std(axis=0)
    centroids = faiss.vector_to_array(codec.index.pq.centroids).reshape(4, 256, 8).astype(float)
    pieces = vectors.reshape(600, 4, 1, 8) - centroids
    errors = np.einsum("npcd,pd->npc", pieces**2, weights.reshape(4, 8))
    chosen = np.take_along_axis(errors, codec.encode(vectors)[:, :4, None].astype(int), axis=2)[..., 0]
    np.testing.assert_allclose(chosen, errors.min(axis=2), rtol=1e-3, atol=1e-9)


def test_scaled_pq_does_not_stretch_a_vector_whose_centroids_point_elsewhere():
    vectors = np.array([[1, 0.1], [0.1, -1], [-3, 0], [0, 0]], np.float32)
    decoded = np.array([[0.1, 1], [1, 0.1], [1, 0], [1, 0]], np.float32)  # cosines 0.2, 0, −1 and none
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(unbiased(vectors, decoded) * np.linalg.norm(decoded, axis=1), 2 * lengths, rtol=1e-6)


def test_scaled_pq_s_scales_by_hand():
    corpus = np.tile(np.eye(4, dtype=np.float32)[:2], (200, 1))
    codec = fitted({"family": "scaled-pq", "pieces": 1, "bits": 4}, corpus)
    codec = type(codec)(codec.index, codec.weights, np.log([0.5, 2]))
    vectors = np.array([[0.5, 0, 0, 0], [0, 1.25, 0, 0], [0, 0, 0, 0], [9, 0, 0, 0], [0, 2e-5, 0, 0]], np.float32)
    codes = codec.encode(vectors)
    place = 1 + round(np.log(1.25 / 0.5) / np.log(4) * 254)
    np.testing.assert_allclose(codes[:, -1], [1, place, 0, 255, 1], atol=1)  # FAISS has centroids of 1 ± 1/1024
    assert codes[2:, -1].tolist() == [0, 255, 1]  # none, and clipped to the ends
    expected = [[0.5, 0, 0, 0], [0, 1.25, 0, 0], [0, 0, 0, 0], [2, 0, 0, 0], [0, 0.5, 0, 0]]
    np.testing.assert_allclose(codec.decode(codes), expected, rtol=0.005, atol=0.005)


@pytest.mark.parametrize("ends", [[1, 0], [0, 89], [-89, 0], [np.nan, 0]])
def test_scaled_pq_refuses_a_state_whose_scales_do_not_ascend_or_are_no_float32_numbers(tmp_path, ends):
    codec = fitted(SCALED_PQ, unit_vectors())
    type(codec)(codec.index, codec.weights, np.array(ends, np.float64)).save(tmp_path / "state.npz")
    with pytest.raises(InputError, match="logarithms of scales"):
        load_codec(tmp_path / "state.npz")


def test_folded_int8_query_ranks_as_the_float_query_does():
    vectors, query = unit_vectors(500, 384), unit_vectors(1, 384, seed=2)
    codec = fitted({"family": "int8"}, vectors)
    codes = codec.encode(vectors)
    folded = codec.encode_queries(query, "asymmetric")
    assert folded.dtype == np.int8
    assert np.abs(folded).max() == 127
    by_int8 = codes.astype(np.int64) @ folded[0]
    exact = codec.score(query, codes[None])[0]
    assert np.corrcoef(by_int8, exact)[0, 1] > 0.9999
