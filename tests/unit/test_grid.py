"""A grid of the configuration: the codecs and methods that it stands for, and its heat map."""

from itertools import product
from pathlib import Path

import pandas as pd
import pytest

from embquant.errors import InputError
from embquant.files.atomic import read_json
from embquant.report.measure import Measure
from embquant.report.reports import Reports, Scope
from embquant.report.show.figures.grid import draw_grid
from embquant.study.config import Configuration
from embquant.study.study import Study
from support.made_up_study import write_study


def study(grid, **codecs):
    return {
        "study": "grid",
        "datasets": {"facts": {"source": "files", "path": "data"}},
        "models": {"minilm": {"name": "all-MiniLM"}},
        "codecs": {"float32": {"family": "float32"}, "int8": {"family": "int8"}, **codecs},
        "methods": {"float32": {"codec": "float32", "index": "flat"}},
        "grid": grid,
    }


def test_a_grid_is_the_codecs_and_methods_of_its_cells():
    rotated = {"family": "rabitq", "bits": 2, "transform": "rotation"}
    configuration = Configuration.read(study({"dims": [64, 128], "codecs": ["int8", "rabitq"]}, rabitq=rotated))
    made = {name: entry for name, entry in configuration.to_dict()["codecs"].items() if name.startswith("pca")}
    assert made == {
        "pca-64-int8": {"family": "int8", "transform": [{"kind": "pca", "dim": 64}]},
        "pca-128-int8": {"family": "int8", "transform": [{"kind": "pca", "dim": 128}]},
        "pca-64-rabitq": {"family": "rabitq", "bits": 2, "transform": [{"kind": "pca", "dim": 64}, "rotation"]},
        "pca-128-rabitq": {"family": "rabitq", "bits": 2, "transform": [{"kind": "pca", "dim": 128}, "rotation"]},
    }
    assert [(name, entry.codec, entry.index) for name, entry in configuration.methods.items()][1:] == [
        (name, name, "flat") for name in made
    ]
    assert Configuration.read(configuration.to_dict()).to_dict() == configuration.to_dict()


def test_a_study_without_methods_of_its_own_cells_is_unchanged():
    plain = {key: value for key, value in study(None).items() if key != "grid"}
    assert list(Study.read(plain).methods) == ["float32"]


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"dims": [8]}, "grid: the key 'codecs' is missing"),
        ({"dims": [], "codecs": ["int8"]}, "grid: dims is [], expected at least one"),
        ({"dims": [0], "codecs": ["int8"]}, "expected 1 or more"),
        ({"dims": [8, 8], "codecs": ["int8"]}, "there is another codec or method 'pca-8-int8'"),
        ({"dims": [8], "codecs": ["int9"]}, "'int9' is not defined; did you mean 'int8'"),
        ({"dims": [8], "codecs": ["int8"], "by": "opq"}, "by is 'opq', expected 'pca' or 'truncate'"),
        ({"dims": [8], "codecs": ["int8"], "bye": "pca"}, "unknown key 'bye'; did you mean 'by'"),
    ],
)
def test_what_no_grid_can_mean_is_said_in_one_line(grid, message):
    with pytest.raises(InputError) as caught:
        Configuration.read(study(grid))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def drawn(grid, kept, methods=(), **codecs):
    """Draw the settings ``kept``, method → share, of a study with ``grid``, and with ``methods`` and ``codecs``."""
    entries = study(grid, **codecs)
    entries["methods"].update(methods)
    config = Study.read(entries).config.to_dict()
    rows = [(name, "none", value, 4.0 * index) for index, (name, value) in enumerate(kept.items(), 1)]
    rows += [("pca-8-int8", "float32", 0.1, 1.0)]
    settings = pd.DataFrame(rows, columns=["method", "rescore_store", "kept", "bytes_per_vector"])
    scope = Scope("facts", "facts", "minilm", Measure("retention", "nDCG@10"), 10, "float32", settings)
    return draw_grid(Reports(Path("reports"), {"config": config}), scope)


def test_the_heat_map_has_a_cell_for_each_dimension_and_codec():
    kept = {"float32": 1.0, "pca-8-int8": 0.7, "pca-8-float32": 0.75, "pca-16-int8": 0.9, "pca-16-float32": 0.95}
    drawing = drawn({"dims": [8, 16], "codecs": ["float32", "int8"]}, kept)
    cells = drawing.data.set_index("method")
    assert cells["kept"].to_dict() == {name: value for name, value in kept.items() if name != "float32"}
    assert cells["dim"].to_list() == [8, 8, 16, 16]
    axes = drawing.figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["pca: int8", "pca: float32"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["8", "16"]
    assert {text.get_text().split()[0] for text in axes.texts} == {"0.700", "0.750", "0.900", "0.950"}
    assert "from 0.7000 to 0.9500 (pca-16-float32)" in drawing.alt


def test_of_several_datasets_a_map_is_drawn_of_all_together_and_of_each(tmp_path):
    methods = ["float32", *(f"int8-{dim}" for dim in (16, 32)), *(f"binary-{dim}" for dim in (16, 32))]
    folder = write_study(tmp_path, datasets=("facts", "tales"), methods=methods, multipliers=(4,))
    written = read_json(folder / "provenance.json")
    for family, dim in product(("int8", "binary"), (16, 32)):
        codec, method = f"truncate-{dim}-{family}", f"{family}-{dim}"
        written["config"]["codecs"][codec] = {"family": family, "transform": {"kind": "truncate", "dim": dim}}
        written["config"]["methods"][method]["codec"] = codec
    reports = Reports(folder, written)
    drawings = [draw_grid(reports, scope) for scope in reports.scopes]
    assert [drawing.name for drawing in drawings] == ["grid-all-minilm", "grid-facts-minilm", "grid-tales-minilm"]
    assert [drawing.data["bytes"].tolist() for drawing in drawings] == [[384, 384, 48, 48]] * 3


def test_what_differs_in_more_than_its_dimensions_has_a_column_of_its_own():
    itq = {"family": "binary", "transform": [{"kind": "pca", "dim": 8}, "itq"]}
    methods = {
        "pca-8-itq": {"codec": "pca-8-itq", "index": "flat"},
        "float-query": {"codec": "pca-8-binary", "index": "flat", "scoring": "asymmetric"},
        "again": {"codec": "pca-8-binary", "index": "flat"},
    }
    kept = {"pca-8-itq": 0.4, "float-query": 0.8, "pca-8-binary": 0.6, "again": 0.6, "pca-16-binary": 0.7}
    codecs = {"binary": {"family": "binary"}, "pca-8-itq": itq}
    drawing = drawn({"dims": [8, 16], "codecs": ["binary"]}, kept, methods, **codecs)
    cells = drawing.data.set_index(["dim", "codec"])["kept"].to_dict()
    assert cells == {
        (8, "pca: itq + itq"): 0.4,
        (8, "pca: binary (asymmetric)"): 0.8,
        (8, "pca: binary"): 0.6,
        (16, "pca: binary"): 0.7,
    }


def test_reductions_that_differ_in_more_than_their_dimensions_have_columns_of_their_own():
    kinds = {"unit": True, "raw": False}
    codecs = {
        f"{kind}-{dim}": {"family": "int8", "transform": {"kind": "truncate", "dim": dim, "normalize": normalize}}
        for kind, normalize in kinds.items()
        for dim in (8, 16)
    }
    methods = {name: {"codec": name, "index": "flat"} for name in codecs}
    kept = {"unit-8": 0.6, "raw-8": 0.3, "unit-16": 0.7, "raw-16": 0.4}
    cells = drawn({"dims": [4], "codecs": ["int8"]}, kept, methods, **codecs).data.set_index(["dim", "codec"])["kept"]
    assert cells.to_dict() == {
        (8, "truncate: int8"): 0.6,
        (8, "raw-8"): 0.3,
        (16, "truncate: int8"): 0.7,
        (16, "raw-8"): 0.4,
    }


def test_no_heat_map_where_there_is_nothing_to_compare():
    assert drawn({"dims": [8, 16], "codecs": ["int8"]}, {"pca-8-int8": 0.7, "pca-16-int8": 0.9}) is None
    assert drawn({"dims": [8], "codecs": ["int8"]}, {"float32": 1.0}) is None
