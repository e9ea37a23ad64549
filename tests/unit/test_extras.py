"""The library needs few packages: an extra's are imported where they are used, and an error names the extra."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = {extra: PROJECT["optional-dependencies"][extra] for extra in ("embed", "hub", "report", "workflow")}
SOURCES = sorted((ROOT / "src").rglob("*.py"))

SEARCH = """
from pathlib import Path

import numpy as np

from embquant import Retriever, Study, evaluate
from embquant.entries import NoParameters
from embquant.quantize.batches import Batches
from embquant.indexes.flat_binary import FlatBinary
from embquant.indexes.flat_int8 import FlatInt8
from embquant.measure import memory, quality, speed
from embquant.quantize.codecs.binary import Binary
from embquant.quantize.codecs.int8 import Int8
from embquant.retrieve import candidates, retriever
from embquant.retrieve.rescoring import Store

vectors = np.random.default_rng(1).normal(size=(50, 16)).astype(np.float32)
opened = []
ranges = np.stack([vectors.min(0), vectors.max(0)])
entries = [(Binary(np.zeros(16, np.float32)), FlatBinary, "x.faiss"), (Int8(ranges), FlatInt8, "x.i8bin")]
for codec, kind, file in entries:
    codes = codec.encode(vectors)
    kind.build(codec, Batches(lambda: iter([codes]), *codes.shape), Path(file), NoParameters())
    opened.append((codec, kind.open(Path(file), codec, 1, NoParameters())))
(binary, index), (int8, store) = opened
_, rows = index.search(binary.encode_queries(vectors[:5], "symmetric"), 10)
scores = Store(int8, store).score(vectors[:5], rows)
print(rows[np.arange(5), scores.argmax(axis=1)].tolist())
"""
"""Searches by bits and scores by bytes: each of five vectors finds itself."""


def names(requirements: list[str]) -> set[str]:
    """Return the packages of ``requirements`` as an index spells them."""
    return {re.match(r"[\w.-]+", line)[0].lower().replace("_", "-") for line in requirements}


def modules(requirements: list[str]) -> set[str]:
    """Return the modules that the packages of ``requirements`` bring."""
    wanted = names(requirements)
    return {module for module, packages in packages_distributions().items() if names(packages) & wanted}


def imports(path: Path) -> set[str]:
    """Return the packages that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found |= {node.module}
    return {name.partition(".")[0] for name in found}


def run_without(extras: list[str], code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python code where none of the packages of ``extras`` can be imported."""
    missing = modules([line for extra in extras for line in EXTRAS[extra]]) - modules(PROJECT["dependencies"])
    hide = f"import sys; sys.modules.update(dict.fromkeys({sorted(missing)}))\n"
    here = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.run([sys.executable, "-c", hide + code], capture_output=True, text=True, cwd=folder, env=here)


def test_searching_and_measuring_need_no_extra(tmp_path):
    run = run_without(list(EXTRAS), SEARCH, tmp_path)
    assert (run.stdout, run.stderr) == ("[0, 1, 2, 3, 4]\n", "")


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ("embed", "from embquant.embedding.tokens import Tokenizer; Tokenizer('tokenizer.json', 8, 0, 1)"),
        ("embed", "from embquant.embedding.backends.torch import load_model; load_model('m', 'cpu', 'float32', 8)"),
        ("hub", "from embquant.datasets.huggingface import _load; _load(None, 'facts', 0)"),
        ("report", "import embquant.report.numbers.significance"),
        ("report", "from embquant import evaluate; evaluate(None, None, {})"),
    ],
)
def test_a_missing_package_is_told_with_the_command_that_installs_it(tmp_path, extra, code):
    run = run_without([extra], code, tmp_path)
    last = run.stderr.splitlines()[-1]
    assert last.startswith("embquant.errors.MissingPackageError: not installed: ")
    assert last.endswith(f"; to install them: pip install 'embquant[{extra}]'")


def test_required_modules_belong_to_the_extra_that_is_named():
    calls = [
        [argument.value for argument in node.args]
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "require"
    ]
    assert {extra for extra, *_ in calls} == {"embed", "hub", "report"}
    for extra, *required in calls:
        assert set(required) <= modules(EXTRAS[extra])


def test_every_imported_package_is_declared():
    declared = modules([*PROJECT["dependencies"], *(line for lines in EXTRAS.values() for line in lines)])
    ours = {"embquant", "snakemake_logger_plugin_embquant"}
    # Snakemake's plugin interfaces come with it, and pydantic's own core with pydantic.
    beneath = {"pydantic_core", "snakemake_interface_logger_plugins"}
    undeclared = {
        str(path.relative_to(ROOT)): found
        for path in SOURCES
        if path.parent.name != "engines"  # whose packages need not be installed
        if (found := imports(path) - declared - ours - beneath - sys.stdlib_module_names)
    }
    assert undeclared == {}


def test_measuring_arrays_needs_the_reports_extra_alone(tmp_path):
    code = """
import numpy as np
from embquant import evaluate

vectors = np.random.default_rng(1).standard_normal((50, 16), np.float32)
table = evaluate(vectors, vectors[:5], {"int8": {"codec": "int8", "index": "flat"}}, top_k=[1], metrics=["overlap@1"])
print(table["overlap@1"].tolist())
"""
    run = run_without(["embed", "hub", "workflow"], code, tmp_path)
    assert (run.stdout, run.stderr) == ("[1.0, 1.0]\n", "")
