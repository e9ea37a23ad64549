"""Codecs and vectors that the tests of codecs and indexes share: a case of every family, plain and transformed."""

from functools import cache

import numpy as np
from threadpoolctl import threadpool_limits

from embquant.indexes import index_class, index_pairs
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import CODECS, parse_codec

threadpool_limits(1)  # as the steps that fit and encode have it; more threads than free cores take minutes

NAMED = [pair for pair in index_pairs() if pair[0] != "*" and not index_class(*pair).is_database]
INDEXED = [*NAMED, *((family, "flat") for family in CODECS.names() if (family, "flat") not in NAMED)]
"""Codec family and kind of every index of the library's own but databases; families without a flat index have that of
any codec."""

FLOAT32 = {"family": "float32"}
PQ = {"family": "pq", "pieces": 4}
SCALED_PQ = {"family": "scaled-pq", "pieces": 4}

PLAIN = {
    "float32": FLOAT32,
    "float16": {"family": "float16"},
    "bfloat16": {"family": "bfloat16"},
    "float8": {"family": "float8"},
    "int8": {"family": "int8"},
    "int8-percentile": {"family": "int8", "ranges": "percentile", "percentile": 99},
    "int8-symmetric": {"family": "int8", "ranges": "symmetric", "calibration": 100},
    "unit-int8": {"family": "unit-int8"},
    "scaled-int8": {"family": "scaled-int8"},
    "uint8": {"family": "uint8"},
    "int6": {"family": "int6"},
    "int4": {"family": "int4"},
    "binary": {"family": "binary"},
    "binary-mean": {"family": "binary", "threshold": "mean"},
    "binary-median": {"family": "binary", "threshold": "median"},
    **{f"rabitq-{bits}": {"family": "rabitq", "bits": bits} for bits in range(1, 9)},
    **{f"eden-{bits}": {"family": "eden", "bits": bits} for bits in (1, 2, 4, 8)},
    **{f"turboquant-{bits}": {"family": "turboquant", "bits": bits} for bits in (1, 2, 3, 4)},
    **{f"turboquant-{bits}-prod": {"family": "turboquant", "bits": bits, "variant": "prod"} for bits in (2, 4)},
    **{f"osq-{bits}": {"family": "osq", "bits": bits} for bits in (1, 2, 4, 7)},
    "pq": PQ,
    "pq-4-bits": {**PQ, "bits": 4},
    "scaled-pq": SCALED_PQ,
}
TRANSFORMED = {
    "float32-center": {**FLOAT32, "transform": "center"},
    "float32-truncate": {**FLOAT32, "transform": {"kind": "truncate", "dim": 20}},
    "float32-pca": {**FLOAT32, "transform": {"kind": "pca", "dim": 20}},
    "float16-rotation": {"family": "float16", "transform": "rotation"},
    "bfloat16-rotation": {"family": "bfloat16", "transform": "rotation"},
    "float8-rotation": {"family": "float8", "transform": "rotation"},
    "int8-pca": {"family": "int8", "transform": {"kind": "pca", "dim": 20}},
    "uint8-center": {"family": "uint8", "transform": "center"},
    "int6-rotation": {"family": "int6", "transform": "rotation"},
    "int4-truncate": {"family": "int4", "transform": {"kind": "truncate", "dim": 20}},
    "binary-itq": {"family": "binary", "transform": "itq"},
    "rabitq-rotation": {"family": "rabitq", "transform": "rotation"},
    "rabitq-truncate-rotation": {
        "family": "rabitq",
        "bits": 2,
        "transform": [{"kind": "truncate", "dim": 20}, "rotation"],
    },
    "eden-rotation": {"family": "eden", "transform": "rotation"},
    "turboquant-rotation": {"family": "turboquant", "transform": "rotation"},
    "osq-rotation": {"family": "osq", "transform": "rotation"},
    "int4-hadamard": {"family": "int4", "transform": "hadamard"},
    "int8-truncate-hadamard": {"family": "int8", "transform": [{"kind": "truncate", "dim": 20}, "hadamard"]},
    "pq-opq": {**PQ, "transform": {"kind": "opq", "pieces": 4, "iterations": 2}},
    "scaled-pq-allocation": {**SCALED_PQ, "transform": {"kind": "allocation", "pieces": 4}},
}
CASES = {**PLAIN, **TRANSFORMED}


INTEGERS = ("int8", "unit-int8")
"""Families whose codes only their own index scans, by queries of int8."""


def kinds_of_transforms(entry):
    """Return the kinds that a codec's entry names."""
    described = entry.get("transform", [])
    described = described if isinstance(described, list) else [described]
    return [one if isinstance(one, str) else one["kind"] for one in described]


def sample(*batches):
    return Batches(lambda: iter(batches), sum(map(len, batches)), batches[0].shape[1])


def fitted(entry, vectors):
    return parse_codec(entry).fit(sample(vectors))


@cache
def case(name):
    """Return the codec of a case, fitted on ``unit_vectors()``, which no test may change."""
    return fitted(CASES[name], unit_vectors())


def unit_vectors(rows=600, dim=32, seed=0):
    """Vectors as models make them: some dimensions vary more than others, and their mean is not zero."""
    vectors = np.random.default_rng(seed).standard_normal((rows, dim)) * np.linspace(1, 0.2, dim) + 0.05
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def repeated_for(queries, codes):
    """Return codes (rows, width) as candidates of each query."""
    return np.broadcast_to(codes, (len(queries), *codes.shape))


def dead_dimensions():
    vectors = unit_vectors(300)
    vectors[:, 3], vectors[:, -1] = 0.25, 0
    return vectors


def heavy_tails():
    vectors = np.random.default_rng(0).standard_t(2, (300, 32)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1).max()


def with_zero_vectors():
    vectors = unit_vectors(300)
    vectors[::7] = 0
    return vectors


HARD = {
    "dead dimensions": dead_dimensions,
    "heavy tails": heavy_tails,
    "zero vectors": with_zero_vectors,
    "one vector, repeated": lambda: np.tile(unit_vectors(1), (300, 1)),
    "nothing but zeros": lambda: np.zeros((300, 32), np.float32),
    "four corners": lambda: np.tile(np.eye(32, dtype=np.float32)[:4], (75, 1)),
}
