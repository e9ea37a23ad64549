"""The JSON Schema of a configuration, with which editors check and complete it; made from the classes of its entries.

``python -m embquant.study.schema`` writes it, and the tables of docs/config.md, into the working tree it is started in.
"""

import json
from collections.abc import Iterable, Mapping
from inspect import getdoc
from pathlib import Path
from typing import Any

from embquant.datasets.spec import SOURCES
from embquant.embedding.spec import MODEL_TYPES
from embquant.entries import Entry
from embquant.indexes import INDEXES, index_pairs
from embquant.quantize.codecs import CODECS
from embquant.quantize.transforms import TRANSFORMS
from embquant.study.config import Configuration
from embquant.study.key_tables import with_tables

SCHEMA_FILE = Path("workflow/schemas/config.schema.json")
TABLES_FILE = Path("docs/config.md")

Schema = dict[str, Any]


def json_schema() -> Schema:
    """Return the schema; kinds that other packages or scripts have registered are part of it."""
    schema = _without_titles(Configuration.model_json_schema())
    definitions: Schema = schema["$defs"]
    sections = schema["properties"]
    sources = {name: _referred(SOURCES[name], definitions) for name in SOURCES.names()}
    types = {name: _referred(MODEL_TYPES[name], definitions) for name in MODEL_TYPES.names()}
    transforms = {
        name: _entry(TRANSFORMS[name], TRANSFORMS[name].parameters, {"kind": {"const": name}})
        for name in TRANSFORMS.names()
    }
    codecs = {
        name: _entry(
            CODECS[name],
            CODECS[name].parameters,
            {"family": {"const": name}, "transform": {"$ref": "#/$defs/Transforms"}},
        )
        for name in CODECS.names()
    }
    transform = {"anyOf": [{"enum": TRANSFORMS.names()}, _told_apart("kind", transforms)]}
    definitions["Transforms"] = {"anyOf": [transform, {"type": "array", "items": transform}]}
    definitions["Dataset"] = _told_apart("source", sources)
    definitions["Model"] = _told_apart("type", types, default="sentence-transformers")
    definitions["Codec"] = _told_apart("family", codecs)
    for section, entry in {
        "datasets": "Dataset",
        "models": "Model",
        "codecs": "Codec",
        "methods": "MethodEntry",
    }.items():
        named = {"$ref": f"#/$defs/{entry}"}
        sections[section]["patternProperties"] = dict.fromkeys(sections[section]["patternProperties"], named)
        sections[section]["additionalProperties"] = False
    _add_index_parameters(definitions["MethodEntry"], definitions)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _told_apart(key: str, options: Mapping[str, Schema], default: str | None = None) -> Schema:
    """Return the schema of an entry whose other keys depend on the value of ``key``."""
    return {
        "type": "object",
        "properties": {key: {"enum": list(options)}},
        "required": [] if default else [key],
        "allOf": [
            {
                "if": {"properties": {key: {"const": name}}, "required": [] if name == default else [key]},
                "then": option,
            }
            for name, option in options.items()
        ],
    }


def _referred(entry: type[Entry], definitions: Schema) -> Schema:
    """Put the schema of an entry among the definitions, and return a reference to it."""
    schema = _without_titles(entry.model_json_schema())
    definitions.update(schema.pop("$defs", {}))
    definitions[entry.__name__] = schema
    return {"$ref": f"#/$defs/{entry.__name__}"}


def _entry(kind: type, parameters: type[Entry], keys: Schema) -> Schema:
    """Return the schema of an entry that has a kind's parameters beside ``keys``."""
    schema = _without_titles(parameters.model_json_schema())
    description = (getdoc(kind) or "").partition("\n")[0].replace("``", "`")
    return {**schema, "description": description, "properties": {**keys, **schema["properties"]}}


def _add_index_parameters(method: Schema, definitions: Schema) -> None:
    """Say in the schema of a method what its ``build`` and ``search`` may be for each kind of index.

    Entries within them go to the ``definitions``.
    """
    kinds: dict[str, list[str]] = {}
    for family, kind in index_pairs():
        kinds.setdefault(kind, []).append(f"{kind}/{family}")
    method["properties"]["index"]["enum"] = list(kinds)
    method["allOf"] = [
        {
            "if": {"properties": {"index": {"const": kind}}},
            "then": {
                "properties": {
                    "build": _any_of((INDEXES[name].build_parameters for name in names), definitions),
                    "search": _swept(_any_of((INDEXES[name].search_parameters for name in names), definitions)),
                }
            },
        }
        for kind, names in kinds.items()
    ]


def _any_of(entries: Iterable[type[Entry]], definitions: Schema) -> Schema:
    schemas = [_without_titles(entry.model_json_schema()) for entry in dict.fromkeys(entries)]
    for schema in schemas:
        definitions.update(schema.pop("$defs", {}))
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _swept(schema: Schema) -> Schema:
    """Allow a list of values for each key."""
    if "anyOf" in schema:
        return {"anyOf": [_swept(option) for option in schema["anyOf"]]}
    keys = schema["properties"].items()
    lists = {key: {"anyOf": [value, {"type": "array", "items": value, "minItems": 1}]} for key, value in keys}
    return {**schema, "properties": lists}


def _without_titles(schema: Schema) -> Schema:
    """Take out the titles that pydantic derives from names."""
    cleaned: Schema = {}
    for key, value in schema.items():
        if key in ("properties", "$defs", "patternProperties"):
            cleaned[key] = {name: _without_titles(inner) for name, inner in value.items()}
        elif isinstance(value, dict) and key != "default":
            cleaned[key] = _without_titles(value)
        elif isinstance(value, list) and key in ("anyOf", "oneOf"):
            cleaned[key] = [_without_titles(inner) for inner in value]
        elif key == "description":
            cleaned[key] = value.replace("``", "`")
        elif key != "title":
            cleaned[key] = value
    return cleaned


def schema_text() -> str:
    """Return the schema as it is written to :data:`SCHEMA_FILE`."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    TABLES_FILE.write_text(with_tables(TABLES_FILE.read_text(encoding="utf-8")), encoding="utf-8")
