"""What a kind says of its bytes before anything is fitted or built, against what is written then."""

import pytest

from embquant.entries import read_entry
from embquant.indexes import index_class
from embquant.quantize.codecs import parse_codec
from support.codec_cases import CASES, INDEXED, case, fitted, unit_vectors
from support.index_cases import built, entry_of

ROWS = 600


def index_bytes(kind, build, entry):
    spec = parse_codec(entry)
    index = index_class(entry["family"], kind)
    return index.file_bytes(ROWS, spec, 32, read_entry(index.build_parameters, build))


@pytest.mark.parametrize("name", CASES)
def test_a_code_is_as_wide_as_the_fitted_codec_says(name):
    assert parse_codec(CASES[name]).code_bytes(32) == case(name).bytes_per_vector


@pytest.mark.parametrize(
    "entry",
    [
        *({"family": family, "bits": bits} for family in ("rabitq", "eden", "turboquant") for bits in (1, 2, 3, 8)),
        *({"family": "osq", "bits": bits} for bits in (1, 2, 4, 7)),
        *({"family": "turboquant", "variant": "prod", "bits": bits} for bits in (2, 3, 4, 5)),
    ],
    ids=str,
)
def test_codes_of_dimensions_that_are_no_whole_bytes(entry):
    assert parse_codec(entry).code_bytes(21) == fitted(entry, unit_vectors(dim=21)).bytes_per_vector


@pytest.mark.parametrize(("family", "kind"), INDEXED)
def test_an_index_file_is_as_large_as_its_formula(tmp_path, family, kind):
    _, _, path = built(tmp_path, family, kind, unit_vectors(ROWS))
    assert index_bytes(kind, {}, entry_of(family, kind)) == pytest.approx(path.stat().st_size, rel=0.03, abs=400)


@pytest.mark.parametrize(
    ("family", "kind", "build"),
    [("int8", "hnsw", {"connectivity": 4}), ("binary", "hnsw", {"connectivity": 32}), ("float32", "ivf", {"lists": 7})],
)
def test_parameters_of_the_build_count(tmp_path, family, kind, build):
    _, _, path = built(tmp_path, family, kind, unit_vectors(ROWS), **build)
    assert index_bytes(kind, build, {"family": family}) == pytest.approx(path.stat().st_size, rel=0.05)


@pytest.mark.parametrize("name", ["binary-itq", "float32-pca", "pq", "pq-opq", "scaled-pq"])
def test_the_state_of_a_codec_is_its_matrix_and_its_centroids(tmp_path, name):
    case(name).save(tmp_path / "state.npz")
    actual = (tmp_path / "state.npz").stat().st_size
    assert parse_codec(CASES[name]).state_bytes(32) == pytest.approx(actual, rel=0.1, abs=2000)
