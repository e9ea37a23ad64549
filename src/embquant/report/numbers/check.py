"""Whether a study's setting meets what is required of it, one answer per dataset and requirement."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from embquant.entries import nearest
from embquant.errors import InputError
from embquant.report.measure import Measure
from embquant.report.numbers.deployed import expected_at
from embquant.report.numbers.doubts import chance_words, with_queries_needed
from embquant.report.numbers.growth import BASIS, BEYOND
from embquant.report.numbers.limits import column_of, missed, named
from embquant.report.numbers.quality import decisive, with_quality
from embquant.report.numbers.recommendation import AMONG_MODELS, CHOICE, judged_together, worst_over_datasets
from embquant.report.reports import Reports
from embquant.study import NO_STORE
from embquant.study.study import Study

Bound = Literal["lower", "mean"]
"""What ``min_retention`` is compared with: the lower bound of the confidence interval, or the mean itself."""

NOTHING_RECOMMENDED = "the study recommends nothing"
NOT_MEASURED = "not measured"
AT_CHANCE = "the baseline is at chance"


@dataclass(frozen=True)
class Demand:
    """What is required: the limit of each requirement that counts, and what ``min_retention`` is compared with."""

    limits: Mapping[str, float]
    at: Bound = "lower"


@dataclass(frozen=True)
class Check:
    """Whether a setting meets ``requirement``, which is ``limit``, on a dataset.

    ``value`` is the figure that is compared, ``mean`` and ``lower`` what is kept and its lower bound; None where there
    is none, which meets nothing. ``reason`` says why there is none. ``measure`` is the column that holds what is kept,
    ``expected`` whether that is expected of ``vectors``, as the study requires, and not measured on ``timed_vectors``.
    ``setting`` is empty where nothing is recommended.
    """

    dataset: str
    model: str
    setting: str
    requirement: str
    limit: float
    value: float | None
    met: bool
    measure: str = ""
    mean: float | None = None
    lower: float | None = None
    vectors: int | None = None
    timed_vectors: int | None = None
    expected: bool = False
    reason: str = ""


def setting_of(reports: Reports, method: str | None, store: str | None, multiplier: int | None) -> pd.Series | None:
    """Return the setting that options name (``CHOICE``), None if they name none; any unknown one is an InputError.

    A store or a multiplier may be left out where the method has a single one.
    """
    if method is None:
        if store is not None or multiplier is not None:
            raise InputError("--rescore and --multiplier belong to a method; name it with --method")
        return None
    settings = reports.table("summary")[CHOICE].drop_duplicates()
    for column, value in zip(CHOICE, (method, store or NO_STORE, multiplier), strict=True):
        if value is None and len(settings) > 1:
            shown = ", ".join(map(str, settings[column]))
            raise InputError(
                f"{method} is rescored by {store} at the multipliers {shown}; choose one with --multiplier"
            )
        if value is not None:
            _require(value, settings[column].unique(), column, reports)
            settings = settings[settings[column] == value]
    return settings.iloc[0]


def checks(
    reports: Reports,
    demand: Demand,
    setting: pd.Series | None = None,
    models: Sequence[str] = (),
    datasets: Sequence[str] = (),
) -> list[Check]:
    """Check a setting, or for each model, or among all, the one that the study recommends.

    ``models`` and ``datasets`` are all by default, but for the datasets that the verdict leaves out because they are
    judged by less than others. The figures are those by which the verdict judges a setting on a dataset.
    """
    summary = with_queries_needed(with_quality(reports.table("summary")), reports.study)
    for column, asked in (("model", models), ("dataset", datasets)):
        for name in asked:
            _require(name, summary[column].unique(), column, reports)
    summary = pd.concat(judged_together(summary, reports.table("models"), reports.study))
    found: list[Check] = []
    for model, rows in summary.groupby("model", sort=False):
        chosen = _recommended(reports, str(model)) if setting is None else setting
        of_another = chosen is not None and chosen.get("model", model) != model
        if of_another or (models and model not in models):
            continue
        for dataset in datasets or decisive(rows)["dataset"].unique():
            judged = _at_deployed_size(decisive(rows[rows["dataset"] == dataset]), reports)
            found += _checks(judged, reports.study, chosen, demand)
    return found


def _at_deployed_size(rows: pd.DataFrame, reports: Reports) -> pd.DataFrame:
    """Return settings of a dataset with what they are expected to keep of the vectors that the study requires.

    They stay as measured where these are no more, or nothing can be said of so many.
    """
    vectors, growth = reports.study.config.requirements.vectors, reports.table("growth")
    if vectors is None or vectors <= rows["vectors"].min() or growth.empty:
        return rows
    expected = expected_at(rows, growth, vectors)
    return rows if expected is None else expected


def _require(value: object, known: Iterable[object], what: str, reports: Reports) -> None:
    known = list(known)
    if value not in known:
        advice = nearest(value, map(str, known))
        raise InputError(f"{reports.folder}: no {what.replace('_', ' ')} {value!r} in its reports{advice}")


def _recommended(reports: Reports, model: str) -> pd.Series | None:
    """Return the setting of a model's verdict, None where nothing is recommended; of the verdict on all, if it is one.

    The setting of a verdict on all models has the ``model`` that it belongs to.
    """
    rows = reports.table("recommendation").astype({"rescore_multiplier": "Int64"})
    first = rows[rows["model"].isin([model, AMONG_MODELS])].iloc[0]
    if pd.isna(first["method"]):
        return None
    if first["model"] != AMONG_MODELS:
        return first[CHOICE]
    return first[["chosen_model", *CHOICE]].rename({"chosen_model": "model"})


def _checks(rows: pd.DataFrame, study: Study, chosen: pd.Series | None, demand: Demand) -> Iterator[Check]:
    """Yield the checks on a dataset; ``rows`` are its decisive settings."""
    settings = worst_over_datasets(rows, study)
    own = settings.iloc[:0] if chosen is None else settings[(settings[CHOICE] == chosen[CHOICE]).all(axis=1)]
    missing = NOT_MEASURED if chosen is not None else NOTHING_RECOMMENDED
    if chance_words(rows, study):
        missing = AT_CHANCE
    known: dict[str, Any] = {}
    if not own.empty:
        row = own.iloc[0]
        known = {
            "measure": Measure.of_settings(row["measure"]).column,
            "mean": _number(row["kept"]),
            "lower": _number(row["kept_low"]),
            "vectors": int(row["vectors"]),
            "timed_vectors": int(row["timed_vectors"]),
            "expected": bool(row[BASIS] == BEYOND),
        }
    judged = own.assign(kept_low=own["kept"]) if demand.at == "mean" else own
    misses = missed(judged, demand.limits)
    for name, limit in demand.limits.items():
        value = None if own.empty else _number(judged[column_of(name)].iloc[0])
        yield Check(
            **{name: rows[name].iloc[0] for name in ("dataset", "model")},
            setting="" if chosen is None else named(chosen),
            requirement=name,
            limit=limit,
            value=value,
            met=value is not None and not misses[name].iloc[0],
            reason=missing if value is None else "",
            **known,
        )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
