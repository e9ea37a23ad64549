"""A study's reports as its page, tables and figures take them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from embquant.errors import InputError
from embquant.files.atomic import read_json
from embquant.files.parquet import open_parquet
from embquant.files.records import Record
from embquant.measure.statistics import rounded
from embquant.report.numbers.cost import priced
from embquant.report.numbers.quality import all_datasets, decisive, pareto, shown, with_quality
from embquant.report.numbers.recommendation import CHOICE, EVERY
from embquant.report.numbers.tables import SETTING
from embquant.report.reading import read_report
from embquant.study.settings import NO_STORE

REQUIRED = ("summary", "cost", "recommendation", "significance", "macro", "embedding")
OPTIONAL = ("worst_queries", "losses")
"""Reports that a study may lack."""

MEANT = ["memory_bytes_per_vector", "usd_per_month", "latency_p50_ms", "latency_p95_ms", "queries_per_second"]
"""What is averaged over datasets."""


@dataclass(frozen=True)
class Group:
    """Settings that are shown together: of ``model`` on ``dataset``, or on all, where their figures are means.

    ``where`` names the dataset to a reader, or all of them.
    ``settings`` are those at the ``top_k`` that counts, with ``kept``, ``kept_low`` and ``kept_high`` of ``measure``,
    ``memory_bytes_per_vector``, ``usd_per_month``, times, ``verdict``, ``pareto``, ``setting`` (its name) and ``shown``
    (whether it is among those that the summary shows).
    """

    dataset: str
    where: str
    model: str
    measure: str
    top_k: int
    baseline: str
    settings: pd.DataFrame

    @property
    def name(self) -> str:
        """Name the group in file names."""
        return file_name(f"{self.dataset}-{self.model}")

    @property
    def place(self) -> str:
        """Name the group to a reader."""
        return f"{self.where} · {self.model}"

    def drawn(self) -> pd.DataFrame:
        """Return the settings that figures of all methods show: the summary's, and those that none surpasses."""
        settings = self.settings
        return settings[(settings["shown"] | settings["pareto"]) & settings["kept"].notna()]

    def notable(self, count: int) -> pd.DataFrame:
        """Return at most ``count`` settings besides the baseline: first those that none surpasses, then plain ones."""
        others = self.settings[(self.settings["method"] != self.baseline) & self.settings["kept"].notna()]
        rank = pd.Series(2, others.index).mask(others["rescore_store"] == NO_STORE, 1).mask(others["pareto"], 0)
        chosen = others.loc[rank[rank < 2].sort_values(kind="stable").index[:count]]
        return chosen.sort_index()


@dataclass(frozen=True)
class Study:
    """What the folder of a study's reports holds; ``summary`` has the columns of :class:`Group` for all settings."""

    folder: Path
    provenance: dict[str, Any]
    summary: pd.DataFrame
    tables: dict[str, pd.DataFrame]

    @property
    def config(self) -> dict[str, Any]:
        """The study's configuration."""
        return self.provenance["config"]

    @property
    def name(self) -> str:
        """The study's name."""
        return self.config["study"]

    @property
    def datasets(self) -> list[str]:
        """The datasets that the study reports on."""
        return list(self.summary["dataset"].unique())

    @cached_property
    def groups(self) -> list[Group]:
        """The groups of the study: for each model all datasets together, where there are several, then each."""
        return [group for _, rows in self.summary.groupby("model", sort=False) for group in self._groups(rows)]

    def _groups(self, rows: pd.DataFrame) -> Iterator[Group]:
        model, baseline = rows["model"].iloc[0], self.config["baseline"]
        datasets = list(rows["dataset"].unique())
        if len(datasets) > 1:
            own = decisive(rows)
            where = f"mean over {all_datasets(own['dataset'].nunique(), len(datasets))}"
            yield Group(EVERY, where, model, *_compared(own), baseline, self._means(own))
        for dataset in datasets:
            own = decisive(rows[rows["dataset"] == dataset])
            yield Group(dataset, dataset, model, *_compared(own), baseline, own)

    def _means(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return means over datasets of settings that are measured on each; intervals and verdicts are macro.csv's."""
        groups = rows.groupby(CHOICE, sort=False)
        kept = groups[["kept", "kept_low", "kept_high"]].mean().assign(kept_low=np.nan, kept_high=np.nan)
        first = groups[["model", "top_k", "setting", "shown"]].first()
        means = first.join(groups[[name for name in MEANT if name in rows]].mean()).join(kept)
        means = means[groups["dataset"].nunique() == rows["dataset"].nunique()].assign(dataset=EVERY)
        measure, top_k = _compared(rows)
        macro = self.tables["macro"]
        metric = measure.removeprefix("retention_")
        column = "retention" if metric != measure else "mean"
        own = macro[(macro["model"] == rows["model"].iloc[0]) & (macro["metric"] == metric) & (macro["top_k"] == top_k)]
        own = own.set_index(CHOICE).reindex(means.index)
        for end in ("", "_low", "_high"):
            means[f"kept{end}"] = own[f"{column}{end}"].fillna(means[f"kept{end}"])
        told = np.select([own["losses"] > own["wins"], own["wins"] > own["losses"]], ["worse", "better"], "noise")
        means["verdict"] = pd.Series(told, means.index).where(own["datasets"].notna())
        means["pareto"] = pareto(means["usd_per_month"], means["kept"])
        means = means.reset_index()
        means.loc[means["method"] == self.config["baseline"], "verdict"] = None
        return means

    def differences(self, group: Group, settings: pd.DataFrame) -> dict[str, np.ndarray]:
        """Return, for each of ``settings`` by name, each query's value less the baseline's, float64 (queries,)."""
        metric = group.measure.removeprefix("retention_")
        runs = self.folder / "runs" / group.dataset / group.model
        reference = _values(runs / group.baseline, (NO_STORE, 1, group.top_k), metric)
        return {
            row["setting"]: rounded(_values(runs / row["method"], tuple(row[SETTING]), metric) - reference)
            for _, row in settings.iterrows()
        }


def read_study(folder: Path) -> Study:
    """Read the reports in ``folder``, results/reports/{study}."""
    provenance = read_json(folder / "provenance.json")
    tables = {name: _read(folder / f"{name}.csv") for name in REQUIRED}
    tables |= {name: _read(folder / f"{name}.csv") for name in OPTIONAL if (folder / f"{name}.csv").is_file()}
    tables |= {name: with_setting(table) for name, table in tables.items() if "rescore_multiplier" in table}
    summary = with_quality(tables.pop("summary"))
    own = priced(summary, provenance["config"])[["memory_bytes_per_vector", "usd_per_month"]]
    among = shown(summary, provenance["config"]["rescore"]["multipliers"]).index
    summary = summary.join(own).assign(kept_high=_upper(summary), shown=summary.index.isin(among))
    return Study(folder, provenance, summary, tables)


def file_name(name: str) -> str:
    """Return a name as a part of file names: lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9-]+", "-", name.lower())


def with_setting(table: pd.DataFrame) -> pd.DataFrame:
    """Append ``setting``, the method, and what its candidates are rescored by."""
    rescored = table["method"].astype(str) + " + " + table["rescore_store"].astype(str)
    rescored += " ×" + table["rescore_multiplier"].map(lambda value: f"{value:.0f}")
    return table.assign(setting=rescored.where(table["rescore_store"] != NO_STORE, table["method"]))


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file() and Record.of(path) is None:
        raise InputError(f"{path}: no such file; run the study first")
    try:
        return read_report(path)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()  # a study of precomputed embeddings alone times no model


def _upper(summary: pd.DataFrame) -> pd.Series:
    """Return the upper ends of the intervals of ``kept``; the value itself where there is none."""
    upper = summary["kept"].copy()
    for measure, rows in summary.groupby("measure"):
        upper[rows.index] = rows.get(f"{measure}_high", rows["kept"])
    return upper.fillna(summary["kept"])


def _compared(rows: pd.DataFrame) -> tuple[str, int]:
    """Return the measure of decisive ``rows`` and their top_k."""
    return str(rows["measure"].iloc[0]), int(rows["top_k"].iloc[0])


def _values(run: Path, setting: tuple[str, int, int], metric: str) -> np.ndarray:
    """Return a setting's values of each query; a row group of metrics.parquet is a setting."""
    path = run / "metrics.parquet"
    file = open_parquet(path, [*SETTING, metric])
    for number in range(file.num_row_groups):
        table = file.read_row_group(number, [*SETTING, metric])
        if tuple(table.column(name)[0].as_py() for name in SETTING) == setting:
            return table.column(metric).to_numpy()
    raise InputError(f"{path}: no setting {' '.join(map(str, setting))}; run the study again")
