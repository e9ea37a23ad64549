"""What reports print for databases, of every kind of setting."""

from pathlib import Path

import yaml

from embquant.report.databases import DATABASES, answers
from embquant.study.study import Study

NAMES = [database.name for database in DATABASES]
FAMILIES = ["float32", "float16", "bfloat16", "float8", "int8", "unit-int8", "scaled-int8", "uint8", "int6", "int4"]
CODECS = {
    **{family: {"family": family} for family in FAMILIES},
    "binary": {"family": "binary"},
    "signs-of-mean": {"family": "binary", "threshold": "mean"},
    "rotated": {"family": "binary", "transform": ["center", {"kind": "pca", "dim": 192}]},
    **{f"{family}-{bits}": {"family": family, "bits": bits} for family in ("rabitq", "eden") for bits in (1, 2, 4)},
    **{f"turboquant-{bits}": {"family": "turboquant", "bits": bits} for bits in (1, 2, 4)},
    **{f"osq-{bits}": {"family": "osq", "bits": bits} for bits in (1, 2, 4, 7)},
    "pq": {"family": "pq", "pieces": 48},
    "pq-4-bits-odd": {"family": "pq", "pieces": 3, "bits": 4},
    "scaled-pq": {"family": "scaled-pq", "pieces": 50},
}
GRAPHS = {f"{codec}-hnsw": {"codec": codec, "index": "hnsw"} for codec in ("float32", "int8", "binary")}
LISTS = {f"{codec}-ivf": {"codec": codec, "index": "ivf"} for codec in ("float32", "pq", "binary")}
METHODS = {
    **{codec: {"codec": codec, "index": "flat"} for codec in CODECS},
    "float-query": {"codec": "binary", "index": "flat", "scoring": "asymmetric"},
    "centred": {"codec": "rotated", "index": "flat", "scoring": "asymmetric"},
    **GRAPHS,
    **LISTS,
}


ROOT = Path(__file__).parents[2]


def shipped(top_k=10):
    """The study of config/databases.yaml, and the settings of its methods."""
    made = Study.read(yaml.safe_load((ROOT / "config" / "databases.yaml").read_text("utf-8")))
    return made, [
        (method, setting(name, found.store, found.multiplier) | {"top_k": top_k})
        for name, method in made.methods.items()
        for found in method.settings
    ]


def study(**methods):
    config = {"study": "x", "datasets": {"a": {"source": "python-stdlib"}}, "models": {"m": {"name": "a-model"}}}
    return Study.read({**config, "codecs": CODECS, "methods": {**METHODS, **methods}})


def setting(method, store="none", multiplier=1):
    return {"method": method, "rescore_store": store, "rescore_multiplier": multiplier, "top_k": 10}


def asked(method, store="none", multiplier=1, made_up=None):
    found = answers(setting(method, store, multiplier), made_up or study(), (10_000, 384))
    return dict(zip(NAMES, found, strict=True))
