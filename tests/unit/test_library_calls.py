"""Calls from a script leave the files that they were asked for and nothing else, after errors as well."""

import subprocess
import sys
from pathlib import Path

import pytest

import embquant
from embquant.files import records
from embquant.files.atomic import write_json

SOURCE = Path(embquant.__file__).parents[1]

BEGINNING = """
import json
from pathlib import Path
import numpy as np
vectors = np.random.default_rng(0).standard_normal((300, 16)).astype(np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
"""

CALLS = {
    "evaluate": (
        "import embquant; embquant.evaluate(vectors, vectors[:5], {'b': {'codec': 'binary', 'index': 'flat'}})",
        set(),
    ),
    "evaluate, wrong": (
        "import embquant; embquant.evaluate(vectors, vectors[:5], {'b': {'codec': 'binry', 'index': 'flat'}})",
        set(),
    ),
    "a study": ("import embquant; embquant.Study.read({'study': 's'})", set()),
    "a study's files": (
        "from embquant.study.study import Study; import yaml; "
        "study = Study.read(yaml.safe_load(open(CONFIG))); study.layout.corpus(); study.model_inputs(study.models[0])",
        set(),
    ),
    "a retriever of nothing": (
        "from embquant.retrieve.retriever import Retriever; Retriever.open(Path('results/d/m/methods/binary.json'))",
        set(),
    ),
    "embeddings": (
        "from embquant.files.parquet import write_embeddings; "
        "write_embeddings(Path('new/v.parquet'), 16, [([str(i) for i in range(300)], vectors)])",
        {"new", "new/v.parquet"},
    ),
    "embeddings, broken off": (
        "from embquant.files.parquet import write_embeddings; "
        "write_embeddings(Path('new/deep/v.parquet'), 16, (1 / 0 for _ in range(1)))",
        set(),
    ),
    "a model that isn't": (
        "from embquant.steps.prepare_model import prepare_model; "
        "prepare_model(name='m', entry={'name': './nowhere'}, output=Path('results/models/m'))",
        set(),
    ),
    "vectors that aren't": (
        "from embquant.steps.prepare_model import prepare_model; "
        "prepare_model(name='m', entry={'type': 'precomputed', 'corpus': 'none.npy'}, output=Path('results/models/m'))",
        set(),
    ),
    "a dataset that isn't": (
        "from embquant.steps.prepare_dataset import prepare_dataset; "
        "prepare_dataset(name='d', entry={'source': 'files', 'path': 'none'}, output=Path('results/d'))",
        set(),
    ),
    "a check of results": ("from embquant.steps.verify import verify; verify(Path('results'))", set()),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_leaves_what_it_was_asked_for(tmp_path, call):
    code, expected = CALLS[call]
    folders = {name: tmp_path / name for name in ("here", "home", "temporary")}
    for folder in folders.values():
        folder.mkdir()
    config = SOURCE.parent / "config.yaml"
    variables = {"HOME": str(folders["home"]), "TMPDIR": str(folders["temporary"]), "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-c", f"CONFIG = {str(config)!r}\n{BEGINNING}\n{code}"]
    done = subprocess.run(command, cwd=folders["here"], env=variables | {"HF_HUB_OFFLINE": "1"}, capture_output=True)
    fails = any(word in call for word in ("wrong", "nothing", "broken off", "isn't", "aren't", "check"))
    assert (done.returncode != 0) == (fails or call == "a study"), done.stderr.decode()
    left = {name: {str(path.relative_to(folder)) for path in folder.rglob("*")} for name, folder in folders.items()}
    assert left == {"here": expected, "home": set(), "temporary": set()}


def test_reading_leaves_no_stamp(tmp_path, monkeypatch):
    """A command notes that a large recorded file was compared; a script leaves other people's folders alone."""
    monkeypatch.setattr(records, "READ_WHOLE", 10)
    path = tmp_path / "large.json"
    with records.recording(["embquant", "a-step"]):
        write_json(path, "x" * 100)
    (tmp_path / ".records" / "large.json.stamp").unlink()
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr(records, "_job", records.Job())
    records.checked(path)
    assert sorted(tmp_path.rglob("*")) == before
    with records.recording(["embquant", "search"], records=False):
        records.checked(path)
    assert (tmp_path / ".records" / "large.json.stamp").exists()
