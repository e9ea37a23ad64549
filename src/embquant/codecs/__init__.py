"""Codecs: how a vector is stored. One file a family; a family is found here by its name."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from embquant.codecs.base import Codec
from embquant.errors import InputError
from embquant.spec import nearest, parse_spec

FAMILIES: dict[str, str] = {
    "float32": "embquant.codecs.float32",
    "int8": "embquant.codecs.int8",
    "binary": "embquant.codecs.binary",
}
"""Name of a family → the module whose ``CODEC`` is its class; imported only when it is used."""


def codec_class(family: str) -> type[Codec]:
    """Return the codec class called ``family``; an unknown name is an InputError."""
    if family not in FAMILIES:
        raise InputError(f"codec {family!r} is not known{nearest(family, FAMILIES)}")
    return import_module(FAMILIES[family]).CODEC


def parse_codec(entry: Mapping[str, Any]) -> tuple[type[Codec], Any]:
    """Return the class and the parameters of a codec as the configuration has it: ``family`` and the family's own."""
    family = codec_class(entry["family"])
    own = {key: value for key, value in entry.items() if key != "family"}
    return family, parse_spec(family.parameters, own, f"codec {family.family}")


__all__ = ["FAMILIES", "Codec", "codec_class", "parse_codec"]
