"""Specs are small frozen dataclasses, given as JSON objects with the keys of ``config.yaml``."""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from embquant.errors import InputError

Spec = TypeVar("Spec")


def parse_spec(kind: type[Spec], values: Mapping[str, Any] | str, where: str) -> Spec:
    """Build the dataclass ``kind`` from a mapping or its JSON text.

    An unknown or missing key is an InputError that starts with ``where`` and names the nearest valid key.
    """
    if isinstance(values, str):
        try:
            values = json.loads(values)
        except ValueError as error:
            raise InputError(f"{where}: not JSON ({error})") from None
    known = {field.name: field for field in fields(kind)}
    for key in values:
        if key not in known:
            raise InputError(f"{where}: unknown key {key!r}{nearest(key, known)}")
    for name, field in known.items():
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise InputError(f"{where}: the key {name!r} is missing")
    return kind(**values)


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return "; did you mean 'x'? (valid: …)" for the end of an error message."""
    valid = list(valid)
    close = difflib.get_close_matches(str(name), valid, n=1, cutoff=0.5)
    suggestion = f"; did you mean {close[0]!r}?" if close else ";"
    return f"{suggestion} (valid: {', '.join(valid)})"
