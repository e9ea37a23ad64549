"""What keeps a codec, a transform or an index from being used: limits by hand, before and after vectors are there."""

import numpy as np
import pytest

from embquant.entries import read_entry
from embquant.errors import InapplicableError
from embquant.exact.scan import DecodedScan
from embquant.indexes import index_class
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import CODECS, parse_codec
from embquant.quantize.extent import Extent
from embquant.retrieve.candidates import check_scores
from support.codec_cases import unit_vectors

PQ = {"family": "pq", "pieces": 4}


def sample(vectors):
    return Batches(lambda: iter([vectors]), *vectors.shape)


@pytest.mark.parametrize(
    ("entry", "fits", "fails", "reason"),
    [
        (PQ, (256, 32), (255, 32), "needs at least 256 training vectors to fit 256 centroids, got 255"),
        ({**PQ, "bits": 4}, (16, 32), (15, 32), "needs at least 16 training vectors to fit 16 centroids, got 15"),
        (PQ, (256, 32), (256, 30), "30 dimensions can't be cut into 4 equal pieces"),
        ({**PQ, "family": "scaled-pq"}, (256, 32), (82, 32), "codec scaled-pq: needs at least 256 training vectors"),
        ({"family": "int8", "transform": {"kind": "pca", "dim": 20}}, (20, 20), (19, 20), "transform pca: dim is 20"),
        ({"family": "int8", "transform": {"kind": "pca", "dim": 20}}, (20, 20), (20, 19), "expected 1 to 19"),
        ({"family": "int8", "transform": {"kind": "truncate", "dim": 8}}, (1, 8), (1, 7), "transform truncate: dim"),
        ({**PQ, "transform": {"kind": "opq", "pieces": 8}}, (256, 32), (255, 32), "transform opq: needs at least 256"),
        ({"family": "int8", "transform": {"kind": "allocation", "pieces": 8}}, (8, 8), (7, 8), "7 vectors"),
        ({"family": "osq", "bits": 4}, (9, 4369), (9, 4370), "2 bytes, as in Lucene: at most 4,369 dimensions"),
        ({"family": "osq", "bits": 1}, (9, 65535), (9, 65536), "at most 65,535 dimensions, found 65,536"),
        ({"family": "osq", "bits": 7}, (9, 33_818_640), (9, 33_818_641), "4 bytes, as in Lucene: at most 33,818,640"),
    ],
)
def test_numbers_of_documents_and_dimensions_are_enough_to_tell(entry, fits, fails, reason):
    spec = parse_codec(entry)
    assert spec.obstacle(Extent(*fits)) is None
    assert reason in spec.obstacle(Extent(*fails))


def test_a_codec_s_obstacle_is_that_of_what_its_transform_makes():
    spec = parse_codec({**PQ, "transform": {"kind": "truncate", "dim": 6}})
    assert "codec pq: 6 dimensions" in spec.obstacle(Extent(256, 32))


def test_an_allocation_fills_pieces_up_so_that_they_are_equal_for_the_product_quantizer():
    entry = {"family": "pq", "pieces": 4, "transform": {"kind": "allocation", "pieces": 4}}
    assert parse_codec(entry).obstacle(Extent(300, 30)) is None
    assert parse_codec(entry).fit(sample(unit_vectors(300, 30))).dim % 4 == 0


@pytest.mark.parametrize(
    ("codec", "kind", "build", "fits", "fails", "reason"),
    [
        ("float32", "ivf", {"lists": 90}, (90, 8), (89, 8), "89 documents can't fill 90 lists"),
        ("binary", "ivf", {"lists": 90}, (90, 8), (89, 8), "89 documents can't fill 90 lists"),
        ("float32", "ivf", {}, (1, 8), None, ""),
        ("binary", "fastscan", {}, (1, 16), (1, 36), "36 dimensions are not divisible by 8"),
        ("float32", "hnsw", {}, (1, 8), (9, 8, 1.0, 2.4e-4), "can't tell those shorter than 0.000244 apart"),
        ("float32", "hnsw", {}, (9, 8, 1.0, 2.5e-4), (9, 8, 1e19, 1e19), "overflow float32 beyond 9.22e+18"),
        ("float32", "ivf", {}, (9, 8, 1e18, 9e18), (9, 8, 1e-20, 1e-20), "vanish in float32 below 3.07e-19"),
        ("int8", "hnsw", {}, (9, 8, 1e30, 1e30), None, ""),
        ("binary", "ivf", {}, (9, 8, 1e30, 1e30), None, ""),
    ],
)
def test_an_index_says_what_it_needs(codec, kind, build, fits, fails, reason):
    index = index_class(codec, kind)
    parameters = read_entry(index.build_parameters, build)
    assert index.obstacle(parse_codec({"family": codec}), Extent(*fits), parameters) is None
    if fails:
        assert reason in index.obstacle(parse_codec({"family": codec}), Extent(*fails), parameters)


def test_a_product_quantizer_of_eight_bits_has_no_fast_scan():
    obstacle = index_class("pq", "fastscan").obstacle
    assert obstacle(parse_codec({**PQ, "bits": 4}), Extent(300, 32), None) is None
    assert "needs a pq codec of 4 bits, this one has 8" in obstacle(parse_codec(PQ), Extent(300, 32), None)


def test_extents_are_those_of_a_calculation_by_hand():
    vectors = np.array([[3, -4], [0, 0], [1e30, 0]], np.float32)
    assert Extent.of(sample(vectors[:2])) == Extent(2, 2, 4.0, 5.0, shortest=0.0)
    found = Extent.of(sample(vectors))
    assert (found.largest, found.longest) == pytest.approx((1e30, 1e30))
    assert Extent.of(sample(np.full((1, 2), 3e38, np.float32))).beyond_float32()
    assert Extent.of(sample(np.full((1, 2), np.nan, np.float32))).beyond_float32()


@pytest.mark.parametrize("family", sorted(CODECS.names()))
@pytest.mark.parametrize("scale", [1e-40, 1e-30, 1e-8, 1e-3, 2e6, 1e15, 1e20, 1e30, 3e38])
def test_a_codec_holds_vectors_of_any_length_or_says_that_it_can_not(family, scale):
    vectors = unit_vectors(300, 8) * np.float32(scale)
    queries = unit_vectors(5, 8, seed=1)
    spec = parse_codec({"family": family, **({"pieces": 4} if "pq" in family else {})})
    try:
        codec = spec.fit(sample(vectors))
    except InapplicableError as error:
        assert "\n" not in str(error)
        assert family != "float32"
        return
    codes = codec.encode(vectors)
    assert np.isfinite(codec.decode(codes)).all()
    assert np.isfinite(codec.score(queries, np.repeat(codes[None], 5, axis=0))).all()
    assert len(np.unique(codes.view(np.uint8).reshape(300, -1), axis=0)) > 100  # they tell vectors apart


@pytest.mark.parametrize("family", sorted(CODECS.names()))
def test_one_huge_vector_among_others_is_held_or_refused(family):
    vectors = unit_vectors(300, 8)
    vectors[7] *= np.float32(1e30)
    spec = parse_codec({"family": family, **({"pieces": 4} if "pq" in family else {})})
    if family in ("float16", "float8", "unit-int8", "pq", "scaled-pq", "rabitq", "osq", "eden", "turboquant"):
        with pytest.raises(InapplicableError):
            spec.fit(sample(vectors))
    else:
        codec = spec.fit(sample(vectors))
        assert np.isfinite(codec.decode(codec.encode(vectors))).all()


@pytest.mark.parametrize(("value", "fits"), [(65504, True), (65520, False), (2.0**-24, True), (2.0**-26, False)])
def test_half_precision_ends_where_numpy_has_infinity_or_zero(value, fits):
    with np.errstate(over="ignore"):
        rounded = np.float16(value)
    assert fits == bool(np.isfinite(rounded) and rounded > 0)
    reason = parse_codec({"family": "float16"}).obstacle(Extent(1, 1, value, value))
    assert (reason is None) == fits


def test_queries_of_any_length_are_compared_with_int8_codes_alike():
    vectors, queries = unit_vectors(50, 8), unit_vectors(5, 8, seed=1)
    codec = parse_codec({"family": "int8"}).fit(sample(vectors))
    short = parse_codec({"family": "int8"}).fit(sample(vectors * np.float32(2.0**-100)))
    expected = codec.encode_queries(queries, "asymmetric")
    np.testing.assert_array_equal(codec.encode_queries(queries * np.float32(2.0**-100), "asymmetric"), expected)
    np.testing.assert_array_equal(short.encode_queries(queries * np.float32(2.0**-100), "asymmetric"), expected)


def test_scores_that_are_no_numbers_are_said_and_not_ranked():
    vectors = unit_vectors(300, 8) * np.float32(1e30)
    codec = parse_codec({"family": "float32"}).fit(sample(vectors))
    with pytest.raises(InapplicableError, match="scores are no finite numbers"):
        scan = DecodedScan(codec, 1).settled(vectors[:5], vectors, 10)
        check_scores(*scan)
    check_scores(np.array([[1.0, -np.inf]]), np.array([[3, -1]]))
