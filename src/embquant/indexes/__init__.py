"""Indexes: the structures that are searched, in the libraries' own files. One file a kind."""

from importlib import import_module

from embquant.errors import InputError
from embquant.indexes.base import Index

KINDS: dict[tuple[str, str], str] = {
    ("float32", "flat"): "embquant.indexes.flat_float32",
    ("binary", "flat"): "embquant.indexes.flat_binary",
    ("int8", "flat"): "embquant.indexes.flat_int8",
    ("int8", "hnsw"): "embquant.indexes.hnsw_int8",
}
"""(codec family, kind of index) → the module whose ``INDEX`` is its class; imported only when it is used."""

SUFFIXES: dict[tuple[str, str], str] = {
    ("float32", "flat"): ".faiss",
    ("binary", "flat"): ".faiss",
    ("int8", "flat"): ".i8bin",
    ("int8", "hnsw"): ".usearch",
}
"""How the file of such an index is called, as the library that wrote it would have it."""


def index_class(family: str, kind: str) -> type[Index]:
    """Return the index class of ``kind`` for codes of ``family``; a pair without one is an InputError."""
    if (family, kind) not in KINDS:
        kinds = ", ".join(known for own, known in KINDS if own == family)
        raise InputError(f"there is no index {kind!r} for {family} codes (there are: {kinds})")
    return import_module(KINDS[family, kind]).INDEX


__all__ = ["KINDS", "SUFFIXES", "Index", "index_class"]
