"""What was measured of a dataset and a model: every metric of every setting, per query."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from embquant.files.parquet import metadata_of, open_parquet
from embquant.measure.chance import LEAST_LIKELY
from embquant.measure.statistics import rounded
from embquant.report.measure import Measure
from embquant.report.numbers.spread import split_ties

RUN = ["dataset", "model", "method"]
SETTING = ["rescore_store", "rescore_multiplier", "top_k"]


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

    def by_top_k(self) -> Iterator["Measured"]:
        """Yield the settings that return equally many documents."""
        for rows in self.settings.groupby("top_k", sort=False).indices.values():
            metrics, over_ties = (
                {name: values[rows] for name, values in columns.items()} for columns in (self.metrics, self.over_ties)
            )
            yield Measured(self.settings.iloc[rows], metrics, self.baseline_p, over_ties)

    def compared_metrics(self) -> tuple[str, list[str]]:
        """Return what settings are compared in: quality, by the first judged metric; without one, agreement."""
        known = [Measure.of_metric(name) for name, values in self.metrics.items() if not np.isnan(values).any()]
        measures = [measure for measure in known if measure is not None]
        judged = [measure.metric for measure in measures if measure.is_retention]
        overlaps = [measure.metric for measure in measures if measure.is_overlap]
        rbo = [measure.metric for measure in measures if measure.metric == "rbo"]
        return ("quality", judged[:1]) if judged else ("agreement", overlaps[:1] + rbo)


def read_measured(runs: Sequence[Path]) -> Measured:
    """Read what was measured of all methods on one dataset and model.

    A row group of metrics.parquet is a setting; the queries are in the same order in all. Values are rounded, so that
    those that differ by the order of a sum don't count as different.
    """
    settings: list[list[Any]] = []
    metrics: dict[str, list[np.ndarray]] = {}
    p: list[object] = []
    for run in runs:
        file = open_parquet(run / "metrics.parquet", ["query_id", *SETTING])
        p.append(metadata_of(run / "metrics.parquet", file).get("baseline_p"))
        for number in range(file.num_row_groups):
            table = file.read_row_group(number)
            keys = (table.column(name)[0].as_py() for name in SETTING)
            settings.append([*run.parts[-3:], *keys, table.num_rows])
            for name in table.drop_columns(["query_id", *SETTING]).column_names:
                metrics.setdefault(name, []).append(table.column(name).to_numpy())
    stacked, over_ties = split_ties({name: rounded(np.stack(rows)) for name, rows in metrics.items()})
    known = next((value for value in p if isinstance(value, float)), None)
    return Measured(pd.DataFrame(settings, columns=[*RUN, *SETTING, "queries"]), stacked, known, over_ties)
