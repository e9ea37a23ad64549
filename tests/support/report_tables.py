"""Small studies with figures made up so that the answer is known."""

import pandas as pd

from embquant.study.study import Study

BYTES = {"float32": 400, "int8": 100, "binary": 12}

CONFIG = {
    "study": "made-up",
    "datasets": {"a": {"source": "python-stdlib"}},
    "models": {"m": {"name": "a-model"}},
    "baseline": "float32",
    "codecs": {name: {"family": name} for name in BYTES},
    "methods": {
        **{name: {"codec": name, "index": "flat", "build": {}, "search": {}} for name in BYTES},
        "graph": {"codec": "int8", "index": "hnsw", "build": {}, "search": {}},
    },
    "rescore": {"stores": ["int8", "float32"], "multipliers": [2, 4]},
    "prices": {
        "memory": {"usd_per_gb_month": 4, "source": "a cloud"},
        "disk": {"usd_per_gb_month": 0.5, "source": "another"},
    },
    "requirements": {"min_retention": 0.99},
}


def study(methods=None, prices=None, **requirements):
    """The study with these requirements, and further ``methods``."""
    config = {**CONFIG, "requirements": {"min_retention": 0.99, **requirements}}
    config |= {"methods": {**CONFIG["methods"], **(methods or {})}, "prices": prices or CONFIG["prices"]}
    return Study.read(config)


def setting(method, store="none", multiplier=1, kept=1.0, low=None, p95=1.0, **others):
    """One row of a summary: 1,000 vectors; headers of 10 bytes, and a graph of as many bytes as its codes."""
    size = BYTES["int8" if method == "graph" else method]
    return {
        "dataset": "a",
        "model": "m",
        "method": method,
        "rescore_store": store,
        "rescore_multiplier": multiplier,
        "top_k": 10,
        "queries": 300,
        "nDCG@10": None if kept is None else 0.5 * kept,
        "baseline_p": 0.005,
        "compared_in": "nDCG@10",
        "retention_nDCG@10": kept,
        "retention_nDCG@10_low": kept if low is None else low,
        "overlap@10": 0.5,
        "overlap@10_low": 0.5,
        "vectors": 1000,
        "dim": 100,
        "bytes_per_vector": size,
        "index_file_bytes": 200_000 if method == "graph" else 1000 * size + 10,
        "store_file_bytes": 0 if store == "none" else 1000 * BYTES[store] + 10,
        "threads": 2,
        "engine": "faiss",
        "latency_p95_ms": p95,
        "queries_per_second": 100.0,
        **others,
    }


def summary(*settings):
    """Settings as a table."""
    return pd.DataFrame(settings)
