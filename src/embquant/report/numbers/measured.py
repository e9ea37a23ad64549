"""What was measured of a dataset and a model: every metric of every setting, per query."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from embquant.files.parquet import open_parquet, read_metadata
from embquant.measure.chance import LEAST_LIKELY
from embquant.measure.evaluation import DOCUMENTS, PROJECTED_FROM
from embquant.measure.statistics import rounded
from embquant.report.measure import Measure, deciding
from embquant.report.numbers.spread import split_ties

RUN = ["dataset", "model", "method"]
SETTING = ["rescore_store", "rescore_multiplier", "top_k"]


def dimensions(rows: pd.DataFrame, baseline: str) -> int:
    """Return the dimensions of a model's vectors, from ``rows`` of a summary: other methods may search shorter ones."""
    return int(rows.loc[rows["method"] == baseline, "dim"].iloc[0])


@dataclass(frozen=True)
class Measured:
    """Settings of one dataset and model; ``metrics`` are float64 (settings, queries), NaN where there is none.

    ``over_ties`` are likewise the columns of judged metrics over all orders of ties: ``…_expected`` and so on.
    ``baseline_p`` is how likely the baseline's quality is by chance; None where nothing is judged.
    """

    settings: pd.DataFrame
    metrics: dict[str, np.ndarray]
    baseline_p: float | None
    over_ties: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def at_chance(self) -> bool:
        """Whether the baseline isn't distinguishable from chance, so that a share of its quality says nothing."""
        return self.baseline_p is not None and self.baseline_p > LEAST_LIKELY

    def at(self, rows: np.ndarray) -> "Measured":
        """Return the settings in ``rows`` alone."""
        metrics, over_ties = (
            {name: values[rows] for name, values in columns.items()} for columns in (self.metrics, self.over_ties)
        )
        return Measured(self.settings.iloc[rows], metrics, self.baseline_p, over_ties)

    def by_top_k(self) -> Iterator["Measured"]:
        """Yield the settings that return equally many documents."""
        for rows in self.settings.groupby("top_k", sort=False).indices.values():
            yield self.at(rows)

    def at_top_k(self, top_k: int) -> "Measured":
        """Return the settings that return ``top_k`` documents, numbered from 0."""
        found = self.at(np.flatnonzero(self.settings["top_k"] == top_k))
        return replace(found, settings=found.settings.reset_index(drop=True))

    def compared(self) -> tuple[Measure, "Measured"] | None:
        """Return the measure that counts most, and the settings at the least top_k that has it; None without one."""
        found = []
        for group in self.by_top_k():
            measure = deciding(group.compared_metrics()[1])
            if measure is not None:
                found.append((not measure.is_retention, group.settings["top_k"].iloc[0], measure, group))
        return min(found, key=lambda candidate: candidate[:2])[2:] if found else None

    def compared_metrics(self) -> tuple[str, list[str]]:
        """Return what settings are compared in: quality, by the first judged metric; without one, agreement."""
        known = [Measure.of_metric(name) for name, values in self.metrics.items() if not np.isnan(values).any()]
        measures = [measure for measure in known if measure is not None]
        judged = [measure.metric for measure in measures if measure.is_retention]
        overlaps = [measure.metric for measure in measures if measure.is_overlap]
        rbo = [measure.metric for measure in measures if measure.metric == "rbo"]
        return ("quality", judged[:1]) if judged else ("agreement", overlaps[:1] + rbo)


def read_measured(runs: Sequence[Path], name: str = "metrics.parquet") -> Measured:
    """Read what was measured of all methods on one dataset and model, from the files ``name`` of their runs.

    A row group of such a file is a setting; the queries are in the same order in all. Values are rounded, so that
    those that differ by the order of a sum don't count as different.
    """
    return _measured([row for run in runs for row in _settings(run, name)], runs)


def read_landmark(path: Path) -> Measured:
    """Read what was measured of BM25 on a dataset, from a file of metrics; its settings differ in ``top_k`` alone."""
    return _measured(list(_settings(path.parent, path.name)), [])


@dataclass(frozen=True)
class Grown:
    """What was ``measured`` by number of documents, and what is ``projected`` from the corpus, by its own number first.

    ``factors`` say how many times as many documents without judgements the projected sizes have.
    """

    measured: dict[int, Measured]
    projected: dict[int, Measured]
    factors: dict[int, float]


def read_growth(runs: Sequence[Path]) -> Grown:
    """Read what was measured of all methods in the subsets of a dataset and in all of it, and what is projected.

    A row group of growth.parquet has the settings in one of them.
    """
    rows: dict[tuple[bool, int], list[tuple[list[Any], pa.Table]]] = {}
    factors: dict[int, float] = {}
    for run in runs:
        noted = read_metadata(run / "growth.parquet").get("factors", {})
        factors |= {int(documents): factor for documents, factor in noted.items()}
        for settings, table in _settings(run, "growth.parquet"):
            is_projected = table.column(PROJECTED_FROM)[0].is_valid
            key = (is_projected, table.column(DOCUMENTS)[0].as_py())
            rows.setdefault(key, []).append((settings, table.drop_columns([DOCUMENTS, PROJECTED_FROM])))
    measured, projected = (
        {documents: _measured(rows[of, documents], runs) for of, documents in sorted(rows) if of == kind}
        for kind in (False, True)
    )
    return Grown(measured, projected, factors)


def _settings(run: Path, name: str) -> Iterator[tuple[list[Any], pa.Table]]:
    """Yield each setting of a run's file, and its other columns; a row group has all queries of one or more."""
    file = open_parquet(run / name, ["query_id", *SETTING])
    for number in range(file.num_row_groups):
        group = file.read_row_group(number)
        queries = len(group.column("query_id").unique())
        for first in range(0, group.num_rows, queries):
            table = group.slice(first, queries)
            keys = (table.column(name)[0].as_py() for name in SETTING)
            yield [*run.parts[-3:], *keys, queries], table.drop_columns(["query_id", *SETTING])


def _measured(rows: Sequence[tuple[list[Any], pa.Table]], runs: Sequence[Path]) -> Measured:
    """Join settings; the baseline among ``runs`` says how likely its quality is by chance."""
    metrics: dict[str, list[np.ndarray]] = {}
    for _, table in rows:
        for name in table.column_names:
            metrics.setdefault(name, []).append(table.column(name).to_numpy())
    stacked, over_ties = split_ties({name: rounded(np.stack(values)) for name, values in metrics.items()})
    p = (read_metadata(run / "metrics.parquet").get("baseline_p") for run in runs)
    known = next((value for value in p if isinstance(value, float)), None)
    settings = pd.DataFrame([setting for setting, _ in rows], columns=[*RUN, *SETTING, "queries"])
    return Measured(settings, stacked, known, over_ties)
