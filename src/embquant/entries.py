"""Specs are small frozen dataclasses, given as JSON objects with the keys of ``config.yaml``."""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from embquant.errors import InputError

Spec = TypeVar("Spec")


@dataclass(frozen=True)
class NoParameters:
    """The spec of what has nothing to choose."""


def parse_spec(kind: type[Spec], values: Mapping[str, Any] | str, where: str) -> Spec:
    """Build the dataclass ``kind`` from a mapping or its JSON text; values must have the annotated types.

    An unknown or missing key or a wrong value is an InputError that starts with ``where`` and, for a key, names the
    nearest valid one.
    """
    if isinstance(values, str):
        try:
            values = json.loads(values)
        except ValueError as error:
            raise InputError(f"{where}: not JSON ({error})") from None
    if not isinstance(values, Mapping):
        raise InputError(f"{where}: expected a mapping, not {values!r}")
    known = {field.name: field for field in fields(kind)}
    for key in values:
        if key not in known:
            raise InputError(f"{where}: unknown key {key!r}{nearest(key, known)}")
    for name, field in known.items():
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise InputError(f"{where}: the key {name!r} is missing")
    annotations = get_type_hints(kind)
    for key, value in values.items():
        if not _matches(value, annotations[key]):
            raise InputError(f"{where}: {key} is {value!r}, expected {_describe(annotations[key])}")
    return kind(**values)


def check_least(spec: Any, **least: int) -> None:
    """Refuse a spec in which the number of some name is less than ``least`` says."""
    for name, value in least.items():
        if getattr(spec, name) < value:
            raise InputError(f"{name} is {getattr(spec, name)}, expected {value} or more")


def nearest(name: object, valid: Iterable[str]) -> str:
    """Return "; did you mean 'x'? (valid: …)" for the end of an error message."""
    valid = list(valid)
    close = difflib.get_close_matches(str(name), valid, n=1, cutoff=0.5)
    suggestion = f"; did you mean {close[0]!r}?" if close else ""
    return f"{suggestion} (valid: {', '.join(valid) or 'none'})"


def _matches(value: Any, expected: Any) -> bool:
    origin = get_origin(expected)
    if origin in (Union, UnionType):
        return any(_matches(value, option) for option in get_args(expected))
    if origin is Literal:
        return any(type(value) is type(option) and value == option for option in get_args(expected))
    if expected is float and type(value) is int:  # as JSON may write it
        return True
    if origin is None:
        return expected is Any or (isinstance(value, expected) and (not isinstance(value, bool) or expected is bool))
    if not isinstance(value, origin) or isinstance(value, str):
        return False
    items = value.values() if isinstance(value, Mapping) else value
    return all(_matches(item, get_args(expected)[-1]) for item in items)


def _describe(expected: Any) -> str:
    words = {
        str: "text",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        NoneType: "null",
        Any: "anything",
    }
    if expected in words:
        return words[expected]
    origin = get_origin(expected)
    if origin in (Union, UnionType):
        return " or ".join(_describe(option) for option in get_args(expected))
    if origin is Literal:
        return " or ".join(map(repr, get_args(expected)))
    if is_dataclass(expected):
        return f"a mapping with {', '.join(field.name for field in fields(expected))}"
    outer = "a mapping to" if issubclass(origin, Mapping) else "a list of"
    return f"{outer} {_describe(get_args(expected)[-1])}"
