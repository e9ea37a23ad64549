import json
import subprocess
import sys

import pytest

from embquant.cli import main
from embquant.datasets.spec import ByKey, FilesSpec, HuggingfaceSpec, parse_dataset
from embquant.errors import InputError
from support.dataset_files import write_beir


def fails(values) -> str:
    with pytest.raises(InputError) as caught:
        parse_dataset(values)
    return str(caught.value)


def test_entries_are_typed_by_their_source():
    assert parse_dataset({"source": "files", "path": "x"}) == FilesSpec(path="x")
    spec = parse_dataset({"source": "files", "corpus": "x", "qrels": {"key": {"corpus": "a", "queries": "b"}}})
    assert isinstance(spec.qrels, ByKey)
    assert spec.qrels.key.queries == "b"
    table = {"repository": "a/b", "split": "test"}
    spec = parse_dataset({"source": "huggingface", "corpus": table, "qrels": table | {"columns": {"doc_id": "d"}}})
    assert isinstance(spec, HuggingfaceSpec)
    assert spec.qrels.columns == {"doc_id": "d"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "expected a mapping, not []"),
        ({"path": "x"}, "source is None, expected one of python-stdlib, files"),
        ({"source": "file"}, "source 'file' is not known; did you mean 'files'?"),
        ({"source": "files", "max_query": 5}, "unknown key 'max_query'; did you mean 'max_queries'?"),
        ({"source": "files", "max_queries": "5"}, "max_queries is '5', expected a whole number (1 or more) or null"),
        ({"source": "files", "max_queries": True}, "max_queries is True, expected a whole number (1 or more) or null"),
        ({"source": "files", "max_queries": 0}, "max_queries is 0, expected 1 or more"),
        ({"source": "files", "columns": {"corpus": {"txt": "x"}}}, "unknown field 'txt'; did you mean 'text'?"),
        ({"source": "files", "columns": {"corpora": {}}}, "unknown key 'corpora'; did you mean 'corpus'?"),
        ({"source": "files", "columns": {"corpus": {"text": 5}}}, "columns.corpus: text is 5, expected text or null"),
        ({"source": "files", "qrels": {"key": {"corpus": "a"}}}, "dataset: qrels.key: the key 'queries' is missing"),
        ({"source": "huggingface"}, "the key 'corpus' is missing"),
        ({"source": "huggingface", "corpus": {"repository": "x"}}, "corpus: the key 'split' is missing"),
        ({"source": "pooled", "datasets": "a"}, "datasets is 'a', expected a list of text"),
        ({"source": "python-stdlib", "path": "x"}, "dataset: unknown key 'path' (valid: source)"),
    ],
)
def test_wrong_specs_are_named(values, message):
    assert message in fails(values)


def input_files(values):
    return parse_dataset(values).input_files()


def test_input_files(tmp_path):
    folder = write_beir(tmp_path / "größe x")
    found = [folder / "corpus.jsonl", folder / "queries.jsonl", folder / "qrels" / "test.tsv"]
    assert input_files({"source": "files", "path": str(folder)}) == found
    assert input_files({"source": "files", "corpus": str(found[0]), "queries": "missing.csv"}) == found[:1]
    assert input_files({"source": "files", "path": str(tmp_path / "missing")}) == []
    local = {"repository": str(folder), "split": "train"}
    assert input_files({"source": "huggingface", "corpus": local, "queries": local}) == sorted(found)
    assert input_files({"source": "huggingface", "corpus": {"repository": "a/b", "split": "x"}}) == []
    assert input_files({"source": "pooled", "datasets": ["a"]}) == []
    assert input_files({"source": "python-stdlib"}) == []


def test_input_files_imports_nothing_heavy():
    code = (
        "import sys, embquant.datasets.files, embquant.datasets.spec; "
        "print([m for m in ('numpy', 'pyarrow', 'datasets') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_the_command(tmp_path, capsys):
    folder = write_beir(tmp_path / "in")
    arguments = ["prepare-dataset", "--name", "x", "--output", str(tmp_path / "x"), "--entry"]
    assert main([*arguments, json.dumps({"source": "files", "path": str(folder)})]) == 0
    assert json.loads((tmp_path / "x" / "dataset.json").read_text())["name"] == "x"
    assert main([*arguments, "{"]) == 2
    assert "--entry: not JSON" in capsys.readouterr().err
