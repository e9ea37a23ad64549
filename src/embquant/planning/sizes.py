"""What a study's files will take on disk: every formula, in one place.

Measured against the files of finished studies, each formula is right to a few per cent; tests/workflow/test_plan.py holds
their sum to 10 %. Files of a few kB (manifests, definitions, timings, logs) and the reports themselves are left out.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from embquant.artifacts import ROWS_PER_GROUP
from embquant.codecs import CodecSpec
from embquant.indexes import suffix
from embquant.planning.outline import MethodOutline, Outline

DICTIONARY_BYTES = 1 << 20
"""Distinct values of a column in a row group that Parquet numbers; beyond them it writes plain values (Arrow's default)."""
ZSTD_FLOAT = 0.93
"""What zstd leaves of float32 embeddings: their exponents repeat, their mantissas don't."""
ZSTD_INT8 = 0.87
"""What zstd leaves of int8 codes, most of which are near the middle of their range."""
SCORE_BYTES = {"float": 7.2, "integer": 1.4}
"""What a candidate's score takes in Parquet: sums in float64 are all different, integers are few."""
METRIC_BYTES = 0.6
"""What a query's value of one metric takes: most are one of a few."""


@dataclass(frozen=True)
class Corpus:
    """What is known of a dataset with a model once both are prepared. ``id_bytes``: of an id, as Parquet stores it."""

    documents: int
    distinct: int
    queries: int
    dim: int
    id_bytes: float


@dataclass(frozen=True)
class File:
    """A file that the study writes; ``passing``: it is deleted again once the embeddings are complete."""

    path: Path
    bytes: float
    passing: bool = False


def files(outline: Outline, corpus: Corpus, folder: Path, runs: Path) -> Iterator[File]:
    """Yield the files of a dataset with a model: those that studies share in ``folder``, the study's own in ``runs``."""
    parts = f"of-{outline.parts:03d}.parquet"
    rows = corpus.documents / outline.parts
    for part in range(outline.parts):
        embeddings = parquet_floats(rows, corpus.dim) + rows * corpus.id_bytes
        yield File(folder / "embeddings" / f"part-{part:03d}-{parts}", embeddings)
        own = corpus.distinct / outline.parts
        yield File(folder / "embeddings" / f"distinct-{part:03d}-{parts}", parquet_floats(own, corpus.dim), passing=True)
    yield File(folder / "queries.parquet", parquet_floats(corpus.queries, corpus.dim))
    yield File(folder / "ids.parquet", corpus.documents * corpus.id_bytes)
    for name in dict.fromkeys([*outline.stores, *(method.codec for method in outline.methods.values())]):
        spec = outline.codecs[name]
        yield File(folder / "codecs" / name / "state.npz", state_bytes(spec, corpus.dim))
        if is_encoded(spec):
            for part in range(outline.parts):
                codes = parquet_codes(rows, spec, corpus.dim) + rows * corpus.id_bytes
                yield File(folder / "codecs" / name / f"part-{part:03d}-{parts}", codes)
    for name in outline.stores:
        spec = outline.codecs[name]
        store = corpus.documents * width(spec, corpus.dim) + centroid_bytes(spec, corpus.dim)
        yield File(folder / "stores" / (name + suffix(spec.family.family, "flat")), store)
    for name, method in outline.indexes.items():
        spec = outline.codecs[method.codec]
        index = index_bytes(method, spec, corpus)
        yield File(folder / "indexes" / (name + suffix(spec.family.family, method.index)), index)
    for name, method in outline.methods.items():
        yield File(runs / name / "candidates.parquet", candidate_bytes(method, outline.codecs[method.codec], corpus))
        values = len(outline.cells(name)) * outline.metrics * corpus.queries
        yield File(runs / name / "metrics.parquet", values * METRIC_BYTES)


def is_encoded(spec: CodecSpec) -> bool:
    """Whether a codec has codes of its own; the embeddings are plain float32's."""
    return spec.family.family != "float32" or bool(spec.transforms)


def quantized_dim(spec: CodecSpec, dim: int) -> int:
    """Return the dimensions that are left after a codec's transforms."""
    for transform in spec.transforms:
        dim = getattr(transform.parameters, "dim", dim)
    return dim


def width(spec: CodecSpec, dim: int) -> int:
    """Return the bytes of a code of a vector of ``dim`` dimensions, before the codec is fitted."""
    left = quantized_dim(spec, dim)
    match spec.family.family:
        case "rabitq":
            bits = spec.parameters.bits
            return -(-left // 8) + 8 if bits == 1 else -(-left // 8) + -(-left * (bits - 1) // 8) + 20
        case "pq":
            return -(-spec.parameters.pieces * spec.parameters.bits // 8)
        case "scaled-pq":
            return -(-spec.parameters.pieces * spec.parameters.bits // 8) + 2
        case _:
            return math.ceil(left * spec.bits / 8)


def centroid_bytes(spec: CodecSpec, dim: int) -> int:
    """Return the bytes of a product quantizer's centroids, which lie in its state and in its index."""
    if spec.family.family not in ("pq", "scaled-pq"):
        return 0
    return 4 * quantized_dim(spec, dim) << spec.parameters.bits


def state_bytes(spec: CodecSpec, dim: int) -> int:
    """Return the bytes of a codec's state: a matrix, where vectors are transformed, and centroids."""
    return (4 * dim * quantized_dim(spec, dim) if spec.transforms else 0) + centroid_bytes(spec, dim)


def parquet_floats(rows: float, dim: int) -> float:
    """Return the bytes of so many float32 vectors in Parquet.

    The first of each row group are written as a dictionary, of all different values, and numbers into it.
    """
    return rows * 4 * dim * ZSTD_FLOAT + _numbers(rows, dim, 4)


def parquet_codes(rows: float, spec: CodecSpec, dim: int) -> float:
    """Return the bytes of so many codes in Parquet, without ids."""
    family, left = spec.family.family, quantized_dim(spec, dim)
    if family == "float32":
        return parquet_floats(rows, left)
    bytes_per_vector = width(spec, dim)
    if family == "int8":
        return rows * bytes_per_vector * ZSTD_INT8
    return rows * bytes_per_vector + _numbers(rows, 1, bytes_per_vector)


def index_bytes(method: MethodOutline, spec: CodecSpec, corpus: Corpus) -> float:
    """Return the bytes of an index that is more than its codes, or holds them in another layout."""
    code = width(spec, corpus.dim)
    left = quantized_dim(spec, corpus.dim)
    if method.index == "hnsw":
        return corpus.documents * (code + graph_bytes(spec.family.family, method.build.get("connectivity", 16)))
    if method.index == "ivf":
        lists = min(corpus.documents, method.build.get("lists") or round(4 * corpus.documents**0.5))
        centroid = code if spec.family.family == "binary" else 4 * left
        return corpus.documents * (code + 8) + lists * (centroid + 8) + centroid_bytes(spec, corpus.dim)
    # fastscan: blocks of 32 codes, and 16 centroids of every piece: of bits, of each four dimensions
    return -(-corpus.documents // 32) * 32 * code + 16 * 4 * left


def graph_bytes(family: str, connectivity: int) -> float:
    """Return the bytes a vector of an HNSW graph: of its lowest layer, and of those above, which 1 in M − 1 is in.

    USearch has a key, a level and counts of neighbours; FAISS has a level, an offset and places left free.
    """
    lowest, above = 8 * connectivity, 4 * connectivity / (connectivity - 1)
    if family == "binary":
        return 12 + lowest + above * connectivity / 1
    return 16 + lowest + above * (connectivity + 1)


def candidate_bytes(method: MethodOutline, spec: CodecSpec, corpus: Corpus) -> float:
    """Return the bytes of the candidates of all queries, at each depth that is searched."""
    depths = method.depths[-1:] if method.exact else method.depths
    found = corpus.queries * sum(min(depth, corpus.documents) for depth in depths)
    row = math.log2(max(corpus.documents, 2)) / 8
    integers = method.scoring == "symmetric" and spec.family.family in ("binary", "int8")
    return found * (row + SCORE_BYTES["integer" if integers else "float"])


def _numbers(rows: float, per_row: int, value_bytes: int) -> float:
    """Return the bytes of numbers into dictionaries, for columns whose values are all different."""
    groups = max(1, math.ceil(rows / ROWS_PER_GROUP))
    numbered = min(rows * per_row / groups, DICTIONARY_BYTES / value_bytes)
    return groups * numbered * math.ceil(math.log2(max(numbered, 2))) / 8
