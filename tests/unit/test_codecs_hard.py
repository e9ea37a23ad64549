"""Codecs on hard data: dead and heavy-tailed dimensions, zero vectors, few vectors, foreign files."""

import numpy as np
import pytest

from embquant.errors import InputError
from embquant.quantize.codecs import CODECS, load_codec, parse_codec
from support.codec_cases import (
    CASES,
    HARD,
    PQ,
    fitted,
    repeated_for,
    unit_vectors,
)

MIXED = ("binary", "rabitq", "osq", "eden", "turboquant", "pq", "scaled-pq", "unit-int8", "scaled-int8")

every_case = pytest.mark.parametrize("name", CASES)


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
    mixed = "transform" in entry or entry["family"] in MIXED
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
@pytest.mark.parametrize("family", sorted(CODECS.names()))
def test_any_number_of_dimensions_and_one_vector_are_enough_unless_centroids_are_sought(family, rows, dim):
    entry = {"family": family, **({"pieces": 1} if "pq" in family else {})}
    vectors = unit_vectors(rows, dim)
    if "pq" in family and rows == 1:
        with pytest.raises(InputError, match=r"needs at least 256 training vectors to fit 256 centroids, got 1"):
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
        ({**PQ, "training": 100}, "codec pq: needs at least 256 training vectors to fit 256 centroids, got 100"),
        ({**PQ, "pieces": 0}, "pieces is 0, expected 1 or more"),
        ({**PQ, "bits": 6}, "bits is 6, expected 4 or 8"),
        ({"family": "pq"}, "codec pq: the key 'pieces' is missing"),
        ({"family": "rabitq", "bits": 9}, "bits is 9, expected 1 to 8"),
        ({"family": "eden", "bits": 0}, "bits is 0, expected 1 to 8"),
        ({"family": "turboquant", "bits": 5}, "bits is 5, expected 1, 2, 3, 4 or 8 for variant mse"),
        ({"family": "turboquant", "bits": 1, "variant": "prod"}, "bits is 1, expected 2, 3, 4 or 5 for variant prod"),
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
    with pytest.raises(InputError, match=r"float99.*did you mean 'float8'"):
        load_codec(path)
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        load_codec(path)
