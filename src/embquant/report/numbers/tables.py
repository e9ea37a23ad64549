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

from embquant.files.atomic import read_json
from embquant.report.numbers.significance import RUN, SETTING, Analysis, Chance

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
    significance: pd.DataFrame
    macro: pd.DataFrame

    @cached_property
    def summary(self) -> pd.DataFrame:
        """All columns of all settings."""
        joined = self.retrieval.merge(self.speed, on=[*RUN, *SETTING], how="left")
        return joined.merge(self.memory, on=[*RUN, "rescore_store"], how="left")

    def named(self) -> dict[str, pd.DataFrame]:
        """All reports by the name of their file."""
        return {**{field.name: getattr(self, field.name) for field in fields(self)}, "summary": self.summary}


def read_tables(runs: Sequence[Path], embedding: Sequence[Path], baseline: str, chance: Chance) -> Tables:
    """Read the measurements of ``runs``, and of ``embedding`` (…/{dataset}/{model}/embedding.json).

    ``baseline`` is the method that retentions refer to and others are compared with; ``chance`` says how.
    """
    memory = _settings(runs, "memory.json")
    speed = _settings(runs, "speed.json")
    speed = speed.merge(memory[[*RUN, "rescore_store", "peak_rss_bytes"]], on=[*RUN, "rescore_store"], how="left")
    analysis = Analysis.of(runs, baseline, chance)
    return Tables(
        retrieval=analysis.retrieval(),
        memory=memory[[*RUN, "rescore_store", *MEMORY]],
        speed=speed[[*RUN, *SETTING, *SPEED]],
        embedding=pd.DataFrame([_embedding(path) for path in embedding], columns=EMBEDDING),
        significance=analysis.comparisons(),
        macro=analysis.macro(),
    )


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
