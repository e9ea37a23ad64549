"""Codecs: how a vector is stored. One file a family; a family is found here by its name."""

from importlib import import_module

from embquant.codecs.base import Codec
from embquant.errors import InputError
from embquant.spec import nearest

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


__all__ = ["FAMILIES", "Codec", "codec_class"]
