"""Repositories in the hub's layout: as local folders, and served by a hub that runs in this process."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import datasets
import pytest
import yaml

from embquant.errors import InputError
from support.dataset_files import CORPUS, QRELS, QUERIES, TEXTS, column, prepare, rows, write_beir, write_table
from support.fake_hub import COMMIT, FakeHub

README = """---
configs:
- config_name: corpus
  data_files:
  - split: corpus
    path: corpus.jsonl
- config_name: queries
  data_files:
  - split: queries
    path: queries.jsonl
---
"""
MINED = [
    {"id": "5_1", "question_id": 5, "intent": "sort a list", "snippet": "x.sort()"},
    {"id": "6_1", "question_id": 6, "intent": "read a file", "snippet": "open(x).read()"},
    {"id": "5_2", "question_id": 5, "intent": None, "snippet": "sorted(x)"},
]
CURATED = [
    {"question_id": 5, "intent": "sorting?", "rewritten_intent": "sort list `x`", "snippet": "x.sort()"},
    {"question_id": 6, "intent": "files?", "rewritten_intent": None, "snippet": "open(x)"},
    {"question_id": 9, "intent": "else?", "rewritten_intent": "something else", "snippet": "pass"},
]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Keep the cache of ``datasets``, whose place is fixed when it is imported, out of the user's home."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture
def beir(tmp_path):
    """A repository with corpus and queries, and beside it one with the judgements, as BEIR has them."""
    folder = write_beir(tmp_path / "hub" / "größe beir", qrels=None)
    (folder / "README.md").write_text(README)
    write_table(tmp_path / "hub" / "größe beir-qrels" / "test.tsv", QRELS)
    return folder


def beir_spec(repository, qrels) -> dict:
    return {
        "source": "huggingface",
        "corpus": {"repository": str(repository), "configuration": "corpus", "split": "corpus"},
        "queries": {"repository": str(repository), "configuration": "queries", "split": "queries"},
        "qrels": {"repository": str(qrels), "split": "test"},
    }


HUB_SPEC = beir_spec("team/beir", "team/beir")
HUB_SPEC["qrels"]["configuration"] = "default"


def local_spec(beir) -> dict:
    return beir_spec(beir, f"{beir}-qrels")


def test_the_collections_of_beir_yaml_are_read_as_their_repositories_lie(tmp_path):
    """The repositories are made here, in the hub's layout: three tables, of which "default" has the judgements."""
    entries = yaml.safe_load(Path("config/beir.yaml").read_text())["datasets"]
    layout = {"corpus": "corpus", "queries": "queries", "default": "test"}
    tables = [
        {"config_name": name, "data_files": [{"split": split, "path": f"{name}.jsonl"}]}
        for name, split in layout.items()
    ]
    own = {"_id": "d2", "title": "", "text": CORPUS[1]["text"]}  # a query that is a document, as ArguAna has them
    judged = [*QRELS, {"query-id": "d2", "corpus-id": "d1", "score": 1}]
    gone = {"query-id": "q1", "corpus-id": "gone", "score": 1}
    for name, entry in entries.items():
        folder = tmp_path / entry["corpus"]["repository"]
        write_table(folder / "corpus.jsonl", CORPUS)
        write_table(folder / "queries.jsonl", [*QUERIES, own])
        write_table(folder / "default.jsonl", [*judged, gone])
        (folder / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': tables})}---\n")
        local = {key: {**entry[key], "repository": str(folder)} for key in ("corpus", "queries", "qrels")}
        described = prepare(tmp_path / name, {**entry, **local})
        assert described["counts"]["judgements"] == 5
        assert described["kept"] == {"judgements_of_documents_that_the_corpus_lacks": 1}
        assert described["left_out"]["results_that_are_the_query_itself"] == 1


def test_a_local_repository_gives_what_its_files_give(tmp_path, beir):
    described = prepare(tmp_path / "out", local_spec(beir))
    reference = prepare(tmp_path / "reference", {"source": "files", "path": str(write_beir(tmp_path / "files"))})
    assert described["fingerprint"] == reference["fingerprint"]
    assert column(tmp_path / "out", "corpus", "text") == TEXTS
    assert described["provenance"]["origin"]["versions"] == dict.fromkeys(
        ("corpus", "queries", "qrels"), "local folder"
    )


def test_an_edited_local_repository_is_read_again(tmp_path, beir):
    prepare(tmp_path / "out", local_spec(beir))
    write_table(beir / "corpus.jsonl", [*CORPUS[:4], CORPUS[4] | {"text": "changed"}])
    prepare(tmp_path / "out", local_spec(beir))
    assert column(tmp_path / "out", "corpus", "text")[4] == "Größe changed"


def mined_spec(repository, key="configuration") -> dict:
    """CoNaLa: mined intents as corpus, curated ones as queries."""
    mined = {"split": "train", "columns": {"text": "intent", "display": "snippet"}}
    curated = {"split": "test", "columns": {"text": "rewritten_intent"}}
    return {
        "source": "huggingface",
        "corpus": {"repository": repository, key: "mined"} | mined,
        "queries": {"repository": repository, key: "curated"} | curated,
        "qrels": {"key": {"corpus": "question_id", "queries": "question_id"}},
    }


def test_mined_and_curated_rows_by_question(tmp_path):
    write_table(tmp_path / "hub" / "conala" / "mined" / "train-00000-of-00002.parquet", MINED[:2])
    write_table(tmp_path / "hub" / "conala" / "mined" / "train-00001-of-00002.parquet", MINED[2:])
    write_table(tmp_path / "hub" / "conala" / "curated" / "test.parquet", CURATED)
    (tmp_path / "hub" / "conala" / "README.md").write_text(
        "---\nconfigs:\n- config_name: mined\n  data_files: mined/train-*\n"
        "- config_name: curated\n  data_files:\n  - split: test\n    path: curated/test.parquet\n---\n"
    )
    described = prepare(tmp_path / "out", mined_spec(str(tmp_path / "hub" / "conala")))
    documents = [(row["id"], row["text"], row["display"]) for row in rows(tmp_path / "out", "corpus")]
    assert documents == [(row["id"], row["intent"] or "", row["snippet"]) for row in MINED]
    assert rows(tmp_path / "out", "queries") == [{"id": "q0", "text": "sort list `x`", "own_row": -1}]
    assert column(tmp_path / "out", "qrels", "doc_row") == [0, 2]
    assert described["left_out"] == {"queries_without_text": 1, "queries_without_relevant_document": 1}


def changed(spec, table, **values):
    return spec | {table: spec[table] | values}


@pytest.mark.parametrize(
    ("table", "values", "message"),
    [
        ("corpus", {"split": "test"}, "Unknown split \"test\". Should be one of ['corpus']"),
        ("corpus", {"configuration": "nope"}, "BuilderConfig 'nope' not found. Available: ['corpus', 'queries']"),
        ("corpus", {"configuration": None}, "Please pick one among the available configs"),
        ("queries", {"columns": {"text": "query"}}, "no column 'query' (text of the queries); it has: _id, text"),
        (
            "qrels",
            {"columns": {"relevance": "nope"}},
            "no column 'nope' (relevance of the qrels); it has: query-id, corpus-id",
        ),
        ("qrels", {"repository": "/nowhere/at/all"}, "Couldn't find any data file at /nowhere/at/all"),
    ],
)
def test_wrong_names_say_which_there_are(tmp_path, beir, table, values, message):
    with pytest.raises(InputError) as caught:
        prepare(tmp_path / "out", changed(local_spec(beir), table, **values))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_broken_and_empty_repositories(tmp_path, beir):
    (beir / "queries.jsonl").write_text('{"_id": "q1", "text": "x"}\n{"_id":\n')
    with pytest.raises(InputError, match="JSON parse error"):
        prepare(tmp_path / "out", local_spec(beir))
    (tmp_path / "void").mkdir()
    with pytest.raises(InputError, match="doesn't contain any data files"):
        prepare(tmp_path / "out", changed(local_spec(beir), "corpus", repository=str(tmp_path / "void")))


def test_a_repository_with_a_loading_script_is_refused(tmp_path, beir):
    script = tmp_path / "script"
    script.mkdir()
    (script / "script.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(InputError, match="refs/convert/parquet"):
        prepare(tmp_path / "out", changed(local_spec(beir), "corpus", repository=str(script)))
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def hub(tmp_path):
    """A hub with the repository team/beir, and as its default configuration the judgements."""
    folder = write_beir(tmp_path / "served", qrels=None)
    write_table(folder / "qrels.jsonl", [{key: str(value) for key, value in row.items()} for row in QRELS])
    qrels = "- config_name: default\n  data_files:\n  - split: test\n    path: qrels.jsonl\n"
    (folder / "README.md").write_text(README.removesuffix("---\n") + qrels + "---\n")
    with FakeHub("team/beir", folder, token="secret") as server:
        threading.Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


def from_hub(tmp_path, hub, spec=None, **environment):
    """Run the command against ``hub``; the hub's variables are read when its library is imported."""
    kept = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    default = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_TOKEN": "secret"}
    command = [sys.executable, "-m", "embquant", "prepare-dataset", "--name", "out", "--output", str(tmp_path / "out")]
    return subprocess.run(
        [*command, "--entry", json.dumps(spec or HUB_SPEC)],
        env=kept | default | environment,
        capture_output=True,
        text=True,
    )


def described(tmp_path) -> dict:
    return json.loads((tmp_path / "out" / "dataset.json").read_text())


def test_download_with_token_and_proxy_then_offline_from_the_cache(tmp_path, hub):
    downloaded = from_hub(tmp_path, hub, HF_ENDPOINT="http://hub.invalid", HTTP_PROXY=hub.url)
    assert downloaded.returncode == 0, downloaded.stderr
    assert any(request.startswith("GET http://hub.invalid/datasets/team/beir/resolve/") for request in hub.requests)
    online = described(tmp_path)
    assert set(online["provenance"]["origin"]["versions"].values()) == {COMMIT}
    reference = prepare(tmp_path / "reference", {"source": "files", "path": str(write_beir(tmp_path / "files"))})
    assert online["fingerprint"] == reference["fingerprint"]

    hub.requests.clear()
    assert from_hub(tmp_path, hub, HF_HUB_OFFLINE="1").returncode == 0
    assert hub.requests == []
    assert described(tmp_path)["fingerprint"] == online["fingerprint"]

    other = changed(HUB_SPEC, "corpus", revision="f" * 40)
    failed = from_hub(tmp_path, hub, other, HF_HUB_OFFLINE="1")
    assert failed.returncode == 2
    assert f"the cache has {COMMIT} instead of revision {'f' * 40}" in failed.stderr.splitlines()[-1]


def test_the_converted_branch_has_a_folder_for_each_configuration(tmp_path, hub):
    for path in hub.folder.iterdir():
        path.unlink()
    write_table(hub.folder / "mined" / "train" / "0000.parquet", MINED)
    write_table(hub.folder / "curated" / "test" / "0000.parquet", CURATED)
    spec = changed(mined_spec("team/beir"), "corpus", revision="refs/convert/parquet")
    spec = changed(spec, "queries", revision="refs/convert/parquet")
    for environment in ({}, {"HF_HUB_OFFLINE": "1"}):
        finished = from_hub(tmp_path, hub, spec, **environment)
        assert finished.returncode == 0, finished.stderr
        assert described(tmp_path)["counts"] == {"documents": 3, "queries": 1, "judgements": 2, "empty_documents": 1}
        assert set(described(tmp_path)["provenance"]["origin"]["versions"].values()) == {COMMIT}
    failed = from_hub(tmp_path, hub, spec, HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "empty"))
    assert failed.returncode == 2
    assert "give its folder as repository" in failed.stderr.splitlines()[-1]
    assert prepare(tmp_path / "local", mined_spec(str(hub.folder), key="folder"))["counts"]["judgements"] == 2


def test_a_connection_that_breaks_off_is_taken_up_again(tmp_path, hub):
    hub.breaks["queries.jsonl"] = 6  # as often as the hub's own client tries a download
    finished = from_hub(tmp_path, hub)
    assert finished.returncode == 0, finished.stderr
    assert "trying again in 2 s (1 of 5)" in finished.stderr
    assert described(tmp_path)["counts"]["queries"] == 2


def test_without_token_or_offline_the_error_says_what_to_do(tmp_path, hub):
    failed = from_hub(tmp_path, hub, HF_TOKEN="wrong")
    assert failed.returncode == 2
    last = failed.stderr.splitlines()[-1]
    assert last.startswith("embquant: error: team/beir, corpus, corpus: Dataset 'team/beir' doesn't exist on the Hub")
    assert "set HF_TOKEN" in last
    failed = from_hub(tmp_path, hub, HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "empty"))
    assert failed.returncode == 2
    assert "Couldn't reach" in failed.stderr.splitlines()[-1]
    assert "give its folder as repository" in failed.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()
