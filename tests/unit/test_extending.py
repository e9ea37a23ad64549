"""The package that docs/extending.md shows adds a codec, as the page says."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

from embquant.indexes import INDEXES, index_class
from embquant.quantize.codecs import CODECS

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"

SEARCH = """
import sys
from pathlib import Path
import numpy as np
from embquant.indexes import index_class
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import load_codec, parse_codec
vectors = np.random.default_rng(0).standard_normal((50, 16)).astype(np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
spec = parse_codec({"family": "cents", "transform": "rotation"})
spec.fit(Batches(lambda: iter([vectors]), 50, 16)).save(Path("state.npz"))
codec = load_codec(Path("state.npz"))
codes = codec.encode(vectors)
kind = index_class("cents", "flat")
kind.build(codec.core, Batches(lambda: iter([codes]), 50, 16), Path("index.npy"), kind.build_parameters())
index = kind.open(Path("index.npy"), codec.core, 1, kind.search_parameters())
scores, rows = index.search(codec.encode_queries(vectors, "asymmetric"), 3)
assert rows[:, 0].tolist() == list(range(50)), rows
assert codec.bytes_per_vector == 16
"""


def block(language):
    """Return the page's only block of code in a language."""
    (text,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return text


def test_the_package_of_the_page_adds_a_codec(tmp_path):
    project = tomllib.loads(block("toml"))["project"]
    (tmp_path / "cents.py").write_text(block("python"))
    information = tmp_path / f"{project['name']}-{project['version']}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1.0\n")
    ((group, points),) = project["entry-points"].items()
    lines = [f"[{group}]", *(f"{name} = {place}" for name, place in points.items())]
    (information / "entry_points.txt").write_text("\n".join(lines))
    done = subprocess.run([sys.executable, "-c", SEARCH], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_configuration_of_the_page_names_the_package_s_codec():
    entries = yaml.safe_load(block("yaml"))
    (points,) = tomllib.loads(block("toml"))["project"]["entry-points"].values()
    assert entries["codecs"]["cents"]["family"] in points
    assert {method["codec"] for method in entries["methods"].values()} == set(entries["codecs"])


def test_a_codec_of_ten_lines_is_registered_and_found_by_the_flat_index_of_all():
    scope = {}
    exec(block("python"), scope)
    assert len([line for line in block("python").splitlines() if line.strip()]) <= 11
    CODECS.register("cents", scope["Cents"])
    try:
        assert CODECS["cents"](16).bytes_per_vector == 16
        assert index_class("cents", "flat") is INDEXES["flat/*"]
    finally:
        CODECS._loaded.pop("cents")


def test_the_page_names_every_group_of_entry_points():
    source = PAGE.parents[1] / "src" / "embquant"
    code = "\n".join(path.read_text() for path in source.rglob("*.py"))
    used = set(re.findall(r'"(embquant\.\w+)",\n\s+\{', code))
    assert len(used) >= 8
    assert used <= set(re.findall(r"`(embquant\.\w+)`", PAGE.read_text(encoding="utf-8")))
