"""Reading entries from mappings and from JSON."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from embquant.entries.base import Entry
from embquant.entries.mistakes import EntryError, worst_mistake
from embquant.entries.words import shown
from embquant.errors import InputError

if TYPE_CHECKING:
    from embquant.registry import Registry

E = TypeVar("E", bound=Entry)


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
        raise worst_mistake(kind, values, error, where) from None


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
