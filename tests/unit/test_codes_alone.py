"""A model of a provider's codes alone: what its vectors are, what they are compared with, what is refused."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from embquant.errors import InputError
from embquant.files.atomic import write_json
from embquant.indexes import index_class
from embquant.indexes.manifest import open_index, open_store
from embquant.study.study import Study
from support.codec_cases import unit_vectors
from support.embedding_files import command, query_options, write_corpus, write_queries
from support.embeddings import provider_codes

PAGE = Path(__file__).parents[2] / "docs" / "hosted-vectors.md"
ROWS, ASKED, DIM = 300, 9, 24
VECTORS = unit_vectors(ROWS + ASKED, dim=DIM)
GIVEN = provider_codes(VECTORS, 200)
INT8, BITS = GIVEN["int8"], GIVEN["ubinary"]
SIGNS = np.where(VECTORS > 0, 1, -1)
STANDS_FOR = {"int8": INT8, "uint8": INT8, "ubinary": SIGNS, "binary": SIGNS}
IDS = [*(f"d{row}" for row in range(ROWS)), *(f"q{row}" for row in range(ASKED))]
DOCUMENTS, QUERIES = np.arange(ROWS), np.arange(ROWS, ROWS + ASKED)
STORE = {"int8": "int8", "uint8": "int8", "ubinary": "binary", "binary": "binary"}


@pytest.fixture
def folder(tmp_path):
    write_corpus(tmp_path / "corpus.parquet", IDS[:ROWS], IDS[:ROWS])
    write_queries(tmp_path / "queries.parquet", IDS[ROWS:], IDS[ROWS:])
    write_json(tmp_path / "dataset.json", {"left_out": {}})
    return tmp_path


def codes_of(folder, name, rows, *precisions, **columns):
    """Write codes of ``rows``, in another order, in columns of their own; return the path."""
    order = np.random.default_rng(5).permutation(rows)
    given = {precision: GIVEN[precision] for precision in precisions} | columns
    table = {"id": [IDS[row] for row in order], **{key: list(matrix[order]) for key, matrix in given.items()}}
    pq.write_table(pa.table(table), folder / name)
    return str(folder / name)


def embed(folder, **keys):
    """Prepare a model, and look up its documents and queries; return the exit status of what failed, or 0."""
    spec = json.dumps({"type": "precomputed", **keys})
    model = ["--model", folder / "model" / "model.json"]
    corpus = ["--corpus", folder / "corpus.parquet", *model, "--part", 0, "--parts", 1]
    return (
        command("prepare-model", "--name", "m", "--entry", spec, "--output", folder / "model")
        or command("embed-corpus", *corpus, "--output", folder / "0.parquet")
        or command(
            "embed-queries", *query_options(folder / "queries.parquet"), *model, "--output", folder / "q.parquet"
        )
    )


def embeddings(path):
    return np.stack(pq.read_table(path, columns=["embedding"]).column(0).to_numpy())


def store(folder, precision):
    """Build the store of the codes ``precision``; return its manifest."""
    family = STORE[precision]
    path = folder / f"store{index_class(family, 'flat').suffix}"
    entry = json.dumps({"family": family, "codes": precision})
    options = ["--entry", entry, "--embeddings", folder / "0.parquet", "--state", folder / "store.npz"]
    assert command("build-store", *options, "--output", path) == 0
    return path.with_name(f"{path.name}.json")


@pytest.mark.parametrize("precision", GIVEN)
def test_vectors_are_the_numbers_that_codes_stand_for(folder, precision):
    named = {precision: codes_of(folder, "c.parquet", DOCUMENTS, precision)}
    assert embed(folder, precisions=named, queries=codes_of(folder, "q-codes.parquet", QUERIES, precision)) == 0
    for path, rows in (("0.parquet", DOCUMENTS), ("q.parquet", QUERIES)):
        found = embeddings(folder / path)
        assert found.dtype == np.float32
        assert np.array_equal(found, STANDS_FOR[precision][rows])


@pytest.mark.parametrize("precision", GIVEN)
def test_an_exact_search_scores_by_the_products_of_codes_with_codes(folder, precision):
    named = {precision: codes_of(folder, "c.parquet", DOCUMENTS, precision)}
    assert embed(folder, precisions=named, queries=codes_of(folder, "q-codes.parquet", QUERIES, precision)) == 0
    manifest = store(folder, precision)
    codec, index = open_index(manifest, 1)
    asked = embeddings(folder / "q.parquet")
    scores, rows = index.search_reproducibly(codec.encode_queries(asked, codec.exact_scoring), 20)
    numbers = STANDS_FOR[precision].astype(np.int64)
    products = numbers[QUERIES] @ numbers[DOCUMENTS].T
    assert np.array_equal(rows, np.argsort(-products, axis=1, kind="stable")[:, :20])
    assert np.array_equal(scores, np.take_along_axis(products, rows, axis=1))
    codes = np.broadcast_to(index.codes, (ASKED, *index.codes.shape))
    assert np.array_equal(codec.score(asked, codes), products)


def test_the_finest_codes_are_the_vectors_and_all_codes_are_kept(folder):
    path = codes_of(folder, "c.parquet", np.arange(ROWS + ASKED), "ubinary", "int8")
    assert embed(folder, precisions={"ubinary": path, "int8": path}, queries=path) == 0
    assert np.array_equal(embeddings(folder / "0.parquet"), INT8[DOCUMENTS])
    assert np.array_equal(embeddings(folder / "q.parquet"), INT8[QUERIES])
    _, index = open_store(store(folder, "ubinary"))
    assert np.array_equal(index.codes, BITS[DOCUMENTS])


def test_codes_in_npy_files_have_ids_of_their_own(folder):
    for name, rows in (("c", DOCUMENTS), ("q", QUERIES)):
        np.save(folder / f"{name}.npy", INT8[rows[::-1]])
        (folder / f"{name}.txt").write_text("".join(f"{IDS[row]}\n" for row in rows[::-1]))
    keys = {"ids": str(folder / "c.txt"), "queries": str(folder / "q.npy"), "query_ids": str(folder / "q.txt")}
    assert embed(folder, precisions={"int8": str(folder / "c.npy")}, **keys) == 0
    assert np.array_equal(embeddings(folder / "q.parquet"), INT8[QUERIES])


def test_codes_in_parquet_files_without_ids_have_files_of_ids(folder):
    for name, rows in (("c", DOCUMENTS), ("q-codes", QUERIES)):
        table = pq.read_table(codes_of(folder, f"{name}.parquet", rows, "int8"))
        (folder / f"{name}.txt").write_text("".join(f"{identifier}\n" for identifier in table["id"].to_pylist()))
        pq.write_table(table.select(["int8"]), folder / f"{name}.parquet")
    files = {key: str(folder / name) for key, name in {"ids": "c.txt", "query_ids": "q-codes.txt"}.items()}
    named = {"int8": str(folder / "c.parquet")}
    assert embed(folder, precisions=named, queries=str(folder / "q-codes.parquet"), **files) == 0
    assert np.array_equal(embeddings(folder / "0.parquet"), INT8[DOCUMENTS])
    assert np.array_equal(embeddings(folder / "q.parquet"), INT8[QUERIES])


@pytest.mark.parametrize(
    ("documents", "queries", "expected"),
    [
        (["ubinary"], None, "names no file of queries' vectors"),
        (["int8"], ["ubinary"], "q-codes.parquet: no column int8 or embedding; write int8 codes into one of them"),
        (["ubinary"], ["int8"], "q-codes.parquet: no column ubinary or embedding"),
    ],
)
def test_queries_without_codes_are_refused(folder, capsys, documents, queries, expected):
    named = dict.fromkeys(documents, codes_of(folder, "c.parquet", DOCUMENTS, *documents))
    given = {"queries": codes_of(folder, "q-codes.parquet", QUERIES, *queries)} if queries else {}
    assert embed(folder, precisions=named, **given) == 2
    assert expected in capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.parametrize("precision", ["ubinary", "binary"])
def test_bits_that_are_not_packed_are_refused(folder, capsys, precision):
    unpacked = {precision: (VECTORS > 0).astype(np.int8)}
    path = codes_of(folder, "c.parquet", DOCUMENTS, **unpacked)
    assert embed(folder, precisions={precision: path}, queries=path) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"c.parquet: {precision} codes that are all 0 or 1, expected packed bits" in error
    assert "np.packbits(codes, axis=1)" in error


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        (INT8[:, :-1], "expected 24 dimensions as the corpus has, got 23"),
        (VECTORS, "among its values, expected whole numbers from -128 to 127 as int8 codes"),
        (BITS, "expected 24 dimensions as the corpus has, got 3"),
    ],
)
def test_queries_that_are_other_codes_are_refused(folder, capsys, matrix, expected):
    named = {"int8": codes_of(folder, "c.parquet", DOCUMENTS, "int8")}
    queries = codes_of(folder, "q-codes.parquet", QUERIES, embedding=matrix)
    assert embed(folder, precisions=named, queries=queries) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert queries in error
    assert expected in error


ALONE = {"type": "precomputed", "queries": "q.parquet", "precisions": {"int8": "c.parquet", "ubinary": "c.parquet"}}
CODES = {"int8": {"family": "int8", "codes": "int8"}, "bits": {"family": "binary", "codes": "ubinary"}}
METHODS = {
    "int8": {"codec": "int8", "index": "flat", "scoring": "symmetric"},
    "bits": {"codec": "bits", "index": "flat"},
}


def study(**changes):
    values = {
        "study": "s",
        "datasets": {"mine": {"source": "files", "path": "."}},
        "models": {"m": ALONE},
        "codecs": CODES,
        "methods": METHODS,
        "baseline": "int8",
    }
    return Study.read({**values, **changes})


def test_the_finest_codes_are_what_all_is_compared_with():
    config = study().config
    assert (config.reference, config.compared_with) == ("int8", "int8")
    assert study(rescore={"stores": ["int8"]}).baseline.rescore_stores == []


def test_the_example_of_the_page_is_such_a_study():
    section = PAGE.read_text(encoding="utf-8").partition("## 4. If there are codes alone")[2]
    example = Study.read(yaml.safe_load(section.partition("```yaml")[2].partition("```")[0]))
    assert example.config.compared_with == "their-int8"
    assert example.methods["their-bits-hnsw"].rescore_stores == ["their-int8"]


def test_a_provider_s_codes_are_not_fitted_again():
    assert not study(fit_on={"share": 0.5}).drifted_methods


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"baseline": "float32"}, "baseline: 'float32' is no method of a codec with codes: int8 and of a flat index"),
        ({"baseline": "bits"}, "baseline: 'bits' is no method of a codec with codes: int8 and of a flat index"),
        (
            {"methods": {**METHODS, "int8": {"codec": "int8", "index": "flat"}}},
            "methods.int8: the baseline compares codes exactly only with scoring: symmetric; add it",
        ),
        (
            {"codecs": {**CODES, "float32": {"family": "float32"}}},
            "codecs.float32: the models have no float vectors, so nothing can be stored as float32",
        ),
        ({"study": "no-float32"}, "the models have no float vectors, so nothing can be called 'no-float32'"),
        (
            {"models": {"m": ALONE, "other": {**ALONE, "corpus": "v.npy"}}},
            "models.other: it has float vectors, the first model has int8 codes alone, and nothing can be compared",
        ),
        (
            {"models": {"m": ALONE, "other": {**ALONE, "precisions": {"ubinary": "c.parquet"}}}},
            "models.other: it has ubinary codes alone, the first model has int8 codes alone",
        ),
        (
            {"models": {"m": {**ALONE, "normalize": True}}},
            "models.m: normalize is of float vectors, but without corpus there are codes alone; leave it out",
        ),
        ({"models": {"m": {"type": "precomputed"}}}, "models.m: the key 'corpus' is missing, and so is 'precisions'"),
    ],
)
def test_studies_that_have_nothing_to_compare_with_are_refused(changes, expected):
    with pytest.raises(InputError, match=r"^config.yaml: ") as error:
        study(**changes)
    assert expected in str(error.value)
    assert "\n" not in str(error.value)
