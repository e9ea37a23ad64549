"""Kinds are found by their name, whoever adds them, and imported when they are asked for."""

import sys

import pytest

from embquant.errors import InputError
from embquant.registry import Registry


@pytest.fixture
def shapes(tmp_path, monkeypatch):
    """A registry of a listed kind, in a module of its own, and one that another package announces."""
    (tmp_path / "listed_shapes.py").write_text("class Circle:\n    pass\n")
    (tmp_path / "announced_shapes.py").write_text("class Square:\n    pass\n")
    information = tmp_path / "shapes-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: shapes\nVersion: 1.0\n")
    points = "[test.shapes]\nsquare = announced_shapes:Square\ncircle = announced_shapes:Square\n"
    (information / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(tmp_path)
    for module in ("listed_shapes", "announced_shapes"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return Registry("shape", "test.shapes", {"circle": "listed_shapes:Circle"})


def test_a_kind_is_imported_when_it_is_asked_for(shapes):
    assert shapes.names() == ["circle", "square"]
    assert (shapes.module("circle"), shapes.module("square")) == ("listed_shapes", "announced_shapes")
    assert "square" in shapes
    assert not {"listed_shapes", "announced_shapes"} & sys.modules.keys()
    assert shapes["square"].__name__ == "Square"
    assert "listed_shapes" not in sys.modules


def test_another_package_does_not_replace_a_kind_that_is_listed(shapes):
    assert shapes["circle"].__name__ == "Circle"


def test_a_script_adds_or_replaces_a_kind_for_its_own_process(shapes):
    shapes.register("triangle", int)
    shapes.register("circle", float)
    assert shapes.names() == ["circle", "square", "triangle"]
    assert (shapes["triangle"], shapes["circle"]) == (int, float)
    assert shapes.module("triangle") == "builtins"


def test_a_package_that_announces_what_it_lacks_is_named(shapes, tmp_path):
    points = tmp_path / "shapes-1.0.dist-info" / "entry_points.txt"
    points.write_text(
        "[test.shapes]\nsquare = announced_shapes:Square\noval = announced_shapes:Oval\nline = lines:Line\n"
    )
    for name, missing in (("oval", "Oval"), ("line", "lines")):
        with pytest.raises(
            InputError, match=rf"^shape '{name}' of shapes can't be imported \(.*{missing}.*\); repair shapes"
        ):
            shapes[name]


def test_an_unknown_name_is_an_input_error_that_names_the_nearest(shapes):
    with pytest.raises(InputError, match=r"^shape 'circel' is not known; did you mean 'circle'\? \(valid: circle, squ"):
        shapes["circel"]
