"""Entries: typed values with the keys of ``config.yaml``, checked when they are read.

Every mistake is an InputError of one line that says where it is, what was found and what was expected.
"""

import difflib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    create_model,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from embquant.errors import InputError

if TYPE_CHECKING:
    from embquant.registry import Registry

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
UNKNOWN_KEY = ("extra_forbidden", "invalid_key")
OUT_OF_BOUNDS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")

E = TypeVar("E", bound="Entry")
Value = TypeVar("Value")


class Entry(BaseModel):
    """Base of typed entries: frozen, no unknown keys, no conversion of types.

    A whole number may stand for a number; true and false never stand for a number. A validator of a subclass raises a
    ValueError whose text says what was found and expected.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def given(self) -> dict[str, Any]:
        """Return the keys that were given, with their values, and none of the defaults."""
        return self.model_dump(exclude_unset=True)


class NoParameters(Entry):
    """The parameters of a kind that has none."""


@dataclass(frozen=True)
class Expected:
    """What a value has to be, in words; put into ``Annotated`` where the type alone can't tell."""

    words: str


def _as_written(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    validate(value)
    return value


Number = Annotated[float, WrapValidator(_as_written)]
"""A number that stays as it was written: 5 isn't turned into 5.0."""


class EntryError(InputError):
    """What is wrong with an entry: the ``path`` of the mistake within it, and the ``message`` without any place."""

    def __init__(self, where: str, path: tuple[str | int, ...], message: str) -> None:
        """Join the place of the entry, the path within it and the message."""
        super().__init__(": ".join(part for part in (where, _dotted(path), message) if part))
        self.path = path
        self.message = message


def read_entry(kind: type[E], values: Mapping[str, Any] | str, where: str = "") -> E:
    """Build the entry ``kind`` from a mapping or from its JSON text.

    Args:
        kind: the class of the entry.
        values: its keys and values.
        where: what the values belong to; an error starts with it.

    Raises:
        InputError: a key is unknown or missing, or a value is wrong. Unknown keys come first.
    """
    values = _mapping(values, where)
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        worst = min(error.errors(include_url=False), key=lambda one: _rank(one["type"]))
        raise EntryError(where, *_explain(kind, values, worst)) from None


def read_kind(kinds: "Registry[type[E]]", key: str, values: Any, where: str = "", default: str | None = None) -> E:
    """Build the entry whose class ``kinds`` has under the value of ``key``; other arguments and errors as above."""
    values = _mapping(values, where)
    name = values.get(key, default)
    if not isinstance(name, str):
        raise EntryError(where, (), f"{key} is {shown(name)}, expected one of {', '.join(kinds.names())}")
    try:
        kind = kinds[name]
    except InputError as error:
        raise EntryError(where, (), str(error)) from None
    return read_entry(kind, values, where)


def parse_spec(kind: type[Value], values: Mapping[str, Any] | str, where: str) -> Value:
    """Build a dataclass, or an entry, from its keys; goes when no parameters are dataclasses any more."""
    if _is_entry(kind):
        return read_entry(kind, values, where)
    hints = get_type_hints(kind)
    checked = create_model(
        kind.__name__,
        __base__=Entry,
        **{
            one.name: (
                hints[one.name],
                Field(default_factory=one.default_factory)
                if one.default_factory is not MISSING
                else ...
                if one.default is MISSING
                else one.default,
            )
            for one in fields(kind)
        },
    )
    read_entry(checked, values, where)
    return kind(**(json.loads(values) if isinstance(values, str) else values))


def check_least(spec: Any, **least: int) -> None:
    """Refuse a spec in which the number of some name is less than ``least`` says; goes with ``parse_spec``."""
    for name, value in least.items():
        if getattr(spec, name) < value:
            raise InputError(f"{name} is {getattr(spec, name)}, expected {value} or more")


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


def nearest(name: object, valid: Iterable[str]) -> str:
    """Return "; did you mean 'x'? (valid: …)" for the end of an error message."""
    valid = list(valid)
    close = difflib.get_close_matches(str(name), valid, n=1, cutoff=0.5)
    suggestion = f"; did you mean {close[0]!r}?" if close else ""
    return f"{suggestion} (valid: {', '.join(valid) or 'none'})"


def describe(expected: Any, constraints: Iterable[Any] = ()) -> str:
    """Return in words what a value of the annotation ``expected`` under ``constraints`` has to be."""
    expected, constraints = _unwrapped(expected, constraints)
    words = next((constraint.words for constraint in constraints if isinstance(constraint, Expected)), None)
    if words is not None:
        return words
    if expected in WORDS:
        bounds = _bounds(constraints) if expected in (int, float) else ""
        return WORDS[expected] + (f" ({bounds})" if bounds else "")
    origin = get_origin(expected)
    if origin in (Union, UnionType):
        return " or ".join(describe(option, constraints) for option in get_args(expected))
    if origin is Literal:
        return " or ".join(map(repr, get_args(expected)))
    if isinstance(expected, type) and issubclass(expected, Entry):
        return f"a mapping with {', '.join(expected.model_fields)}"
    outer = "a mapping to" if issubclass(origin or expected, Mapping) else "a list of"
    return f"{outer} {describe(get_args(expected)[-1])}" if get_args(expected) else outer.rpartition(" ")[0]


def shown(value: Any) -> str:
    """Return a wrong value as an error shows it, cut if it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _mapping(values: Any, where: str) -> dict[str, Any]:
    """Return a mapping, or its JSON text, as a dictionary."""
    if isinstance(values, str):
        try:
            values = json.loads(values)
        except ValueError as error:
            raise EntryError(where, (), f"not JSON ({error})") from None
    if not isinstance(values, Mapping):
        raise EntryError(where, (), f"expected a mapping, not {shown(values)}")
    return dict(values)


def _rank(kind: str) -> int:
    return 0 if kind in UNKNOWN_KEY else 1 if kind == "missing" else 2


def _explain(kind: type[Entry], values: Any, error: ErrorDetails) -> tuple[tuple[str | int, ...], str]:
    """Return the place of an error within the values and what is wrong there."""
    steps, sort = error["loc"], error["type"]
    if sort in UNKNOWN_KEY or sort == "missing":
        *steps, key = steps
        path, expected, _, _ = _follow(kind, values, steps)
        if sort == "missing":
            return path, f"the key {key!r} is missing"
        entry = next(option for option in _options(expected) if _is_entry(option))
        return path, f"unknown key {key!r}{nearest(key, entry.model_fields)}"
    if steps and steps[-1] == "[key]":
        *steps, name, _ = steps
        path, expected, _, _ = _follow(kind, values, steps)
        names = next(get_args(option)[0] for option in _options(expected) if get_origin(option) is dict)
        return path, f"the name is {shown(name)}, expected {describe(names)}"
    path, expected, constraints, found = _follow(kind, values, steps)
    if sort == "entry":
        return (*path, *error["ctx"]["path"]), error["ctx"]["text"]
    if sort == "value_error":
        return path, str(error["ctx"]["error"])
    wanted = describe(expected, constraints)
    numbers = [option for option in _options(expected) if option is not NoneType]
    if sort in OUT_OF_BOUNDS and len(numbers) == 1:
        of_options = [one for option in get_args(expected) for one in _unwrapped(option, ())[1]]
        wanted = _bounds([*constraints, *of_options])
    elif sort == "too_short":
        wanted = "at least one"
    last = -2 if isinstance(path[-1], int) else -1
    return path[:last], f"{_dotted(path[last:])} is {shown(found)}, expected {wanted}"


def _follow(
    kind: type[Entry], values: Any, steps: Iterable[str | int]
) -> tuple[tuple[str | int, ...], Any, list[Any], Any]:
    """Follow ``steps`` into an entry.

    Return the steps that are keys or places in the values (others name an option of a union), what is expected there,
    its constraints and what was found.
    """
    path: list[str | int] = []
    expected: Any = kind
    constraints: list[Any] = []
    for step in steps:
        options = list(_options(expected))
        entry = next((option for option in options if _is_entry(option) and step in option.model_fields), None)
        inner = next((get_args(option)[-1] for option in options if get_origin(option) in (dict, list)), None)
        if entry is not None:
            field: FieldInfo = entry.model_fields[str(step)]
            expected, constraints = _unwrapped(field.annotation, field.metadata)
        elif inner is not None and _has(values, step):
            expected, constraints = _unwrapped(inner, ())
        else:
            expected = next((option for option in options if getattr(option, "__name__", "") == step), expected)
            continue
        path.append(step)
        values = values[step] if _has(values, step) else None
    return tuple(path), expected, constraints, values


def _has(values: Any, step: str | int) -> bool:
    if isinstance(values, Mapping):
        return step in values
    return isinstance(values, list) and isinstance(step, int) and step < len(values)


def _unwrapped(expected: Any, constraints: Iterable[Any]) -> tuple[Any, list[Any]]:
    """Take the constraints out of ``Annotated``."""
    constraints = list(constraints)
    while get_origin(expected) is Annotated:
        expected, *more = get_args(expected)
        for one in more:
            constraints += one.metadata if isinstance(one, FieldInfo) else [one]
    return expected, constraints


def _options(expected: Any) -> Iterable[Any]:
    """Yield the types of a union, or the type itself, without constraints."""
    expected, _ = _unwrapped(expected, ())
    if get_origin(expected) in (Union, UnionType):
        for option in get_args(expected):
            yield from _options(option)
    else:
        yield expected


def _is_entry(option: Any) -> bool:
    return isinstance(option, type) and issubclass(option, Entry)


def _bounds(constraints: Iterable[Any]) -> str:
    """Return the smallest and greatest number in words; nothing if there are no bounds."""
    bounds = {
        name: getattr(one, name) for one in constraints for name in ("ge", "gt", "le", "lt") if hasattr(one, name)
    }
    if "ge" in bounds and "le" in bounds:
        return f"{bounds['ge']} to {bounds['le']}"
    words = {"ge": "{} or more", "gt": "more than {}", "le": "{} or less", "lt": "less than {}"}
    return " and ".join(words[name].format(bound) for name, bound in bounds.items())


def _dotted(path: Iterable[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
