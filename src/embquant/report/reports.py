"""The reports in a study's folder, as its page, tables and figures read them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from embquant.errors import InputError
from embquant.files.atomic import read_json
from embquant.files.parquet import open_parquet
from embquant.files.records import Record
from embquant.measure.statistics import rounded
from embquant.report.csv_files import read_csv
from embquant.report.measure import Measure
from embquant.report.numbers.cost import priced
from embquant.report.numbers.measured import SETTING
from embquant.report.numbers.quality import KEPT, all_datasets, decisive, in_summary, pareto, with_quality
from embquant.report.numbers.recommendation import CHOICE, EVERY
from embquant.report.tables import TABLES
from embquant.study import NO_STORE
from embquant.study.study import Study

AVERAGED = [
    *("bytes_per_vector", "memory_bytes_per_vector", "usd_per_month"),
    *("latency_p50_ms", "latency_p95_ms", "queries_per_second"),
]
"""Columns that are averaged over datasets."""


@dataclass(frozen=True)
class Scope:
    """Settings that are shown together: those of ``model`` on ``dataset``, or on all, where their figures are means.

    ``where`` names the dataset, or all of them, to a reader. ``settings`` are those at the ``top_k`` that decides, with
    the columns of :attr:`Reports.summary`.
    """

    dataset: str
    where: str
    model: str
    measure: Measure
    top_k: int
    baseline: str
    settings: pd.DataFrame

    @property
    def name(self) -> str:
        """Name of the scope in file names."""
        return file_name(f"{self.dataset}-{self.model}")

    @property
    def title(self) -> str:
        """Name of the scope to a reader."""
        return f"{self.where} · {self.model}"

    def listed(self) -> pd.DataFrame:
        """Return the settings that figures of all methods show: the summary's, and those that none surpasses."""
        settings = self.settings
        return settings[(settings["in_summary"] | settings["pareto"]) & settings["kept"].notna()]

    def notable(self, count: int) -> pd.DataFrame:
        """Return at most ``count`` settings besides the baseline: those that none surpasses, then unrescored ones."""
        others = self.settings[(self.settings["method"] != self.baseline) & self.settings["kept"].notna()]
        rank = pd.Series(2, others.index).mask(others["rescore_store"] == NO_STORE, 1).mask(others["pareto"], 0)
        chosen = others.loc[rank[rank < 2].sort_values(kind="stable").index[:count]]
        return chosen.sort_index()


@dataclass(frozen=True)
class Reports:
    """The reports of a study in ``folder``, results/reports/{study}; ``provenance`` is what provenance.json says."""

    folder: Path
    provenance: dict[str, Any]
    _tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Open the reports in ``folder``; a study that hasn't run is an InputError."""
        if folder.is_file():
            raise InputError(f"{folder}: a file; expected a folder of reports, such as results/reports/default")
        return cls(folder, read_json(_written(folder / "provenance.json")))

    @cached_property
    def study(self) -> Study:
        """The study."""
        return Study.read(self.provenance["config"], str(self.folder / "provenance.json"))

    @property
    def datasets(self) -> list[str]:
        """The datasets that the study reports on."""
        return list(self.summary["dataset"].unique())

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of :data:`TABLES`, with the ``setting`` of each row; an optional one may be empty."""
        if name not in self._tables:
            self._tables[name] = self._read(name)
        return self._tables[name]

    @cached_property
    def summary(self) -> pd.DataFrame:
        """All settings.

        The columns of summary.csv; ``setting``, its name; ``measure``, ``kept``, ``kept_low`` and ``kept_high``;
        ``memory_bytes_per_vector``, ``usd_per_month``; and ``in_summary``, whether summary.txt lists it.
        """
        summary = with_quality(self.table("summary"))
        cost = priced(summary, self.study)[["memory_bytes_per_vector", "usd_per_month"]]
        listed = in_summary(summary, self.study.config.rescore.multipliers).index
        return summary.join(cost).assign(in_summary=summary.index.isin(listed))

    @cached_property
    def scopes(self) -> list[Scope]:
        """For each model all datasets together, where there are several, then each dataset."""
        return [scope for _, rows in self.summary.groupby("model", sort=False) for scope in self._scopes(rows)]

    def differences(self, scope: Scope, settings: pd.DataFrame) -> dict[str, np.ndarray]:
        """Return, for each of ``settings`` by name, its values per query minus the baseline's, float64 (queries,)."""
        runs = self.folder / "runs" / scope.dataset / scope.model
        reference = _values(runs / scope.baseline, (NO_STORE, 1, scope.top_k), scope.measure.metric)
        return {
            row["setting"]: rounded(
                _values(runs / row["method"], tuple(row[SETTING]), scope.measure.metric) - reference
            )
            for _, row in settings.iterrows()
        }

    def _read(self, name: str) -> pd.DataFrame:
        path = self.folder / f"{name}.csv"
        if TABLES[name].optional and not path.is_file():
            return pd.DataFrame()
        try:
            table = read_csv(_written(path))
        except pd.errors.EmptyDataError:
            return pd.DataFrame()  # a study of precomputed embeddings alone times no model
        return with_setting_name(table) if "rescore_multiplier" in table else table

    def _scopes(self, rows: pd.DataFrame) -> Iterator[Scope]:
        datasets = list(rows["dataset"].unique())
        if len(datasets) > 1:
            judged = decisive(rows)
            where = f"mean over {all_datasets(judged['dataset'].nunique(), len(datasets))}"
            yield self._scope(EVERY, where, judged, self._means(judged))
        for dataset in datasets:
            judged = decisive(rows[rows["dataset"] == dataset])
            yield self._scope(dataset, dataset, judged, judged)

    def _scope(self, dataset: str, where: str, rows: pd.DataFrame, settings: pd.DataFrame) -> Scope:
        first = rows.iloc[0]
        measure, top_k = Measure.of_settings(first["measure"]), int(first["top_k"])
        return Scope(dataset, where, first["model"], measure, top_k, self.study.config.baseline, settings)

    def _means(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return means over datasets of settings that are measured on each; intervals and verdicts are macro.csv's."""
        groups = rows.groupby(CHOICE, sort=False)
        kept = groups[KEPT].mean().assign(kept_low=np.nan, kept_high=np.nan)
        shared = groups[["model", "top_k", "setting", "in_summary"]].first()
        means = shared.join(groups[[name for name in AVERAGED if name in rows]].mean()).join(kept)
        means = means[groups["dataset"].nunique() == rows["dataset"].nunique()].assign(dataset=EVERY)
        first = rows.iloc[0]
        measure = Measure.of_settings(first["measure"])
        macro = self.table("macro")
        macro = macro[(macro["model"] == first["model"]) & (macro["top_k"] == first["top_k"])]
        macro = macro[macro["metric"] == measure.metric].set_index(CHOICE).reindex(means.index)
        column = "retention" if measure.is_retention else "mean"
        for end in ("", "_low", "_high"):
            means[f"kept{end}"] = macro[f"{column}{end}"].fillna(means[f"kept{end}"])
        more = [macro["losses"] > macro["wins"], macro["wins"] > macro["losses"]]
        verdicts = pd.Series(np.select(more, ["worse", "better"], "noise"), means.index)
        means["verdict"] = verdicts.where(macro["datasets"].notna())
        means["pareto"] = pareto(means["usd_per_month"], means["kept"])
        means = means.reset_index()
        means.loc[means["method"] == self.study.config.baseline, "verdict"] = None
        return means


def _written(path: Path) -> Path:
    """Return the path of a report; one that was never written is an InputError."""
    if not path.is_file() and Record.of(path) is None:
        raise InputError(f"{path}: no such file; run the study first")
    return path


def file_name(name: str) -> str:
    """Return a name as a part of file names: lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9-]+", "-", name.lower())


def with_setting_name(table: pd.DataFrame) -> pd.DataFrame:
    """Append ``setting``: the method, and what its candidates are rescored with."""
    rescored = table["method"].astype(str) + " + " + table["rescore_store"].astype(str)
    rescored += " ×" + table["rescore_multiplier"].map(lambda value: f"{value:.0f}")
    return table.assign(setting=rescored.where(table["rescore_store"] != NO_STORE, table["method"]))


def _values(run: Path, setting: tuple[str, int, int], metric: str) -> np.ndarray:
    """Return a setting's values per query, float64 (queries,); a row group of metrics.parquet is a setting."""
    path = run / "metrics.parquet"
    file = open_parquet(path, [*SETTING, metric])
    for number in range(file.num_row_groups):
        table = file.read_row_group(number, [*SETTING, metric])
        if tuple(table.column(name)[0].as_py() for name in SETTING) == setting:
            return table.column(metric).to_numpy()
    raise InputError(f"{path}: no setting {' '.join(map(str, setting))}; run the study again")
