"""Mistakes in entries: from pydantic's errors to one line with a place, what was found and what was expected."""

from collections.abc import Callable, Iterable, Mapping
from types import NoneType
from typing import Any, NamedTuple, TypeVar, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from embquant.entries.base import Entry, is_entry, options_of, unwrapped
from embquant.entries.words import bounds_in_words, describe, nearest, shown
from embquant.errors import InputError

UNKNOWN_KEY = ("extra_forbidden", "invalid_key")
OUT_OF_BOUNDS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")

Path = tuple[str | int, ...]
"""Keys and places in lists, from the outside to the inside."""

Value = TypeVar("Value")


class EntryError(InputError):
    """What is wrong with an entry: the ``path`` of the mistake within it, and the ``message`` without any place."""

    def __init__(self, where: str, path: Path, message: str) -> None:
        """Join the place of the entry, the path within it and the message."""
        super().__init__(": ".join(part for part in (where, _dotted(path), message) if part))
        self.path = path
        self.message = message


def reading(read: Callable[[Any], Value]) -> Callable[[Any], Value]:
    """Return a validator that calls ``read`` and keeps the place of the mistake in its InputErrors."""

    def validate(values: Any) -> Value:
        try:
            return read(values)
        except EntryError as error:
            raise mistake(error.message, *error.path) from None
        except InputError as error:
            raise mistake(str(error)) from None

    return validate


def mistake(message: str, *path: str | int) -> PydanticCustomError:
    """Return what a validator raises about the value at ``path`` within the one that it was called for."""
    return PydanticCustomError("entry", "{text}", {"text": message, "path": path})


def worst_mistake(kind: type[Entry], values: Any, error: ValidationError, where: str) -> EntryError:
    """Return the worst mistake that pydantic found in the values of an entry: unknown keys first, then missing ones."""
    worst = min(error.errors(include_url=False), key=lambda one: _rank(one["type"]))
    return EntryError(where, *_explain(kind, values, worst))


class _Place(NamedTuple):
    """A place in the values, the type that is expected there, its constraints and what was found."""

    path: Path
    expected: Any
    constraints: list[Any]
    found: Any


def _rank(kind: str) -> int:
    return 0 if kind in UNKNOWN_KEY else 1 if kind == "missing" else 2


def _explain(kind: type[Entry], values: Any, error: ErrorDetails) -> tuple[Path, str]:
    """Return the place of an error within the values and what is wrong there."""
    steps, sort = error["loc"], error["type"]
    if sort in UNKNOWN_KEY or sort == "missing":
        place, key = _follow(kind, values, steps[:-1]), steps[-1]
        if sort == "missing":
            return place.path, f"the key {key!r} is missing"
        entry = next(option for option in options_of(place.expected) if is_entry(option))
        return place.path, f"unknown key {key!r}{nearest(key, entry.model_fields)}"
    if steps and steps[-1] == "[key]":
        place = _follow(kind, values, steps[:-2])
        names = next(get_args(option)[0] for option in options_of(place.expected) if get_origin(option) is dict)
        return place.path, f"the name is {shown(steps[-2])}, expected {describe(names)}"
    place = _follow(kind, values, steps)
    if sort == "entry":
        return (*place.path, *error["ctx"]["path"]), error["ctx"]["text"]
    if sort == "value_error":
        return place.path, str(error["ctx"]["error"])
    last = -2 if isinstance(place.path[-1], int) else -1
    return place.path[:last], f"{_dotted(place.path[last:])} is {shown(place.found)}, expected {_wanted(place, sort)}"


def _wanted(place: _Place, sort: str) -> str:
    """Return what was expected at a place; only the bounds, if the type is right."""
    if sort == "too_short":
        return "at least one"
    numbers = [option for option in options_of(place.expected) if option is not NoneType]
    if sort in OUT_OF_BOUNDS and len(numbers) == 1:
        of_options = [one for option in get_args(place.expected) for one in unwrapped(option, ())[1]]
        return bounds_in_words([*place.constraints, *of_options])
    return describe(place.expected, place.constraints)


def _follow(kind: type[Entry], values: Any, steps: Iterable[str | int]) -> _Place:
    """Follow the steps of pydantic's location of an error: keys, places in lists, and options of unions."""
    path: list[str | int] = []
    expected: Any = kind
    constraints: list[Any] = []
    for step in steps:
        options = options_of(expected)
        entry = next((option for option in options if is_entry(option) and step in option.model_fields), None)
        inner = next((get_args(option)[-1] for option in options if get_origin(option) in (dict, list)), None)
        if entry is not None:
            field: FieldInfo = entry.model_fields[str(step)]
            expected, constraints = unwrapped(field.annotation, field.metadata)
        elif inner is not None and _has(values, step):
            expected, constraints = unwrapped(inner, ())
        else:
            expected = next((option for option in options if getattr(option, "__name__", "") == step), expected)
            continue
        path.append(step)
        values = values[step] if _has(values, step) else None
    return _Place(tuple(path), expected, constraints, values)


def _has(values: Any, step: str | int) -> bool:
    if isinstance(values, Mapping):
        return step in values
    return isinstance(values, list) and isinstance(step, int) and step < len(values)


def _dotted(path: Iterable[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
