"""What is lost where codecs and indexes were fitted before some of the documents came: the columns of drift.csv."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from embquant.files.parquet import read_metadata
from embquant.measure.quality import CLIPPED
from embquant.report.numbers.intervals import INTERVAL, Chance, Resamples
from embquant.report.numbers.kept import Kept, as_columns
from embquant.report.numbers.measured import RUN, SETTING, Measured, read_measured
from embquant.report.numbers.significance import tested
from embquant.study import NO_STORE
from embquant.study.drift import drifted as drifted_name
from embquant.study.drift import is_drifted, undrifted
from embquant.study.study import Study

METRICS = "metrics.parquet"
KEPT = [f"{name}{end}" for name in ("kept", "kept_drifted") for end in INTERVAL]
DRIFT = [
    *(*RUN, *SETTING, "kind", "metric", "queries", "mean", "mean_drifted", *KEPT),
    *(*(f"difference{end}" for end in INTERVAL), "differing", "p", "p_holm", "verdict", "least_detectable"),
    *(f"{whose}{CLIPPED}{end}" for whose in ("", "store_") for end in ("", "_drifted")),
]
OF_SETTING = ["mean", "mean_drifted", "p_holm", "verdict"]
"""Columns that a setting gets from its row."""


def drift_table(drifted: Sequence[Path], study: Study) -> pd.DataFrame:
    """Return one row per setting in which something is fitted, and metric, with the columns :data:`DRIFT`.

    ``drifted`` are the folders …/{dataset}/{model}/{method} of the drifted methods, those of a dataset and model in a
    row; those of the methods lie beside them.
    """
    found = [pd.DataFrame()]
    for folder, of_model in groupby(drifted, lambda run: run.parent):
        methods = [run.name for run in of_model]
        names = dict.fromkeys([study.baseline.name, *map(undrifted, methods), *methods])
        clipped = {name: read_metadata(folder / name / METRICS).get(CLIPPED, {}) for name in names}
        for group in read_measured([folder / name for name in names]).by_top_k():
            found += [table.assign(**_clipped(table, clipped)) for table in _compared(group, study)]
    return pd.concat(found, ignore_index=True).reindex(columns=DRIFT)


def with_drift(settings: pd.DataFrame, drift: pd.DataFrame) -> pd.DataFrame:
    """Append ``drift_…`` to settings, for each of :data:`OF_SETTING`: by the metric in which they are compared."""
    keys = [*RUN, *SETTING]
    rows = drift[[*keys, "metric", *OF_SETTING]].rename(columns={name: f"drift_{name}" for name in OF_SETTING})
    return settings.merge(rows.rename(columns={"metric": "compared_in"}), on=[*keys, "compared_in"], how="left")


def _compared(group: Measured, study: Study) -> Iterator[pd.DataFrame]:
    """Yield the rows of the settings that return equally many documents, for each metric that they are compared in."""
    settings = group.settings.reset_index(drop=True)
    chance = Chance(**study.config.statistics.model_dump())
    resamples = Resamples(settings["dataset"][0], int(settings["queries"][0]), chance)
    baseline = int(np.flatnonzero(settings["method"] == study.baseline.name)[0])
    one, other = _pairs(settings, study)
    if not one:  # its rescore store alone is fitted, and is left out
        return
    kind, metrics = group.compared_metrics()
    compared = replace(group, settings=settings, metrics={name: group.metrics[name] for name in metrics})
    for metric, comparison in Kept.of(compared, baseline, resamples).comparisons.items():
        means, scores = comparison.means, comparison.scores
        rows = settings.iloc[other][[*RUN, *SETTING, "queries"]].reset_index(drop=True)
        yield rows.assign(
            kind=kind,
            metric=metric,
            mean=means[other, 0],
            mean_drifted=means[one, 0],
            **as_columns("kept", comparison.kept[:, other]),
            **as_columns("kept_drifted", comparison.kept[:, one]),
            **as_columns("difference", resamples.difference(scores[one], scores[other])),
            **tested(scores[one] - scores[other], chance, resamples.seed),
        )


def _pairs(settings: pd.DataFrame, study: Study) -> tuple[list[int], list[int]]:
    """Return the rows of drifted settings, and those of the same settings fitted on all documents."""
    keys = list(settings[["method", *SETTING]].itertuples(index=False, name=None))
    places = {key: row for row, key in enumerate(keys)}
    one, other = [], []
    for row, (method, store, *depth) in enumerate(keys):
        whole = (undrifted(method), undrifted(store), *depth)
        if (
            method in study.drifted_methods
            and (study.drifted_methods[method].learns or is_drifted(store))
            and whole in places
        ):
            one.append(row)
            other.append(places[whole])
    return one, other


def _clipped(table: pd.DataFrame, shares: dict[str, dict[str, float]]) -> dict[str, list[float]]:
    """Return the shares of clipped values of the methods and stores in ``table``, NaN where codes clip nothing."""
    columns: dict[str, list[float]] = {}
    for method, store in zip(table["method"], table["rescore_store"], strict=True):
        own = {undrifted(name): share for name, share in shares[drifted_name(method, True)].items()}
        for end, of_method in (("", shares[method]), ("_drifted", own)):
            columns.setdefault(f"{CLIPPED}{end}", []).append(of_method.get(NO_STORE, np.nan))
            of_store = np.nan if store == NO_STORE else of_method.get(store, np.nan)
            columns.setdefault(f"store_{CLIPPED}{end}", []).append(of_store)
    return columns
