"""What a study's files will take on disk: every formula, in one place.

Constants were read from the files of the default study, whose sum they give to 2.5 %; tests/workflow/test_plan.py holds
the sum to 10 % of what another study writes. Files of a few kB (manifests, timings, logs) and the reports are left out.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embquant.files.parquet import ROWS_PER_GROUP
from embquant.indexes import suffix
from embquant.quantize.codecs import CodecSpec
from embquant.study.outline import MethodOutline, Outline

DICTIONARY_BYTES = 1 << 20
"""Bytes of different values of a column in a row group that Parquet numbers (Arrow's default); others are plain."""
ZSTD_FLOAT = 0.93
"""What zstd leaves of float32 embeddings: their exponents repeat, their mantissas don't."""
ZSTD_INT8 = 0.87
"""What zstd leaves of int8 codes, most of which are near the middle of their range."""
SCORE_BYTES = 8.3
"""What a candidate's score takes in Parquet: sums in float64 are all different, and many are numbered all the same."""
INTEGER_SCORE_BYTES = {"int8": 2.4, "binary": 0.2}
"""The same where scores are integers, of which there are fewer."""
FASTSCAN_SCORE_BYTES = 4.2
"""The same of sums of products that were rounded to 8 bits."""
METRIC_BYTES = 1.3
"""What a query's value of one metric takes: most are one of a few."""


@dataclass(frozen=True)
class Corpus:
    """What is known of a dataset with a model once both are prepared.

    ``distinct``: different texts; ``embedded``: vectors that are computed or, of precomputed ones, looked up for all
    rows; ``id_bytes``: of an id, as Parquet stores it.
    """

    documents: int
    distinct: int
    embedded: int
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
    """Yield the files of a dataset with a model: those that studies share in ``folder``, its own in ``runs``."""
    parts = f"of-{outline.parts:03d}.parquet"
    rows = corpus.documents / outline.parts
    for part in range(outline.parts):
        embeddings = parquet_floats(rows, corpus.dim) + rows * corpus.id_bytes
        yield File(folder / "embeddings" / f"part-{part:03d}-{parts}", embeddings)
        own = corpus.embedded / outline.parts
        yield File(
            folder / "embeddings" / f"distinct-{part:03d}-{parts}", parquet_floats(own, corpus.dim), passing=True
        )
    yield File(folder / "queries.parquet", parquet_floats(corpus.queries, corpus.dim))
    for name in dict.fromkeys([*outline.stores, *(method.codec for method in outline.methods.values())]):
        spec = outline.codecs[name]
        yield File(folder / "codecs" / name / "state.npz", state_bytes(spec, corpus.dim))
        if is_encoded(spec):
            for part in range(outline.parts):
                codes = parquet_codes(rows, spec, corpus.dim) + rows * corpus.id_bytes
                yield File(folder / "codecs" / name / f"part-{part:03d}-{parts}", codes)
    for name in outline.stores:
        spec = outline.codecs[name]
        file = folder / "stores" / (name + suffix(spec.family.family, "flat"))
        yield File(file, index_bytes("flat", {}, spec, corpus))
    for name, method in outline.indexes.items():
        spec = outline.codecs[method.codec]
        file = folder / "indexes" / (name + suffix(spec.family.family, method.index))
        yield File(file, index_bytes(method.index, method.build, spec, corpus))
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


def index_bytes(kind: str, build: Mapping[str, Any], spec: CodecSpec, corpus: Corpus) -> float:
    """Return the bytes of an index of some ``kind`` that was built with ``build``, or of a plain store (flat)."""
    family = spec.family.family
    code, left = width(spec, corpus.dim), quantized_dim(spec, corpus.dim)
    match kind:
        case "flat":
            return corpus.documents * code + (centroid_bytes(spec, corpus.dim) if family == "pq" else 0)
        case "hnsw":
            return corpus.documents * (code + graph_bytes(family, build.get("connectivity", 16)))
        case "ivf":
            lists = list_count(build, corpus)
            centroid = code if family == "binary" else 4 * left
            return corpus.documents * (code + 8) + lists * (centroid + 8) + centroid_bytes(spec, corpus.dim)
        case _:  # fastscan: blocks of 32 codes, and 16 centroids of every piece; of bits, a piece is four dimensions
            return -(-corpus.documents // 32) * 32 * code + 16 * 4 * left


def graph_bytes(family: str, connectivity: int) -> float:
    """Return the bytes a vector of an HNSW graph takes, beside its code.

    It has 2·M places for neighbours in the lowest layer and M in each of those above, of which it is in 1 / (M − 1) on
    average. USearch adds a key, a level and counts of neighbours (16 bytes), FAISS a level and an offset (12).
    """
    lowest, above = 8 * connectivity, 4 / (connectivity - 1)
    if family == "binary":
        return 12 + lowest + above * connectivity
    return 16 + lowest + above * (connectivity + 1)


def candidate_bytes(method: MethodOutline, spec: CodecSpec, corpus: Corpus) -> float:
    """Return the bytes of the candidates of all queries, at each depth that is searched."""
    depths = method.depths[-1:] if method.exact else method.depths
    reached: float = corpus.documents
    if method.index == "ivf":
        reached *= min(1.0, method.search.get("nprobe", 8) / list_count(method.build, corpus))
    found = corpus.queries * sum(min(depth, reached) for depth in depths)
    family = spec.family.family
    row = math.ceil(math.log2(max(corpus.documents, 2))) / 8
    if method.index == "fastscan":
        return found * (row + FASTSCAN_SCORE_BYTES)
    is_float = family not in INTEGER_SCORE_BYTES or (family == "binary" and method.scoring == "asymmetric")
    return found * (row + (SCORE_BYTES if is_float else INTEGER_SCORE_BYTES[family]))


def list_count(build: Mapping[str, Any], corpus: Corpus) -> int:
    """Return the number of inverted lists, as the index chooses it."""
    return min(corpus.documents, build.get("lists") or round(4 * corpus.documents**0.5))


def _numbers(rows: float, per_row: int, value_bytes: int) -> float:
    """Return the bytes of numbers into dictionaries, for columns whose values are all different."""
    groups = max(1, math.ceil(rows / ROWS_PER_GROUP))
    numbered = min(rows * per_row / groups, DICTIONARY_BYTES / value_bytes)
    return groups * numbered * math.ceil(math.log2(max(numbered, 2))) / 8
