"""The tables of a study, one row a setting, from the measurements of its runs.

A run is one method on one dataset and model: a folder ``…/{dataset}/{model}/{method}`` with ``metrics.parquet``
(each query), ``speed.json`` and ``memory.json``. docs/columns.md is the dictionary of all columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from embquant.artifacts import open_parquet, read_json
from embquant.evaluation import INDEX_OVERLAP
from embquant.metrics import parse_metric

RUN = ["dataset", "model", "method"]
SETTING = ["rescore_store", "rescore_multiplier", "top_k"]
MEMORY = [
    "vectors",
    "dim",
    "bytes_per_vector",
    "vector_bytes",
    "index_file_bytes",
    "store_file_bytes",
    "compression_vs_float32",
    "resident_bytes",
    "mapped_bytes",
]
SPEED = [
    "threads",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "queries_per_second",
    "speedup_p50_vs_float32",
    "build_seconds",
    "peak_rss_bytes",
    "engine",
]

EMBEDDING = [
    "dataset",
    "model",
    "dim",
    "backend",
    "device",
    "threads",
    "query_latency_p50_ms",
    "query_latency_p95_ms",
    "query_latency_p99_ms",
    "documents_per_second",
]


@dataclass(frozen=True)
class Tables:
    """The reports of a study; ``summary`` joins the first three on their common columns."""

    retrieval: pd.DataFrame
    memory: pd.DataFrame
    speed: pd.DataFrame
    embedding: pd.DataFrame

    @cached_property
    def summary(self) -> pd.DataFrame:
        """All columns of all settings."""
        joined = self.retrieval.merge(self.speed, on=[*RUN, *SETTING], how="left")
        return joined.merge(self.memory, on=[*RUN, "rescore_store"], how="left")

    def named(self) -> dict[str, pd.DataFrame]:
        """All reports by the name of their file."""
        return {**{field.name: getattr(self, field.name) for field in fields(self)}, "summary": self.summary}


def read_tables(runs: Sequence[Path], embedding: Sequence[Path], baseline: str) -> Tables:
    """Read the measurements of ``runs``, and of ``embedding`` (…/{dataset}/{model}/embedding.json).

    ``baseline`` is the method that retentions refer to.
    """
    memory = _settings(runs, "memory.json")
    speed = _settings(runs, "speed.json")
    speed = speed.merge(memory[[*RUN, "rescore_store", "peak_rss_bytes"]], on=[*RUN, "rescore_store"], how="left")
    return Tables(
        retrieval=add_retention(pd.concat([_means(run) for run in runs], ignore_index=True), baseline),
        memory=memory[[*RUN, "rescore_store", *MEMORY]],
        speed=speed[[*RUN, *SETTING, *SPEED]],
        embedding=pd.DataFrame([_embedding(path) for path in embedding], columns=EMBEDDING),
    )


def add_retention(means: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Append ``retention_<metric>``: a judged metric over the baseline's at the same dataset, model and top_k."""
    judged = [name for name in means.columns if _is_judged(name)]
    reference = means[means["method"] == baseline].set_index(["dataset", "model", "top_k"])[judged]
    matching = reference.reindex(pd.MultiIndex.from_frame(means[["dataset", "model", "top_k"]]))
    retention = means[judged].div(matching.where(matching > 0).to_numpy())
    return means.join(retention.add_prefix("retention_"))


def _means(run: Path) -> pd.DataFrame:
    queries = open_parquet(run / "metrics.parquet").read().to_pandas()
    means = queries.drop(columns="query_id").groupby(SETTING, sort=False).mean().reset_index()
    means.insert(len(SETTING), "queries", queries.groupby(SETTING, sort=False).size().to_numpy())
    return _with_run(means, run)


def _settings(runs: Sequence[Path], file: str) -> pd.DataFrame:
    tables = []
    for run in runs:
        measured = read_json(run / file)
        settings = pd.DataFrame(measured["settings"])
        shared = {name: value for name, value in measured.items() if name in SPEED}
        tables.append(_with_run(settings.assign(**shared), run))
    return pd.concat(tables, ignore_index=True)


def _embedding(path: Path) -> dict[str, Any]:
    dataset, model = path.parts[-3:-1]
    return {"dataset": dataset, "model": model, **read_json(path)}


def _with_run(table: pd.DataFrame, run: Path) -> pd.DataFrame:
    for place, (name, value) in enumerate(zip(RUN, run.parts[-3:], strict=True)):
        table.insert(place, name, value)
    return table


def _is_judged(column: str) -> bool:
    return column not in [*RUN, *SETTING, "queries", INDEX_OVERLAP] and parse_metric(column).judged
