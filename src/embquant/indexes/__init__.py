"""Indexes: the structures that are searched, in files of the libraries that search them. One kind per file."""

from typing import Any

from embquant.entries import nearest
from embquant.errors import InputError
from embquant.indexes.base import FlatIndex, Index
from embquant.registry import Registry

FAISS_FAMILIES = ("float16", "bfloat16", "uint8", "int6", "int4", "eden", "turboquant", "pq")
"""The codec families whose codes a flat FAISS index scans exactly."""

INDEXES: Registry[type[Index[Any]]] = Registry(
    "index",
    "embquant.indexes",
    {
        "flat/float32": "embquant.indexes.flat_float32:FlatFloat32",
        "hnsw/float32": "embquant.indexes.hnsw:Hnsw",
        "ivf/float32": "embquant.indexes.ivf:IvfFlat",
        "flat/int8": "embquant.indexes.flat_int8:FlatInt8",
        "hnsw/int8": "embquant.indexes.hnsw:Hnsw",
        "flat/unit-int8": "embquant.indexes.flat_int8:FlatInt8",
        "hnsw/unit-int8": "embquant.indexes.hnsw:Hnsw",
        "flat/binary": "embquant.indexes.flat_binary:FlatBinary",
        "fastscan/binary": "embquant.indexes.fastscan:FastScanBinary",
        "hnsw/binary": "embquant.indexes.hnsw_binary:HnswBinary",
        "ivf/binary": "embquant.indexes.ivf_binary:IvfBinary",
        **{f"flat/{family}": "embquant.indexes.flat_codes:FlatCodes" for family in FAISS_FAMILIES},
        "flat/rabitq": "embquant.indexes.flat_rabitq:FlatRaBitQ",
        "flat/osq": "embquant.indexes.flat_osq:FlatOsq",
        "flat/scaled-pq": "embquant.indexes.flat_scaled_pq:FlatScaledPq",
        "fastscan/rabitq": "embquant.indexes.fastscan_rabitq:FastScanRaBitQ",
        "fastscan/scaled-pq": "embquant.indexes.fastscan_scaled_pq:FastScanScaledPq",
        "fastscan/pq": "embquant.indexes.fastscan:FastScan",
        "ivf/pq": "embquant.indexes.ivf:IvfPq",
        "lancedb/float32": "embquant.engines.lancedb:LanceDb",
        "pgvector/float32": "embquant.engines.pgvector:PgVector",
        "qdrant/float32": "embquant.engines.qdrant:Qdrant",
        "sqlite-vec/float32": "embquant.engines.sqlite_vec:SqliteVec",
        "zvec/float32": "embquant.engines.zvec:Zvec",
        "flat/*": "embquant.indexes.flat_any:FlatAny",
    },
)
"""Kinds of index, as ``kind/codec family``; ``kind/*`` takes the codes of every family without one of that kind."""


def index_pairs() -> list[tuple[str, str]]:
    """Return the codec family and the kind of each index; ``*`` stands for all families without one of that kind."""
    return [(family, kind) for kind, _, family in (name.partition("/") for name in INDEXES.names())]


def index_name(family: str, kind: str) -> str:
    """Return the name in :data:`INDEXES` of the index ``kind`` for codes of ``family``.

    If there is none, an InputError names the nearest of the kinds that there are for these codes.
    """
    if (name := f"{kind}/{family}") in INDEXES or (name := f"{kind}/*") in INDEXES:
        return name
    kinds = dict.fromkeys(known for codes, known in index_pairs() if codes in (family, "*"))
    raise InputError(f"there is no index {kind!r} for {family} codes{nearest(kind, kinds)}")


def index_class(family: str, kind: str) -> type[Index[Any]]:
    """Return the class of the index ``kind`` for codes of ``family``; a pair without one is an InputError."""
    return INDEXES[index_name(family, kind)]


__all__ = ["INDEXES", "FlatIndex", "Index", "index_class", "index_name", "index_pairs"]
