"""Indexes that tests build and open: of every family of codes and every kind of structure."""

from functools import cache

from embquant.indexes import index_class
from embquant.quantize.batches import Batches
from support.codec_cases import PQ, SCALED_PQ, fitted, unit_vectors

ENTRIES = {"pq": PQ, "scaled-pq": SCALED_PQ, "rabitq": {"family": "rabitq", "bits": 2}}
FASTSCAN = {family: {"family": family, "pieces": 8, "bits": 4} for family in ("pq", "scaled-pq")}


def entry_of(family, kind):
    """Return the entry of a codec whose codes an index of ``kind`` takes."""
    entries = {**ENTRIES, **FASTSCAN} if kind == "fastscan" else ENTRIES
    return entries.get(family, {"family": family})


@cache
def codec_of(family, kind, dim=32):
    return fitted(entry_of(family, kind), unit_vectors(dim=dim))


def built(path, family, kind, vectors, codec=None, **parameters):
    """Build an index of ``vectors`` in the folder ``path`` from batches; return codec, codes and file."""
    codec = codec or codec_of(family, kind, vectors.shape[1])
    codes = codec.encode(vectors)
    path = path / f"index{index_class(family, kind).suffix}"
    index = index_class(family, kind)
    batches = Batches(lambda: iter([codes[:250], codes[250:]]), *codes.shape)
    index.build(codec, batches, path, index.build_parameters(**parameters))
    return codec, codes, path


def opened(family, kind, path, codec, threads=1, mapped=False, **search):
    index = index_class(family, kind)
    return index.open(path, codec, threads, index.search_parameters(**search), mapped)
