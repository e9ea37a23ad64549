"""What changed between two runs: every setting's quality, memory and speed, and what the runs were made with."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from embquant.errors import InputError
from embquant.files.atomic import read_json
from embquant.files.parquet import open_parquet
from embquant.report.csv_files import read_csv
from embquant.report.measure import deciding
from embquant.report.numbers.intervals import INTERVAL, Chance, Resamples
from embquant.report.numbers.measured import RUN, SETTING, read_measured
from embquant.report.numbers.significance import tested

KEYS = [*RUN, *SETTING]
SIDES = ("a", "b")
MEMORY = ["bytes_per_vector", "index_file_bytes", "store_file_bytes", "resident_bytes"]
SPEED = ["latency_p50_ms", "queries_per_second"]
CHANGES = [
    *(*KEYS, "in", "metric", "paired", "queries"),
    *("value_a", "value_b", *(f"difference{end}" for end in INTERVAL)),
    *("differing", "p", "p_holm", "verdict", "least_detectable"),
    *(f"{name}_{end}" for name in MEMORY for end in (*SIDES, "difference")),
    *(f"{name}_{side}" for name in SPEED for side in SIDES),
    *("speedup_p50", "speedup_batch", "same_machine"),
]
MISSING = "–"
WHOLE_NUMBERS = ["queries", "differing", *(f"{name}_{end}" for name in MEMORY for end in (*SIDES, "difference"))]
"""Columns of whole numbers, though some of their values may be missing."""


@dataclass(frozen=True)
class StudyRun:
    """A run of a study, as the reports in ``folder`` describe it.

    ``settings`` is summary.csv by setting; ``made_with`` is provenance.json, with datasets and models by name;
    ``fingerprints`` identify the texts and judgements of each dataset, by its name.
    """

    folder: Path
    settings: pd.DataFrame
    made_with: dict[str, Any]
    metrics: list[str]
    chance: Chance
    machine: str
    fingerprints: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the reports in a folder; any other folder is an InputError."""
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; give the reports of a study, results/reports/{{study}}")
        for name in ("summary.csv", "provenance.json"):
            if not (folder / name).is_file():
                raise InputError(f"{folder}: no {name} in it; give the reports of a study, results/reports/{{study}}")
        settings = _read_settings(folder / "summary.csv")
        provenance = read_json(folder / "provenance.json")
        try:
            return cls(
                folder,
                settings,
                _by_name(provenance),
                provenance["config"]["metrics"],
                Chance(**provenance["config"]["statistics"]),
                provenance["environment"]["machine"],
                {dataset["name"]: dataset["fingerprint"] for dataset in provenance["datasets"]},
            )
        except (KeyError, TypeError) as error:
            where = folder / "provenance.json"
            raise InputError(f"{where}: not what a study writes ({error}); run the study again") from None

    def query_ids(self, dataset: str, model: str, method: str) -> list[str] | None:
        """Return the ids of the queries in the order of the method's metrics; None if there are no metrics."""
        path = self.folder / "runs" / dataset / model / method / "metrics.parquet"
        if not path.is_file():
            return None
        return open_parquet(path, ["query_id"]).read_row_group(0, ["query_id"]).column(0).to_pylist()


@dataclass(frozen=True)
class Pairing:
    """Why the queries of a dataset can't be paired across two runs: ``reason``, empty where they can."""

    dataset: str
    model: str
    reason: str

    @property
    def paired(self) -> bool:
        """Whether the queries are the same in both runs."""
        return not self.reason


def _read_settings(summary: Path) -> pd.DataFrame:
    try:
        table = read_csv(summary)
    except ValueError as error:
        raise InputError(f"{summary}: not a readable table ({error}); run the study again") from None
    missing = [name for name in [*KEYS, *MEMORY, *SPEED] if name not in table.columns]
    if missing:
        raise InputError(f"{summary}: no column {missing[0]!r}; run the study again")
    return table.set_index(KEYS)


def pairings(one: StudyRun, other: StudyRun) -> list[Pairing]:
    """Tell for each dataset and model that both runs have whether their queries can be paired."""
    runs = [report.settings.index.droplevel(SETTING).unique() for report in (one, other)]
    both: dict[tuple[str, str], list[str]] = {}
    for dataset, model, method in runs[0].intersection(runs[1], sort=False):
        both.setdefault((dataset, model), []).append(method)
    return [Pairing(*names, _reason(one, other, *names, methods)) for names, methods in both.items()]


def changes(one: StudyRun, other: StudyRun) -> pd.DataFrame:
    """Return one row per setting of either run, with the columns ``CHANGES``; differences are other − one."""
    keys = one.settings.index.union(other.settings.index, sort=False)
    first, second = one.settings.reindex(keys), other.settings.reindex(keys)
    inside = [keys.isin(report.settings.index) for report in (one, other)]
    table = pd.DataFrame(index=keys).assign(same_machine=one.machine == other.machine)
    table["in"] = np.select([inside[0] & inside[1], inside[0]], ["both", "a"], "b")
    for name in [*MEMORY, *SPEED]:
        table[f"{name}_a"], table[f"{name}_b"] = first[name], second[name]
    for name in MEMORY:
        table[f"{name}_difference"] = second[name] - first[name]
    table["speedup_p50"] = first["latency_p50_ms"] / second["latency_p50_ms"]
    table["speedup_batch"] = second["queries_per_second"] / first["queries_per_second"]
    paired = {(pairing.dataset, pairing.model): pairing.paired for pairing in pairings(one, other)}
    qualities = []
    for (dataset, model, _), rows in table[table["in"] == "both"].groupby(["dataset", "model", "top_k"], sort=False):
        metric = _compared_metric(one, other, rows.index)
        if metric is not None:
            compare = _tested if paired[dataset, model] else _untested
            columns = {"metric": metric, "paired": paired[dataset, model], **compare(one, other, rows.index, metric)}
            qualities.append(pd.DataFrame(columns, rows.index))
    quality = pd.concat([pd.DataFrame(), *qualities]).reindex(keys)
    table = table.join(quality).reset_index().reindex(columns=CHANGES)
    return table.assign(paired=table["paired"].eq(True)).astype(dict.fromkeys(WHOLE_NUMBERS, "Int64"))


def differences(one: StudyRun, other: StudyRun) -> dict[tuple[str, str], list[str]]:
    """Return what differs in what the runs were made with: (value of one, of the other) → the places that have both.

    Values are JSON, or – where there is none; places are dotted.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for place, first, second in _differing(one.made_with, other.made_with):
        found.setdefault((first, second), []).append(place)
    return found


def _reason(one: StudyRun, other: StudyRun, dataset: str, model: str, methods: list[str]) -> str:
    """Return why queries can't be paired, in words; nothing where they can."""
    if one.fingerprints.get(dataset) != other.fingerprints.get(dataset):
        return "its documents, queries or judgements are not the same in both runs"
    ids = [report.query_ids(dataset, model, method) for method in methods for report in (one, other)]
    if None in ids:
        return "the values per query, runs/ in the folder of reports, are not there for both"
    return "" if all(queries == ids[0] for queries in ids) else "its queries are not the same in both runs"


def _compared_metric(one: StudyRun, other: StudyRun, keys: pd.MultiIndex) -> str | None:
    """Return the first judged metric that the settings have in both runs, or else overlap@k; None without either."""
    asked = [name for name in one.metrics if name in other.metrics]
    sides = [report.settings.loc[keys] for report in (one, other)]
    known = [name for name in asked if all(name in side and side[name].notna().all() for side in sides)]
    measure = deciding(known)
    return None if measure is None else measure.metric


def _untested(one: StudyRun, other: StudyRun, keys: pd.MultiIndex, metric: str) -> dict[str, np.ndarray]:
    first, second = (report.settings.loc[keys, metric].to_numpy() for report in (one, other))
    return {"value_a": first, "value_b": second, "difference": second - first}


def _tested(one: StudyRun, other: StudyRun, keys: pd.MultiIndex, metric: str) -> dict[str, np.ndarray]:
    """Return means, differences, intervals and tests of settings that both runs measured with the same queries."""
    chance = one.chance
    first, second = (_values(report, keys, metric) for report in (one, other))
    resamples = Resamples(keys[0][0], first.shape[1], chance)
    found = tested(second - first, chance, resamples.seed)
    ends = resamples.difference(second, first)
    return {
        "queries": np.full(len(keys), first.shape[1]),
        "value_a": first.mean(axis=1),
        "value_b": second.mean(axis=1),
        **{f"difference{end}": values for end, values in zip(INTERVAL, ends, strict=True)},
        **found,
        "verdict": np.where(found["differing"] == 0, "same", found["verdict"]),
    }


def _values(report: StudyRun, keys: pd.MultiIndex, metric: str) -> np.ndarray:
    """Return a metric per query, float64 (settings, queries)."""
    folder = report.folder.joinpath("runs", *keys[0][:2])
    measured = read_measured([folder / method for method in keys.unique("method")])
    places = pd.MultiIndex.from_frame(measured.settings[KEYS]).get_indexer(keys)
    if (places < 0).any() or metric not in measured.metrics:
        raise InputError(f"{folder}: lacks what {report.folder / 'summary.csv'} has; run the study again")
    return measured.metrics[metric][places]


def _by_name(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return a provenance with datasets and models by name, so that each is compared with the one of its name."""
    return {
        **provenance,
        "datasets": {dataset["name"]: dataset for dataset in provenance["datasets"]},
        "models": {model["model"]: model for model in provenance["models"]},
    }


def _differing(first: Any, second: Any, place: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield the place and both values of every difference, following mappings that both sides have."""
    if isinstance(first, dict) and isinstance(second, dict):
        for name in dict.fromkeys([*first, *second]):
            inside = f"{place}.{name}" if place else str(name)
            yield from _differing(first.get(name, MISSING), second.get(name, MISSING), inside)
    elif first != second:
        yield place, _as_json(first), _as_json(second)


def _as_json(value: Any) -> str:
    return MISSING if value is MISSING else json.dumps(value, ensure_ascii=False)
