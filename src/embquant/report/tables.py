"""The tables of a study, one row a setting, from the measurements of its runs.

A run is one method on one dataset and model: a folder ``…/{dataset}/{model}/{method}`` with ``metrics.parquet``
(each query), ``speed.json`` and ``memory.json``. docs/columns.md is the dictionary of all columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from embquant.artifacts import open_parquet, read_json
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


@dataclass(frozen=True)
class Tables:
    """The reports of a study; ``summary`` joins the other three on their common columns."""

    retrieval: pd.DataFrame
    memory: pd.DataFrame
    speed: pd.DataFrame

    @property
    def summary(self) -> pd.DataFrame:
        """All columns of all settings."""
        joined = self.retrieval.merge(self.speed, on=[*RUN, *SETTING], how="left")
        return joined.merge(self.memory, on=[*RUN, "rescore_store"], how="left")


def read_tables(runs: Sequence[Path], baseline: str) -> Tables:
    """Read the measurements of ``runs``; ``baseline`` is the method that retentions refer to."""
    memory = _settings(runs, "memory.json")
    speed = _settings(runs, "speed.json")
    speed = speed.merge(memory[[*RUN, "rescore_store", "peak_rss_bytes"]], on=[*RUN, "rescore_store"], how="left")
    return Tables(
        retrieval=add_retention(pd.concat([_means(run) for run in runs], ignore_index=True), baseline),
        memory=memory[[*RUN, "rescore_store", *MEMORY]],
        speed=speed[[*RUN, *SETTING, *SPEED]],
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


def _with_run(table: pd.DataFrame, run: Path) -> pd.DataFrame:
    for place, (name, value) in enumerate(zip(RUN, run.parts[-3:], strict=True)):
        table.insert(place, name, value)
    return table


def _is_judged(column: str) -> bool:
    return column not in [*RUN, *SETTING, "queries"] and parse_metric(column).judged
