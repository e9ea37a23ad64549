"""Indexes: the structures that are searched, in the libraries' own files. One file a kind."""

from importlib import import_module

from embquant.entries import nearest
from embquant.errors import InputError
from embquant.indexes.base import Index
from embquant.quantize.codecs import codec_class

FAISS_CODES = ("float16", "bfloat16", "uint8", "int6", "int4", "rabitq", "pq", "scaled-pq")
"""The codec families whose codes lie in a FAISS flat index of their own kind, or in one made the same way."""

KINDS: dict[tuple[str, str], str] = {
    ("float32", "flat"): "embquant.indexes.flat_float32",
    ("float32", "hnsw"): "embquant.indexes.hnsw",
    ("float32", "ivf"): "embquant.indexes.ivf",
    ("int8", "flat"): "embquant.indexes.flat_int8",
    ("int8", "hnsw"): "embquant.indexes.hnsw",
    ("binary", "flat"): "embquant.indexes.flat_binary",
    ("binary", "fastscan"): "embquant.indexes.fastscan",
    ("binary", "hnsw"): "embquant.indexes.hnsw_binary",
    ("binary", "ivf"): "embquant.indexes.ivf",
    **{(family, "flat"): "embquant.indexes.flat_codes" for family in FAISS_CODES},
    ("scaled-pq", "flat"): "embquant.indexes.flat_scaled_pq",
    ("pq", "fastscan"): "embquant.indexes.fastscan",
    ("pq", "ivf"): "embquant.indexes.ivf",
}
"""(codec family, kind of index) → the module whose ``INDEX`` is its class; imported only when it is used."""

OTHER_SCORINGS: dict[tuple[str, str], tuple[str, ...]] = {
    ("binary", "fastscan"): ("asymmetric",),
    ("binary", "hnsw"): ("symmetric",),
    ("binary", "ivf"): ("symmetric",),
}
"""Which of the codec's scorings an index has, where it doesn't have them all."""

OTHER_SUFFIXES: dict[tuple[str, str], str] = {
    ("int8", "flat"): ".i8bin",
    ("scaled-pq", "flat"): ".npy",
    ("float32", "hnsw"): ".usearch",
    ("int8", "hnsw"): ".usearch",
}


def suffix(family: str, kind: str) -> str:
    """Return how the file of such an index ends, as the library that writes it would have it."""
    return OTHER_SUFFIXES.get((family, kind), ".faiss")


def scorings(family: str, kind: str) -> tuple[str, ...]:
    """Return the ways in which such an index compares queries with codes, the default first."""
    return OTHER_SCORINGS.get((family, kind), codec_class(family).scorings)


def index_module(family: str, kind: str) -> str:
    """Return the module of the index of ``kind`` for codes of ``family``; a pair without one is an InputError."""
    if (family, kind) not in KINDS:
        kinds = [known for own, known in KINDS if own == family]
        raise InputError(f"there is no index {kind!r} for {family} codes{nearest(kind, kinds)}")
    return KINDS[family, kind]


def index_class(family: str, kind: str) -> type[Index]:
    """Return the index class of ``kind`` for codes of ``family``; a pair without one is an InputError."""
    return import_module(index_module(family, kind)).INDEX


__all__ = ["KINDS", "Index", "index_class", "index_module", "scorings", "suffix"]
