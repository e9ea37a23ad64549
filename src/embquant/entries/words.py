"""Words of the errors: what was found, what was expected, and which name is nearest."""

import difflib
import re
from collections.abc import Iterable, Mapping
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from embquant.entries.base import Expected, is_entry, unwrapped

LONGEST_VALUE = 120
"""Characters of a wrong value that an error shows."""

WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    NoneType: "null",
    Any: "anything",
}


def nearest(name: object, valid: Iterable[str]) -> str:
    """Return "; did you mean 'x'? (valid: …)" for the end of an error message."""
    valid = list(valid)
    close = difflib.get_close_matches(str(name), valid, n=1, cutoff=0.5)
    suggestion = f"; did you mean {close[0]!r}?" if close else ""
    return f"{suggestion} (valid: {', '.join(valid) or 'none'})"


def shown(value: Any) -> str:
    """Return a wrong value as an error shows it, cut if it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def describe(expected: Any, constraints: Iterable[Any] = ()) -> str:
    """Return in words what a value of the annotation ``expected`` under ``constraints`` has to be."""
    expected, constraints = unwrapped(expected, constraints)
    words = next((constraint.words for constraint in constraints if isinstance(constraint, Expected)), None)
    if words is None:
        words = _describe_union(expected, constraints) or _describe_type(expected, constraints)
    return words


def _describe_union(expected: Any, constraints: list[Any]) -> str:
    if get_origin(expected) in (Union, UnionType):
        return " or ".join(describe(option, constraints) for option in get_args(expected))
    if get_origin(expected) is Literal:
        return " or ".join(map(repr, get_args(expected)))
    return ""


def _describe_type(expected: Any, constraints: list[Any]) -> str:
    if expected in WORDS:
        bounds = bounds_in_words(constraints) if expected in (int, float) else ""
        return WORDS[expected] + (f" ({bounds})" if bounds else "")
    if is_entry(expected):
        return f"a mapping with {', '.join(expected.model_fields)}"
    if issubclass(get_origin(expected) or expected, Mapping):
        return "a mapping"
    items = re.sub("^(a )?(whole number|number|text)", r"\2s", describe(get_args(expected)[0]))
    return f"a list of {items}"


def bounds_in_words(constraints: Iterable[Any]) -> str:
    """Return the smallest and greatest number in words; nothing if there are no bounds."""
    bounds = {
        name: getattr(one, name) for one in constraints for name in ("ge", "gt", "le", "lt") if hasattr(one, name)
    }
    if "ge" in bounds and "le" in bounds:
        return f"{bounds['ge']} to {bounds['le']}"
    words = {"ge": "{} or more", "gt": "more than {}", "le": "at most {}", "lt": "less than {}"}
    return ", ".join(words[name].format(bound) for name, bound in bounds.items())
