"""A provider's codes: read by id, searched as our own, and refused when they can't be those of the vectors."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embquant.errors import InputError
from embquant.files.inapplicable import why_inapplicable
from embquant.indexes import index_class
from embquant.indexes.manifest import open_index, open_store
from embquant.study.study import Study
from support.codec_cases import fitted, unit_vectors
from support.embedding_files import command, write_corpus
from support.embeddings import provider_codes

ROWS, DIM = 300, 20
VECTORS = unit_vectors(ROWS, dim=DIM)
QUERIES = unit_vectors(ROWS + 9, dim=DIM)[-9:]
IDS = [f"d{row}" for row in range(ROWS)]
ORDER = np.random.default_rng(3).permutation(ROWS)
"""The order of the provider's rows."""

GIVEN = provider_codes(VECTORS, 300)
INT8, BITS = GIVEN["int8"], GIVEN["ubinary"]


@pytest.fixture
def folder(tmp_path):
    write_corpus(tmp_path / "corpus.parquet", IDS, IDS)
    write_parquet(tmp_path / "v.parquet", VECTORS)
    return tmp_path


def write_parquet(path, matrix, column="embedding", order=ORDER):
    kind = pa.list_(pa.from_numpy_dtype(matrix.dtype))
    table = {"id": [IDS[row] for row in order], column: pa.array(list(matrix[order]), kind)}
    pq.write_table(pa.table(table), path, row_group_size=64)
    return str(path)


def embed(folder, **keys):
    """Prepare a model with the keys, and look its vectors up, in two parts; return the exit status."""
    spec = {"type": "precomputed", "corpus": str(folder / "v.parquet"), "queries": str(folder / "v.parquet"), **keys}
    status = command("prepare-model", "--name", "m", "--entry", json.dumps(spec), "--output", folder / "model")
    if status == 0:
        options = ["--corpus", folder / "corpus.parquet", "--model", folder / "model" / "model.json", "--parts", 2]
        status = max(
            command("embed-corpus", *options, "--part", part, "--output", folder / f"{part}.parquet") for part in (0, 1)
        )
    return status


def store(folder, entry):
    """Build the store of a codec; return its manifest."""
    path = folder / f"{entry['family']}-{entry.get('codes')}{index_class(entry['family'], 'flat').suffix}"
    parts = [folder / "0.parquet", folder / "1.parquet"]
    options = ["--entry", json.dumps(entry), "--embeddings", *parts, "--state", path.with_suffix(".npz")]
    assert command("build-store", *options, "--output", path) == 0
    return path.with_name(f"{path.name}.json")


def found(manifest, scoring):
    codec, index = open_index(manifest, 1)
    return index.search_reproducibly(codec.encode_queries(QUERIES, scoring), 50)


def ranked(scores):
    return np.argsort(-scores, axis=1, kind="stable")[:, :50]


@pytest.mark.parametrize("precision", ["int8", "uint8"])
def test_bytes_rank_by_their_products_with_rounded_and_with_float_queries(folder, precision):
    assert embed(folder, precisions={precision: write_parquet(folder / "c.parquet", GIVEN[precision])}) == 0
    manifest = store(folder, {"family": "int8", "codes": precision})
    codec, index = open_store(manifest)
    assert np.array_equal(index.codes, INT8)
    rounded = np.rint(QUERIES.astype(np.float64) / np.abs(QUERIES).max(axis=1, keepdims=True) * 127)
    scores, rows = found(manifest, "asymmetric")
    products = rounded @ INT8.astype(np.float64).T
    assert np.array_equal(rows, ranked(products))
    assert np.array_equal(scores, -np.sort(-products, axis=1)[:, :50])
    rescored = codec.score(QUERIES, np.broadcast_to(index.codes, (len(QUERIES), *INT8.shape)))
    exact = QUERIES.astype(np.float64) @ GIVEN[precision].astype(np.float64).T
    assert np.array_equal(ranked(rescored), ranked(exact))


@pytest.mark.parametrize(("times", "whole", "step"), [(1, False, 1 / 127), (100, True, 1), (100, False, 100 / 127)])
def test_codes_are_the_vectors_themselves_only_where_all_values_are_whole_numbers(times, whole, step):
    clipped = np.concatenate([np.clip(VECTORS, -1, 1), np.ones((1, DIM)), -np.ones((1, DIM))]) * times
    vectors = np.rint(clipped) if whole else clipped
    numbers = fitted({"family": "int8", "codes": "int8"}, vectors.astype(np.float32)).decode(INT8)
    np.testing.assert_allclose(numbers, INT8 * step, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("precision", ["ubinary", "binary"])
def test_bits_rank_by_hamming_distance_and_by_float_queries(folder, precision):
    assert embed(folder, precisions={precision: write_parquet(folder / "c.parquet", GIVEN[precision])}) == 0
    manifest = store(folder, {"family": "binary", "codes": precision})
    differing = ((QUERIES > 0)[:, None] != (VECTORS > 0)[None]).sum(axis=2)
    scores, rows = found(manifest, "symmetric")
    assert np.array_equal(rows, ranked(-differing))
    assert np.array_equal(scores, -np.sort(differing, axis=1)[:, :50])
    _, rows = found(manifest, "asymmetric")
    assert np.array_equal(rows, ranked(QUERIES.astype(np.float64) @ np.where(VECTORS > 0, 1.0, -1.0).T))


@pytest.mark.parametrize(
    ("precision", "scoring", "entry"),
    [
        ("ubinary", "symmetric", {"family": "binary"}),
        ("ubinary", "asymmetric", {"family": "binary"}),
        ("int8", "asymmetric", {"family": "int8", "ranges": "symmetric"}),
    ],
)
def test_codes_of_our_own_give_our_own_results(folder, precision, scoring, entry):
    # Both ends of one range occur in all dimensions, so that our int8 has one scale, as a provider's has.
    vectors = np.concatenate([VECTORS[:-2], np.ones((1, DIM)), -np.ones((1, DIM))]).astype(np.float32)
    write_parquet(folder / "v.parquet", vectors)
    codes = write_parquet(folder / "c.parquet", fitted(entry, vectors).encode(vectors))
    assert embed(folder, precisions={precision: codes}, normalize=False) == 0
    own, given = store(folder, entry), store(folder, {"family": entry["family"], "codes": precision})
    assert np.array_equal(open_store(own)[1].codes, open_store(given)[1].codes)
    assert all(map(np.array_equal, found(own, scoring), found(given, scoring)))


def test_where_codes_may_lie(folder):
    np.save(folder / "c.npy", BITS[ORDER])
    (folder / "ids.txt").write_text("".join(f"{IDS[row]}\n" for row in ORDER))
    np.save(folder / "v.npy", VECTORS[ORDER])
    table = pq.read_table(folder / "v.parquet").append_column("int8", pa.array(list(INT8[ORDER])))
    pq.write_table(table, folder / "both.parquet")
    np.save(folder / "unpacked.npy", (VECTORS > 0)[ORDER].astype(np.float64))
    files = {"ubinary": "c.npy", "binary": "unpacked.npy", "int8": "both.parquet"}
    precisions = {name: str(folder / file) for name, file in files.items()}
    assert embed(folder, corpus=str(folder / "v.npy"), ids=str(folder / "ids.txt"), precisions=precisions) == 0
    for family, precision, expected in [
        ("binary", "ubinary", BITS),
        ("binary", "binary", BITS),
        ("int8", "int8", INT8),
    ]:
        _, index = open_store(store(folder, {"family": family, "codes": precision}))
        assert np.array_equal(index.codes, expected)


def test_codes_beside_vectors_in_files_without_ids_have_the_ids_of_these(folder):
    (folder / "ids.txt").write_text("".join(f"{IDS[row]}\n" for row in ORDER))
    table = {"embedding": list(VECTORS[ORDER]), "int8": list(INT8[ORDER])}
    pq.write_table(pa.table(table), folder / "both.parquet")
    both, ids = str(folder / "both.parquet"), str(folder / "ids.txt")
    assert embed(folder, corpus=both, ids=ids, precisions={"int8": both}) == 0
    assert np.array_equal(open_store(store(folder, {"family": "int8", "codes": "int8"}))[1].codes, INT8)


@pytest.mark.parametrize(
    ("precision", "matrix", "order", "expected"),
    [
        ("int8", INT8[:, :-1], ORDER, "int8 codes of 19 numbers, expected 20: the model's vectors have 20 dimensions"),
        ("ubinary", BITS[:, :-1], ORDER, "ubinary codes of 2 numbers, expected 3 or 20"),
        ("int8", GIVEN["uint8"], ORDER, "among its values, expected whole numbers from -128 to 127 as int8 codes"),
        ("ubinary", GIVEN["binary"], ORDER, "expected whole numbers from 0 to 255 as ubinary codes"),
        ("int8", VECTORS, ORDER, "expected whole numbers from -128 to 127 as int8 codes"),
        ("int8", INT8, ORDER[ORDER != 7], "no vector for id 'd7'"),
    ],
)
def test_codes_that_cannot_be_the_vectors_are_refused(folder, capsys, precision, matrix, order, expected):
    codes = write_parquet(folder / "c.parquet", matrix, order=order)
    assert embed(folder, precisions={precision: codes}) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert codes in error
    assert expected in error


def test_npy_codes_need_ids(folder, capsys):
    np.save(folder / "c.npy", INT8)
    assert embed(folder, precisions={"int8": str(folder / "c.npy")}) == 2
    assert "c.npy: a .npy file carries no ids; name the file of ids in ids" in capsys.readouterr().err


def test_a_model_without_codes_leaves_the_codec_out(folder):
    assert embed(folder) == 0
    path = folder / "left-out"
    options = ["--embeddings", folder / "0.parquet", folder / "1.parquet", "--state", folder / "s.npz"]
    assert command("build-store", "--entry", '{"family": "int8", "codes": "int8"}', *options, "--output", path) == 0
    assert why_inapplicable(path) == "codes int8: the model names no such files under precisions"


@pytest.mark.parametrize(
    ("codec", "expected"),
    [
        ({"codes": "uint8"}, "codecs.given: codes is 'uint8', which no model has under precisions"),
        ({"codes": "int8", "transform": "rotation"}, "the provider's codes can't be transformed; leave out"),
        ({"codes": "int8", "ranges": "symmetric"}, "ranges is of codes that are made here"),
        ({"codes": "ubinary"}, "codes"),
    ],
)
def test_configurations_that_make_no_sense(codec, expected):
    model = {"type": "precomputed", "corpus": "v.npy", "precisions": {"int8": "c.npy"}}
    codecs = {"float32": {"family": "float32"}, "given": {"family": "int8", **codec}}
    methods = {name: {"codec": name, "index": "flat"} for name in codecs}
    datasets = {"mine": {"source": "files", "path": "."}}
    study = {"study": "s", "datasets": datasets, "models": {"m": model}, "codecs": codecs, "methods": methods}
    with pytest.raises(InputError, match=r"^config.yaml: ") as error:
        Study.read(study)
    assert expected in str(error.value)
