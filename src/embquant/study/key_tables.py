"""The tables of docs/config.md: the keys of entries, what they mean and their defaults, from the entries' classes."""

import json
import re
from collections.abc import Iterable
from typing import Any

from pydantic.fields import FieldInfo

from embquant.datasets.spec import SOURCES, RepositorySpec
from embquant.embedding.spec import MODEL_TYPES
from embquant.entries import Entry, describe, is_entry, options_of
from embquant.indexes import INDEXES, index_class, index_pairs
from embquant.quantize.codecs import CODECS
from embquant.quantize.fit_on import FitOn
from embquant.quantize.transforms import TRANSFORMS
from embquant.study.config import Configuration
from embquant.study.grid import Grid
from embquant.study.hybrid import BM25Entry, Fusion, Reranker
from embquant.study.method_entry import MethodEntry
from embquant.study.requirements import Requirements

BLOCK = re.compile(r"(<!-- table: (?P<name>.*?) -->\n).*?(<!-- end of table -->)", re.DOTALL)
"""A generated table of the page."""

HEADER = ["key", "value", "meaning", "default"]


def with_tables(page: str) -> str:
    """Return ``page`` with each of its tables made anew."""
    tables = _tables()
    return BLOCK.sub(lambda block: f"{block[1]}\n{tables[block['name']]}\n\n{block[3]}", page)


def _tables() -> dict[str, str]:
    """Return all tables by name."""
    sources = {f"source {name}": _key_table(SOURCES[name], leave_out="source") for name in SOURCES.names()}
    types = {f"type {name}": _key_table(MODEL_TYPES[name], leave_out="type") for name in MODEL_TYPES.names()}
    families = [(name, CODECS[name].parameters) for name in CODECS.names()]
    kinds = [(name, TRANSFORMS[name].parameters) for name in TRANSFORMS.names()]
    return {
        "study": _table(HEADER, _study_rows()),
        "requirements": _key_table(Requirements),
        "bm25": _key_table(BM25Entry),
        "fusion": _key_table(Fusion),
        "reranker": _key_table(Reranker),
        "fit_on": _key_table(FitOn),
        "grid": _key_table(Grid),
        **sources,
        "repository": _key_table(RepositorySpec),
        **types,
        "codecs": _kinds_table("family", families),
        "transforms": _kinds_table("kind", kinds),
        "methods": _key_table(MethodEntry),
        "indexes": _table(["family", "index", "scoring"], _index_rows()),
        "build": _kinds_table("index", _index_parameters("build_parameters")),
        "search": _kinds_table("index", _index_parameters("search_parameters")),
    }


def _study_rows() -> Iterable[list[str]]:
    """Yield the rows of the keys of a study, those of its sections after a dot."""
    for key, field in Configuration.model_fields.items():
        section = field.annotation
        if key == "requirements" or not (isinstance(section, type) and issubclass(section, Entry)):
            yield _row(key, field)
        else:
            for name, inner in section.model_fields.items():
                yield _row(f"{key}.{name}", inner)


def _key_table(entry: type[Entry], leave_out: str = "") -> str:
    return _table(HEADER, [_row(key, field) for key, field in entry.model_fields.items() if key != leave_out])


def _kinds_table(noun: str, kinds: Iterable[tuple[str, type[Entry]]]) -> str:
    """Return the table of the parameters of kinds; those that have the same ones share their rows."""
    sharing: dict[type[Entry], list[str]] = {}
    for name, parameters in kinds:
        sharing.setdefault(parameters, []).append(f"`{name}`")
    rows = []
    for parameters, names in sharing.items():
        first = ", ".join(dict.fromkeys(names))
        for key, field in parameters.model_fields.items():
            rows.append([first, *_row(key, field)])
            first = ""
    return _table([noun, *HEADER], rows)


def _index_parameters(which: str) -> list[tuple[str, type[Entry]]]:
    """Return the kinds of index and their parameters of building or searching."""
    return [(kind, getattr(INDEXES[f"{kind}/{family}"], which)) for family, kind in index_pairs()]


def _index_rows() -> Iterable[list[str]]:
    """Yield the kinds of index and their scorings, the default first, for each family of codecs."""
    for name in CODECS.names():
        kinds = dict.fromkeys(kind for family, kind in index_pairs() if family in (name, "*"))
        for place, kind in enumerate(kinds):
            scorings = index_class(name, kind).scorings(CODECS[name])
            yield ["" if place else f"`{name}`", f"`{kind}`", ", ".join(f"`{scoring}`" for scoring in scorings)]


def _row(key: str, field: FieldInfo) -> list[str]:
    """Return the row of a key: its name, what values it takes, its meaning and its default."""
    default = "required" if field.is_required() else _default(field.get_default(call_default_factory=True))
    return [f"`{key}`", _values(field), field.description or "", default]


def _values(field: FieldInfo) -> str:
    """Return what values a key takes, without null, which stands for the default."""
    extra = field.json_schema_extra
    if isinstance(extra, dict) and isinstance(names := extra.get("enum"), list):  # of a registry
        return " or ".join(f"`{name}`" for name in names)
    options = options_of(field.annotation)
    if any(is_entry(option) for option in options):
        words = " or ".join(dict.fromkeys("a mapping" if is_entry(option) else describe(option) for option in options))
    else:
        words = describe(field.annotation, field.metadata)
    words = words.removesuffix(" or null")
    return re.sub("'([^']*)'", r"`\1`", words)


def _default(value: Any) -> str:
    if isinstance(value, Entry):
        value = value.model_dump(exclude_none=True, exclude={"source"})
    if value is None or (isinstance(value, dict) and not any(value.values())):
        return ""
    return f"`{_yaml(value)}`"


def _yaml(value: Any) -> str:
    """Return a value as it stands in YAML on one line."""
    return value if isinstance(value, str) else re.sub(r'"([^"]*)"', r"\1", json.dumps(value, ensure_ascii=False))


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
