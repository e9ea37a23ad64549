"""Codecs: what each promises of its codes and scores, and what other libraries make of the same vectors."""

import faiss
import numpy as np
import pyarrow as pa
import pytest
from codec_cases import (
    CASES,
    HARD,
    PQ,
    SCALED_PQ,
    case,
    fitted,
    heavy_tails,
    kinds_of_transforms,
    repeated_for,
    sample,
    unit_vectors,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sentence_transformers.util.quantization import quantize_embeddings

from embquant import transforms
from embquant.codecs import FAMILIES, parse_codec
from embquant.codecs.base import load_codec
from embquant.codecs.binary import Binary
from embquant.codecs.int8 import Int8
from embquant.codecs.ranges import RangeParameters, fit_ranges
from embquant.codecs.scaled_pq import unbiased
from embquant.errors import InputError

finite = st.floats(-4, 4, width=32)
matrices = hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24), elements=finite)
every_case = pytest.mark.parametrize("name", CASES)


def binary(dim):
    return Binary(np.zeros(dim, np.float32))


def test_every_family_and_every_transform_has_a_case():
    assert {entry["family"] for entry in CASES.values()} == set(FAMILIES)
    assert {kind for entry in CASES.values() for kind in kinds_of_transforms(entry)} == set(transforms.KINDS)


# What every codec promises


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
    """RaBitQ adds an offset, which is what a zero query scores; all others score that 0."""
    vectors, queries = unit_vectors(), unit_vectors(6, seed=1)
    queries[-1] = 0
    codec = case(name)
    codes = codec.encode(vectors)
    scores = codec.score(queries, repeated_for(queries, codes))
    mapped = codec.transform.queries(queries) if "transform" in CASES[name] else queries
    expected = mapped.astype(np.float64) @ codec.decode(codes).astype(np.float64).T
    assert scores.dtype == np.float64
    if codec.family == "rabitq":
        assert np.abs(scores[-1]).max() > 0
    else:
        assert not scores[-1].any()
    np.testing.assert_allclose(scores - scores[-1], expected, atol=3e-6)


@pytest.mark.parametrize("name", [name for name, entry in CASES.items() if entry["family"] != "int8"])
def test_a_scan_scores_as_score_does(name):  # int8 is scanned by its queries' codes
    vectors, queries = unit_vectors(), unit_vectors(6, seed=1)
    codec = case(name)
    codes = codec.encode(vectors)
    asked = codec.encode_queries(queries, "asymmetric")
    rounding = 2e-2 if codec.family == "bfloat16" else 3e-6  # its queries are rounded too
    expected = codec.score(queries, repeated_for(queries, codes))
    np.testing.assert_allclose(codec.core.scan(asked, codes), expected, atol=rounding)


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


@pytest.mark.parametrize("kind", ["center", "rotation", "itq", {"kind": "opq", "pieces": 4, "iterations": 2}], ids=str)
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
        ("bfloat16", "int6"),
        ("int8", "int6"),
        ("uint8", "int6"),
        ("int6", "int4"),
        ("rabitq-8", "rabitq-6"),
        ("rabitq-6", "rabitq-4"),
        ("rabitq-4", "rabitq-2"),
        ("rabitq-2", "rabitq-1"),
        ("pq", "pq-4-bits"),
    ],
)
def test_more_bits_err_less(finer, coarser):
    vectors, queries = unit_vectors(), unit_vectors(20, seed=1)
    exact = queries.astype(np.float64) @ vectors.T.astype(np.float64)

    def error(name):
        codec = case(name)
        return np.square(codec.score(queries, repeated_for(queries, codec.encode(vectors))) - exact).mean()

    assert error(finer) < error(coarser)


# Judges


@given(matrices)
@settings(deadline=None)
def test_binary_codes_are_those_of_sentence_transformers(vectors):
    codes = binary(vectors.shape[1]).encode(vectors)
    np.testing.assert_array_equal(codes, quantize_embeddings(vectors, precision="ubinary"))


@given(matrices, matrices)
@settings(deadline=None)
def test_int8_codes_are_those_of_sentence_transformers(vectors, corpus):
    dim = min(vectors.shape[1], corpus.shape[1])
    vectors, corpus = vectors[:, :dim], corpus[:, :dim]
    codec = Int8.fit(sample(corpus), RangeParameters())
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
    usual = np.abs(vectors) < 2

    def error(ranges):
        codec = fitted({"family": "int4", "ranges": ranges, "percentile": 99}, vectors)
        return np.square(codec.decode(codec.encode(vectors)) - vectors)[usual].mean()

    assert error("percentile") < error("min-max") / 10


def test_scaled_pq_has_no_error_along_a_vector():
    for vectors in (unit_vectors(), heavy_tails()):
        plain, scaled = fitted(PQ, vectors), fitted(SCALED_PQ, vectors)
        codes = scaled.encode(vectors)
        assert np.array_equal(codes[:, :-2], plain.encode(vectors))
        centroids, decoded = plain.decode(codes[:, :-2]).astype(float), scaled.decode(codes).astype(float)
        lengths = np.linalg.norm(vectors, axis=1)
        cosines = (vectors * centroids).sum(axis=1) / (lengths * np.linalg.norm(centroids, axis=1))
        near = cosines > 0.51
        assert near.any()
        np.testing.assert_allclose((vectors * decoded).sum(axis=1)[near], lengths[near] ** 2, rtol=2**-10)
        assert (np.linalg.norm(decoded, axis=1) <= lengths * 2 * (1 + 2**-10)).all()


def test_scaled_pq_does_not_stretch_a_vector_whose_centroids_point_elsewhere():
    vectors = np.array([[1, 0.1], [0.1, -1], [-3, 0], [0, 0]], np.float32)
    decoded = np.array([[0.1, 1], [1, 0.1], [1, 0], [1, 0]], np.float32)  # cosines 0.2, 0, −1 and none
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(unbiased(vectors, decoded) * np.linalg.norm(decoded, axis=1), 2 * lengths, rtol=1e-6)


def test_scaled_pq_s_factor_by_hand():
    vectors = np.tile(np.eye(4, dtype=np.float32)[:2], (200, 1))
    codec = fitted({"family": "scaled-pq", "pieces": 1, "bits": 4}, vectors)
    doubled = np.array([[0.5, 0, 0, 0], [0, 1.25, 0, 0], [0, 0, 0, 0], [1e5, 0, 0, 0]], np.float32)
    decoded = codec.decode(codec.encode(doubled))
    np.testing.assert_allclose(decoded[:3], doubled[:3], rtol=2**-11)
    assert decoded[3, 0] == pytest.approx(np.finfo(np.float16).max, rel=1e-2)


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


# Hard data


@pytest.mark.parametrize("hard", HARD)
@every_case
def test_hard_vectors_have_finite_codes_and_scores(name, hard):
    vectors, queries = HARD[hard](), unit_vectors(4, seed=1)
    queries[-1] = 0
    with np.errstate(all="raise", under="ignore"):
        codec = fitted(CASES[name], vectors)
        codes = codec.encode(vectors)
        assert np.isfinite(codec.decode(codes)).all()
        assert np.isfinite(codec.score(queries, repeated_for(queries, codes))).all()
        for scoring in codec.scorings:
            assert np.isfinite(codec.encode_queries(queries, scoring)).all()


def keeps_dimensions_apart(name):
    """Whether each dimension has a code of its own, whose steps span the values and no more."""
    entry = CASES[name]
    mixed = "transform" in entry or entry["family"] in ("binary", "rabitq", "pq", "scaled-pq")
    return not mixed and entry.get("ranges") != "symmetric"


@pytest.mark.parametrize("family", [name for name in CASES if keeps_dimensions_apart(name)])
def test_a_dead_dimension_decodes_to_its_value(family):
    vectors = HARD["dead dimensions"]()
    codec = fitted(CASES[family], vectors)
    decoded = codec.decode(codec.encode(vectors))
    np.testing.assert_allclose(decoded[:, -1], 0, atol=1e-6)
    np.testing.assert_allclose(decoded[:, 3], 0.25, atol=1e-6)


def test_dead_dimensions_take_nothing_from_an_int8_query():
    vectors, query = HARD["dead dimensions"](), unit_vectors(1, seed=1)
    codec = fitted({"family": "int8"}, vectors)
    folded = codec.encode_queries(query, "asymmetric")
    by_int8 = codec.encode(vectors).astype(np.int64) @ folded[0]
    assert np.corrcoef(by_int8, vectors @ query[0])[0, 1] > 0.999


@pytest.mark.parametrize("dim", [1, 7, 37])
@pytest.mark.parametrize("rows", [1, 300])
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_any_number_of_dimensions_and_one_vector_are_enough_unless_centroids_are_sought(family, rows, dim):
    entry = {"family": family, **({"pieces": 1} if "pq" in family else {})}
    vectors = unit_vectors(rows, dim)
    if "pq" in family and rows == 1:
        with pytest.raises(InputError, match=r"256 centroids can't be found on 1 vectors"):
            fitted(entry, vectors)
    else:
        codec = fitted(entry, vectors)
        codes = codec.encode(vectors)
        assert codes.shape[0] == rows
        assert np.isfinite(codec.decode(codes)).all()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({**PQ, "pieces": 5}, "codec pq: 32 dimensions can't be cut into 5 equal pieces"),
        ({**PQ, "training": 100}, "codec pq: 256 centroids can't be found on 100 vectors"),
        ({**PQ, "pieces": 0}, "pieces is 0, expected 1 or more"),
        ({**PQ, "bits": 6}, "bits is 6, expected 4 or 8"),
        ({"family": "pq"}, "codec pq: the key 'pieces' is missing"),
        ({"family": "rabitq", "bits": 9}, "bits is 9, expected 1 to 8"),
        ({"family": "int4", "percentile": 50}, "percentile is 50, expected more than 50"),
        ({"family": "int4", "ranges": "max"}, "ranges is 'max', expected 'min-max' or 'percentile' or 'symmetric'"),
        ({"family": "int8", "seed": -1}, "seed is -1, expected 0 or more"),
        ({"family": "binary", "threshold": 0}, "threshold is 0, expected 'zero' or 'mean' or 'median'"),
        ({"family": "binray"}, "codec 'binray' is not known; did you mean 'binary'"),
        ({"family": "float16", "bits": 5}, "codec float16: unknown key 'bits'"),
    ],
)
def test_what_cannot_be_fitted_is_said_in_one_line(entry, message):
    with pytest.raises(InputError) as caught:
        fitted(entry, unit_vectors())
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("calibration", [0, -1, "some", 2.5, True, None])
def test_a_calibration_that_is_no_number_of_vectors_is_refused(calibration):
    with pytest.raises(InputError, match="calibration is"):
        parse_codec({"family": "int8", "calibration": calibration})


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
    np.savez(path, family=np.array("float32"), dim=np.array(4), transform_matrix=np.eye(4, dtype=np.float32))
    with pytest.raises(InputError, match="not the state of a codec"):
        load_codec(path)
    np.savez(path, family=np.array("pq"), faiss=np.arange(9, dtype=np.uint8))
    with pytest.raises(InputError, match="not the state of a codec"):
        load_codec(path)
    np.savez(path, family=np.array("float99"))
    with pytest.raises(InputError, match=r"float99.*did you mean 'float32'"):
        load_codec(path)
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        load_codec(path)
