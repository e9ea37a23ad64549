"""The base class of entries, and their types as pydantic has them."""

from collections.abc import Iterable
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidatorFunctionWrapHandler, WrapValidator
from pydantic.fields import FieldInfo


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


def is_entry(option: Any) -> bool:
    """Whether a type is a class of entries."""
    return isinstance(option, type) and issubclass(option, Entry)


def options_of(expected: Any) -> list[Any]:
    """Return the types of a union, or the type itself, without constraints."""
    expected, _ = unwrapped(expected, ())
    if get_origin(expected) not in (Union, UnionType):
        return [expected]
    return [inner for option in get_args(expected) for inner in options_of(option)]


def unwrapped(expected: Any, constraints: Iterable[Any]) -> tuple[Any, list[Any]]:
    """Return a type and its constraints, those of ``Annotated`` among them."""
    constraints = list(constraints)
    while get_origin(expected) is Annotated:
        expected, *more = get_args(expected)
        for one in more:
            constraints += one.metadata if isinstance(one, FieldInfo) else [one]
    return expected, constraints
