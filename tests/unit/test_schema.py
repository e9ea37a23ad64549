"""The JSON Schema for editors and the tables of docs/config.md are those of the entries' classes."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from embquant.entries import Entry
from embquant.quantize.codecs import CODECS
from embquant.quantize.codecs.float32 import Float32
from embquant.study.key_tables import with_tables
from embquant.study.schema import SCHEMA_FILE, TABLES_FILE, json_schema, schema_text

REPOSITORY = Path(__file__).parents[2]
CONFIGS = [REPOSITORY / "config.yaml", *sorted(REPOSITORY.glob("config/*.yaml"))]
ANEW = "python -m embquant.study.schema writes it anew"


@pytest.fixture(scope="module")
def validator():
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_schema_in_the_repository_is_that_of_the_classes():
    assert (REPOSITORY / SCHEMA_FILE).read_text(encoding="utf-8") == schema_text(), ANEW


def test_the_tables_in_the_docs_are_those_of_the_classes():
    page = (REPOSITORY / TABLES_FILE).read_text(encoding="utf-8")
    assert page.count("<!-- table: ") == page.count("<!-- end of table -->") == 19
    assert with_tables(page) == page, ANEW


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_the_project_s_own_studies_follow_the_schema_that_they_name(path, validator):
    text = path.read_text(encoding="utf-8")
    assert not list(validator.iter_errors(yaml.safe_load(text)))
    line, _, named = text.splitlines()[0].partition("$schema=")
    assert line == "# yaml-language-server: "
    assert (path.parent / named).resolve() == REPOSITORY / SCHEMA_FILE


@pytest.mark.parametrize(
    "change",
    [
        {"top_kk": [10]},
        {"top_k": [0]},
        {"top_k": [10, 10]},
        {"study": "../x"},
        {"datasets": {"A": {"source": "python-stdlib"}}},
        {"datasets": {"a": {"source": "fils"}}},
        {"datasets": {"a": {"path": "x"}}},
        {"datasets": {"a": {"source": "files", "pth": "x"}}},
        {"datasets": {"a": {"source": "files", "columns": {"corpus": {"txt": "x"}}}}},
        {"datasets": {"a": {"source": "huggingface", "corpus": {"repository": "x"}}}},
        {"models": {"a": {"max_length": 0}}},
        {"models": {"a": {"type": "precomputed"}}},
        {"models": {"a": {"type": "other"}}},
        {"codecs": {"a": {"family": "pq"}}},
        {"codecs": {"a": {"family": "int7"}}},
        {"codecs": {"a": {"family": "int8", "transform": "rotatoin"}}},
        {"codecs": {"a": {"family": "int8", "transform": ["center", {"kind": "pca"}]}}},
        {"methods": {"a": {"codec": "float32", "index": "hsnw"}}},
        {"methods": {"a": {"codec": "float32", "index": "hnsw", "search": {"nprobe": 5}}}},
        {"methods": {"a": {"codec": "float32", "index": "hnsw", "search": {"expansion_search": [0]}}}},
        {"methods": {"a": {"codec": "float32", "index": "ivf", "build": {"list": 5}}}},
        {"timing": {"threads": "al"}},
        {"prices": {"memory": {"usd_per_gb_month": 5}}},
    ],
    ids=json.dumps,
)
def test_the_schema_refuses_what_the_library_refuses(change, validator):
    base = yaml.safe_load(CONFIGS[0].read_text(encoding="utf-8"))
    assert list(validator.iter_errors({**base, **change}))


def test_kinds_that_somebody_registers_are_part_of_it(monkeypatch):
    class Mine(Float32):
        """Stores what I want."""

        family = "mine"
        parameters = type("Parameters", (Entry,), {"__annotations__": {"wish": int}})

    monkeypatch.setitem(CODECS._loaded, "mine", Mine)
    schema = json_schema()
    family = next(one for one in schema["$defs"]["Codec"]["allOf"] if one["then"]["description"] == Mine.__doc__)
    assert family["if"]["properties"] == {"family": {"const": "mine"}}
    assert family["then"]["required"] == ["wish"]
