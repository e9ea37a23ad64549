"""Embeddings computed elsewhere: found by id in any order, and refused when they can't be used."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embquant.embedding.vectors import load_npy
from embquant.errors import InputError
from embquant.files.matrices import array_to_matrix
from embquant.files.parquet import read_table
from support.embedding_files import command, query_options, write_corpus, write_queries

IDS = ["a", "b", "c", "d", "e"]
VECTORS = np.random.default_rng(1).normal(size=(5, 5)).astype(np.float32)
UNIT = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
SHUFFLED = [4, 0, 2, 3, 1]


@pytest.fixture
def folder(tmp_path):
    # b and c have the same text but vectors of their own; queries are held out of the corpus
    write_corpus(tmp_path / "corpus.parquet", ["x", "y", "y"], ["a", "b", "c"])
    write_queries(tmp_path / "queries.parquet", ["q", "r"], ["d", "e"])
    describe(tmp_path, held_out=2)
    return tmp_path


def describe(folder, held_out):
    left_out = {"documents_held_out_as_queries": held_out} if held_out else {}
    (folder / "dataset.json").write_text(json.dumps({"left_out": left_out}))


def write_vectors(path, vectors=VECTORS, ids=IDS, kind=None):
    kind = kind or pa.list_(pa.float32(), 5)
    table = {"id": [ids[i] for i in SHUFFLED], "embedding": pa.array([vectors[i] for i in SHUFFLED], kind)}
    pq.write_table(pa.table(table), path, row_group_size=2)
    return path


def embed(folder, **spec):
    """Prepare, embed and place; return corpus and query vectors, or None if a step refuses the input."""
    model = folder / "model" / "model.json"
    spec = json.dumps({"type": "precomputed", **spec})
    part = ["--corpus", folder / "corpus.parquet", "--part", 0, "--parts", 1, "--output"]
    output = ["--output", folder / "query-vectors.parquet"]
    steps = [
        ["prepare-model", "--name", "m", "--entry", spec, "--datasets", "mine", "--output", folder / "model"],
        ["embed-corpus", "--dataset", "mine", "--model", model, *part, folder / "distinct.parquet"],
        ["place-embeddings", "--distinct", folder / "distinct.parquet", *part, folder / "part.parquet"],
        ["embed-queries", "--dataset", "mine", *query_options(folder / "queries.parquet"), "--model", model, *output],
    ]
    if any(command(*step) for step in steps):
        return None
    tables = [read_table(folder / name, ["embedding"]) for name in ("part.parquet", "query-vectors.parquet")]
    return [array_to_matrix(table["embedding"].combine_chunks()) for table in tables]


@pytest.mark.parametrize("kind", [pa.list_(pa.float32(), 5), pa.list_(pa.float64()), pa.large_list(pa.float32())])
def test_vectors_are_matched_by_id(folder, kind):
    corpus, queries = embed(folder, corpus=str(write_vectors(folder / "v.parquet", kind=kind)))
    np.testing.assert_allclose(corpus, UNIT[:3], atol=1e-6)
    np.testing.assert_allclose(queries, UNIT[3:], atol=1e-6)


def test_without_normalization_they_are_untouched(folder):
    corpus, _ = embed(folder, corpus=str(write_vectors(folder / "v.parquet")), normalize=False)
    assert np.array_equal(corpus, VECTORS[:3])


def write_ids(path):
    ids = [IDS[i] for i in SHUFFLED]
    match path.suffix:
        case ".npy":
            np.save(path, np.array(ids))
        case ".txt":
            path.write_text("\n".join(ids) + "\n")
        case ".csv":
            path.write_text("number,name\n" + "".join(f"{row},{name}\n" for row, name in enumerate(ids)))
        case ".parquet":
            pq.write_table(pa.table({"name": ids}), path)
    return str(path)


@pytest.mark.parametrize("suffix", [".npy", ".txt", ".csv", ".parquet"])
def test_npy_with_ids_in_a_file_of_their_own(folder, suffix):
    np.save(folder / "v.npy", VECTORS[SHUFFLED].astype(np.float64))
    ids = write_ids(folder / f"ids{suffix}")
    corpus, queries = embed(folder, corpus=str(folder / "v.npy"), ids=ids, id_column="name")
    np.testing.assert_allclose(corpus, UNIT[:3], atol=1e-6)
    np.testing.assert_allclose(queries, UNIT[3:], atol=1e-6)


def test_paths_may_name_the_dataset_and_folders_hold_shards(folder):
    (folder / "mine").mkdir()
    for shard in (0, 1):
        rows = slice(3 * shard, 3 * shard + 3)
        table = {"id": IDS[rows], "embedding": pa.array(list(VECTORS[rows]), pa.list_(pa.float32(), 5))}
        pq.write_table(pa.table(table), folder / "mine" / f"{shard}.parquet")
    corpus, queries = embed(folder, corpus=str(folder / "{dataset}"))
    np.testing.assert_allclose(corpus, UNIT[:3], atol=1e-6)
    np.testing.assert_allclose(queries, UNIT[3:], atol=1e-6)


def with_row(row, value):
    changed = [list(vector) for vector in VECTORS.tolist()]
    changed[row] = value
    return changed


@pytest.mark.parametrize(
    ("row", "value", "message"),
    [
        (1, [1, 2, np.nan, 4, 5], "v.parquet: vector of id 'b': NaN or infinity"),
        (2, [1, 2, np.inf, 4, 5], "v.parquet: vector of id 'c': NaN or infinity"),
        (2, [1, 2, 1e300, 4, 5], "v.parquet: vector of id 'c': NaN or infinity"),
        (0, [0, 0, 0, 0, 0], "v.parquet: vector of id 'a': length zero"),
        (1, [1, 2, None, 4, 5], "v.parquet: vector of id 'b': null among its values"),
        (1, [1, 2, 3, 4], "v.parquet: vector of id 'b': expected 5 dimensions, got 4 dimensions"),
        (1, None, "v.parquet: vector of id 'b': expected 5 dimensions, got no vector"),
        (4, [1, 2, 3, 4, np.nan], "v.parquet: vector of id 'e': NaN or infinity"),
    ],
)
def test_a_vector_that_cannot_be_used_is_named(folder, capsys, row, value, message):
    path = write_vectors(folder / "v.parquet", with_row(row, value), kind=pa.list_(pa.float64()))
    before = path.read_bytes()
    assert embed(folder, corpus=str(path)) is None
    assert message in capsys.readouterr().err
    assert path.read_bytes() == before


def test_missing_ids_are_named_and_counted(folder, capsys):
    path = write_vectors(folder / "v.parquet", ids=["a", "B", "C", "d", "e"])
    assert embed(folder, corpus=str(path)) is None
    assert "no vector for id 'b'" in (message := capsys.readouterr().err)
    assert "and 1 more" in message


def test_an_id_that_occurs_twice_is_named(folder, capsys):
    assert embed(folder, corpus=str(write_vectors(folder / "v.parquet", ids=["a", "b", "c", "d", "a"]))) is None
    assert "id 'a' occurs more than once" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"corpus": "none.parquet"}, "none.parquet: no such file"),
        ({"corpus": "v.parquet", "queries": "none.parquet"}, "none.parquet: no such file"),
        ({"corpus": "v.parquet", "embedding_column": "vector"}, "no column 'vector'; the file has: id, embedding"),
        ({"corpus": "v.parquet", "embedding_column": "id"}, "column 'id' is string; expected lists of float or double"),
        ({"corpus": "v.parquet", "id_column": "name"}, "no column 'name'"),
        ({"corpus": "v.npy"}, "carries no ids; name the file of ids in ids"),
        ({"corpus": "v.npy", "ids": "short.txt"}, "short.txt: 2 ids, but 5 vectors in v.npy; expected one id each"),
        ({"corpus": "flat.npy", "ids": "short.txt"}, "holds float32 of shape (5,); expected floating-point numbers"),
        ({"corpus": "pickled.npy", "ids": "short.txt"}, "pickled.npy: not a readable .npy file"),
        ({"corpus": "v.parquet", "queries": "wide.npy", "query_ids": "short.txt"}, "expected 5 dimensions"),
    ],
)
def test_wrong_files_are_named(folder, capsys, monkeypatch, spec, message):
    monkeypatch.chdir(folder)
    write_vectors(folder / "v.parquet")
    np.save("v.npy", VECTORS)
    np.save("flat.npy", VECTORS[:, 0])
    np.save("wide.npy", np.ones((2, 6), np.float32))
    np.save("pickled.npy", np.array([{}, None]), allow_pickle=True)
    (folder / "short.txt").write_text("d\ne\n")
    assert embed(folder, **spec) is None
    assert message in capsys.readouterr().err


def test_a_header_that_is_no_python_is_refused(tmp_path):
    path = tmp_path / "vectors.npy"
    np.save(path, np.zeros((3, 4), np.float32))
    path.write_bytes(path.read_bytes().replace(b"(3, 4)", b")3, 4)"))
    with pytest.raises(InputError, match=r"vectors\.npy: not a readable \.npy file"):
        load_npy(path)


def refused(folder, capsys, **spec):
    """Return the one line that the spec is refused with."""
    assert embed(folder, **spec) is None
    lines = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(lines) == 1
    return lines[0]


def test_queries_of_the_datasets_own_need_a_file_of_their_own(folder, capsys):
    """Queries and documents are often numbered alike: a query must not get the vector of the document of its number."""
    describe(folder, held_out=0)
    path = str(write_vectors(folder / "v.parquet"))
    line = refused(folder, capsys, corpus=path)
    assert "model m: names no file of queries' vectors" in line
    assert "add queries: FILE" in line
    corpus, queries = embed(folder, corpus=path, queries=path)
    np.testing.assert_allclose(corpus, UNIT[:3], atol=1e-6)
    np.testing.assert_allclose(queries, UNIT[3:], atol=1e-6)


@pytest.mark.parametrize(
    "queries", ["{folder}/v.parquet", "{folder}/../{name}/v.parquet", "{folder}/link.parquet", "{folder}/copy.parquet"]
)
def test_a_file_of_both_has_no_id_of_both(folder, capsys, queries):
    describe(folder, held_out=0)
    write_queries(folder / "queries.parquet", ["q", "r"], ["d", "b"])
    path = write_vectors(folder / "v.parquet")
    (folder / "link.parquet").symlink_to(path)
    write_vectors(folder / "copy.parquet")
    queries = queries.format(folder=folder, name=folder.name)
    assert "id 'b' is a query's and a document's" in refused(folder, capsys, corpus=str(path), queries=queries)
    other = write_vectors(folder / "other.parquet", -VECTORS)
    _, found = embed(folder, corpus=str(path), queries=str(other))
    np.testing.assert_allclose(found, -UNIT[[3, 1]], atol=1e-6)


def test_a_npy_file_of_both_needs_its_ids_once(folder):
    describe(folder, held_out=0)
    np.save(folder / "v.npy", VECTORS)
    (folder / "ids.txt").write_text("\n".join(IDS))
    path = str(folder / "v.npy")
    _, queries = embed(folder, corpus=path, queries=path, ids=str(folder / "ids.txt"))
    np.testing.assert_allclose(queries, UNIT[3:], atol=1e-6)
