"""What a study's files will take on disk: every formula, in one place.

Constants were read from the files of the default study, whose sum they give to 2.5 %; tests/workflow/test_plan.py holds
the sum to 10 % of what another study writes. Files of a few kB (manifests, timings, logs) and the reports are left out.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embquant.entries import read_entry
from embquant.files.parquet import ROWS_PER_GROUP
from embquant.indexes import index_class
from embquant.quantize.codecs import CodecSpec
from embquant.study.outline import MethodOutline, Outline

DICTIONARY_BYTES = 1 << 20
"""Bytes of different values of a column in a row group that Parquet numbers (Arrow's default); others are plain."""
ZSTD_FLOAT = 0.93
"""What zstd leaves of float32 embeddings: their exponents repeat, their mantissas don't."""
SCORE_BYTES = 8.3
"""What a candidate's score takes in Parquet at most: sums in float64 are all different. Integers take less."""
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
        yield File(folder / "codecs" / name / "state.npz", spec.state_bytes(corpus.dim))
        if spec.is_encoded:
            for part in range(outline.parts):
                codes = parquet_codes(rows, spec, corpus.dim) + rows * corpus.id_bytes
                yield File(folder / "codecs" / name / f"part-{part:03d}-{parts}", codes)
    for name in outline.stores:
        spec = outline.codecs[name]
        file = folder / "stores" / (name + index_class(spec.family.family, "flat").suffix)
        yield File(file, index_bytes("flat", {}, spec, corpus))
    for name, method in outline.indexes.items():
        spec = outline.codecs[method.codec]
        file = folder / "indexes" / (name + index_class(spec.family.family, method.index).suffix)
        yield File(file, index_bytes(method.index, method.build, spec, corpus))
    for name, method in outline.methods.items():
        yield File(runs / name / "candidates.parquet", candidate_bytes(method, corpus))
        values = len(outline.cells(name)) * outline.metrics * corpus.queries
        yield File(runs / name / "metrics.parquet", values * METRIC_BYTES)


def parquet_floats(rows: float, dim: int) -> float:
    """Return the bytes of so many float32 vectors in Parquet.

    The first of each row group are written as a dictionary, of all different values, and numbers into it.
    """
    return rows * 4 * dim * ZSTD_FLOAT + _numbers(rows, dim, 4)


def parquet_codes(rows: float, spec: CodecSpec, dim: int) -> float:
    """Return the bytes of so many codes in Parquet, without ids."""
    if spec.family.family == "float32":
        return parquet_floats(rows, spec.quantized_dim(dim))
    bytes_per_vector = spec.code_bytes(dim)
    return rows * bytes_per_vector + _numbers(rows, 1, bytes_per_vector)


def index_bytes(kind: str, build: Mapping[str, Any], spec: CodecSpec, corpus: Corpus) -> float:
    """Return the bytes of an index of some ``kind`` that was built with ``build``, or of a plain store (flat)."""
    index = index_class(spec.family.family, kind)
    parameters = read_entry(index.build_parameters, build, f"build of {kind}")
    return index.file_bytes(corpus.documents, spec, corpus.dim, parameters)


def candidate_bytes(method: MethodOutline, corpus: Corpus) -> float:
    """Return the bytes of the candidates of all queries, at each depth that is searched, at most."""
    depths = method.depths[-1:] if method.exact else method.depths
    found = corpus.queries * sum(min(depth, corpus.documents) for depth in depths)
    return found * (math.ceil(math.log2(max(corpus.documents, 2))) / 8 + SCORE_BYTES)


def _numbers(rows: float, per_row: int, value_bytes: int) -> float:
    """Return the bytes of numbers into dictionaries, for columns whose values are all different."""
    groups = max(1, math.ceil(rows / ROWS_PER_GROUP))
    numbered = min(rows * per_row / groups, DICTIONARY_BYTES / value_bytes)
    return groups * numbered * math.ceil(math.log2(max(numbered, 2))) / 8
