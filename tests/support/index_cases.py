"""Indexes that tests build and open: of every family of codes and every kind of structure."""

from functools import cache

from embquant.indexes import index_class
from embquant.quantize.batches import Batches
from support.codec_cases import PQ, SCALED_PQ, fitted, unit_vectors

ENTRIES = {"pq": PQ, "scaled-pq": SCALED_PQ, "rabitq": {"family": "rabitq", "bits": 2}}
FASTSCAN_PQ = {"family": "pq", "pieces": 8, "bits": 4}


@cache
def codec_of(family, kind, dim=32):
    entry = FASTSCAN_PQ if (family, kind) == ("pq", "fastscan") else ENTRIES.get(family, {"family": family})
    return fitted(entry, unit_vectors(dim=dim))


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
