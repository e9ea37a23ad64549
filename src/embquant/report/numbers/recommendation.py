"""Which setting to deploy: the cheapest that meets the study's requirements, or what keeps all from meeting them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from typing import Any

import numpy as np
import pandas as pd

from embquant.report.deployment import configuration, deployment_code
from embquant.report.numbers.caveats import caveats
from embquant.report.numbers.cost import priced
from embquant.report.numbers.deployed import (
    beyond_words,
    expected_at,
    expected_words,
    farthest_expected,
    float32_bytes_beside,
)
from embquant.report.numbers.doubts import chance_words, with_queries_needed
from embquant.report.numbers.growth import BASIS, MEASURED
from embquant.report.numbers.quality import all_datasets, decisive, with_quality
from embquant.study import NO_STORE
from embquant.study.study import Study

LIMITS = {
    "min_retention": "kept_low",
    "max_latency_p95_ms": "latency_p95_ms",
    "max_bytes_per_vector": "memory_bytes_per_vector",
    "max_usd_per_month": "usd_per_month",
}
"""A requirement → the column that it limits."""

EVERY = "all"
"""The dataset of a recommendation for all datasets of a study together."""

WORST = {
    "kept": "min",
    "kept_low": "min",
    "latency_p95_ms": "max",
    "memory_bytes_per_vector": "max",
    "usd_per_month": "max",
    "queries_needed": "max",
}
"""What a setting is judged by → which of its values on several datasets is the worst."""

PAIR = ["method", "rescore_store"]
CHOICE = [*PAIR, "rescore_multiplier"]


@dataclass(frozen=True)
class Relaxation:
    """Requirements that would have to be these, others staying as they are, for ``setting`` to meet them all."""

    requirements: dict[str, float]
    setting: pd.Series

    def __str__(self) -> str:
        """Name the requirements, their new limits and the setting."""
        limits = " and ".join(f"{name} to {limit:g}" for name, limit in self.requirements.items())
        return f"{limits} for {named(self.setting)}"


@dataclass(frozen=True)
class Recommendation:
    """What to deploy for ``model`` on ``dataset``; ``where`` names the dataset to a reader, or all of them.

    ``chance`` tells of each dataset whose baseline is at chance, ``caveats`` what else to know of the
    setting to deploy. ``fitting`` are those ``settings`` that meet ``limits``, the cheapest first. ``undecided`` is a
    cheaper one that keeps enough, as far as was measured, but whose lower bound is too low for want of queries.
    ``configuration`` (YAML) builds the cheapest, ``deployment_code`` (Python) searches it. ``deployed`` says which size
    settings are judged at, if a study asks for more vectors than it measured. ``float32_bytes`` is what float32 vectors
    would take that the cheapest has no need of.
    """

    dataset: str
    where: str
    model: str
    baseline: str
    settings: pd.DataFrame
    limits: dict[str, float]
    fitting: pd.DataFrame
    chance: Sequence[str] = ()
    undecided: pd.Series | None = None
    runner_up: pd.Series | None = None
    relaxations: Sequence[Relaxation] = ()
    caveats: Sequence[str] = ()
    configuration: str = ""
    deployment_code: str = ""
    deployed: str = ""
    float32_bytes: float = np.nan

    @property
    def best(self) -> pd.Series | None:
        """The setting to deploy, if any meets the requirements."""
        return None if self.fitting.empty else self.fitting.iloc[0]

    @property
    def more_queries(self) -> str:
        """What more queries would settle, in words; empty if nothing."""
        if self.undecided is None:
            return ""
        setting = self.undecided
        needed = Context(prec=2, rounding=ROUND_CEILING).create_decimal(str(float(setting["queries_needed"])))
        each = " on each dataset" if self.dataset == EVERY else ""
        return (
            f"about {int(needed):,}{each} would show that {named(setting)} is enough, if it keeps "
            f"{min(1, setting['kept']):.2%}; its lower bound is {setting['kept_low']:.2%} now"
        )


def recommendations(
    summary: pd.DataFrame,
    study: Study,
    results: str,
    own_documents: Collection[str] = (),
    growth: pd.DataFrame | None = None,
) -> list[Recommendation]:
    """Recommend for each model on each dataset; where there are several, first on all of them together.

    ``results`` is the folder of what runs have built. On the datasets ``own_documents`` the code leaves each query's
    own document out. For more vectors than were measured, settings are judged by what ``growth``, the table, expects.
    """
    found = []
    summary = with_queries_needed(with_quality(summary), study)
    for _, rows in summary.groupby("model", sort=False):
        datasets = list(rows["dataset"].unique())
        if len(datasets) > 1:
            judged = decisive(rows)
            where = f"{all_datasets(judged['dataset'].nunique(), len(datasets))}, by the worst of each figure"
            chance = chance_words(rows, study)
            places = (EVERY, where, judged, study, results, chance)
            found.append(_at_deployed_size(growth, *places, own_documents=own_documents))
        for dataset in datasets:
            of_dataset = rows[rows["dataset"] == dataset]
            judged, chance = decisive(of_dataset), chance_words(of_dataset, study)
            places = (dataset, dataset, judged, study, results, chance)
            found.append(_at_deployed_size(growth, *places, own_documents=own_documents))
    return found


def _at_deployed_size(
    growth: pd.DataFrame | None, dataset: str, where: str, rows: pd.DataFrame, study: Study, *others: Any, **more: Any
) -> Recommendation:
    """Recommend for ``requirements.vectors``, if these are more than were measured and anything can be said of them."""
    measured = recommend(dataset, where, rows, study, *others, **more)
    vectors, size = study.config.requirements.vectors, int(rows["vectors"].min())
    if vectors is None or vectors <= size or growth is None:
        return measured
    expected = expected_at(rows, growth, vectors)
    if expected is None:
        words = beyond_words(vectors, size)
        return replace(measured, deployed=words + _farthest_words(measured.best, rows, growth, study))
    then = "no setting meets what is required" if measured.best is None else f"it would be {named(measured.best)}"
    words = expected_words(vectors, size, then)
    return replace(recommend(dataset, where, expected, study, *others, **more), deployed=words)


def _farthest_words(best: pd.Series | None, rows: pd.DataFrame, growth: pd.DataFrame, study: Study) -> str:
    """Say what the ``best`` setting is expected to keep of the most vectors that anything can be said of, if so."""
    if best is None or (farthest := farthest_expected(rows, growth)) is None:
        return ""
    size, expected = farthest
    settings = worst_over_datasets(expected, study).set_index(CHOICE)
    kept, low = settings.loc[tuple(best[CHOICE]), ["kept", "kept_low"]]
    if np.isnan(low):
        return ""
    return f"; of {size:,}, the most that is known of, it is expected to keep {kept:.2%}, at least {low:.2%}"


def limits_of(study: Study) -> dict[str, float]:
    """Return the requirements of a study that limit a column."""
    limits = {name: getattr(study.config.requirements, name) for name in LIMITS}
    return {name: limit for name, limit in limits.items() if limit is not None}


def recommend(
    dataset: str,
    where: str,
    rows: pd.DataFrame,
    study: Study,
    results: str,
    chance: Sequence[str],
    *,
    own_documents: Collection[str] = (),
) -> Recommendation:
    """Choose among the settings in ``rows``: the decisive ones of a model on one dataset or several."""
    limits = limits_of(study)
    model = rows["model"].iloc[0]
    settings = worst_over_datasets(rows, study)
    fitting = ranked(settings[~missed(settings, limits).any(axis=1) & settings["kept"].notna()])
    undecided = soonest_decided(settings, limits, fitting)
    known = (dataset, where, model, study.config.baseline, settings, limits, fitting, chance, undecided)
    if fitting.empty:
        return Recommendation(*known, relaxations=relaxations(settings, limits))
    best = fitting.iloc[0]
    deployed_on = rows["dataset"].iloc[0]
    folder = f"{results}/{deployed_on}/{model}"
    others = fitting[(fitting[PAIR] != best[PAIR]).any(axis=1)]
    return Recommendation(
        *known,
        runner_up=None if others.empty else others.iloc[0],
        caveats=caveats(best, rows, study),
        configuration=configuration(best, study),
        deployment_code=deployment_code(best, study, folder, deployed_on in own_documents),
        float32_bytes=float32_bytes_beside(best, int(rows["dim"].iloc[0]), study),
    )


def worst_over_datasets(rows: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return one row per setting that was measured on all datasets of ``rows``: the worst of each of its figures.

    A figure that a dataset lacks is missing. What a setting takes and costs is that of ``requirements.vectors``, or of
    the corpus. ``basis`` says whether what it keeps was measured or is expected.
    """
    rows = (
        rows.assign(**{BASIS: rows.get(BASIS, MEASURED)})
        .rename(columns={"vectors": "timed_vectors"})
        .join(priced(rows, study, study.config.requirements.vectors))
    )
    groups = rows.groupby(CHOICE, sort=False)
    shared = {"measure": "first", "top_k": "first", BASIS: "first", "vectors": "max", "timed_vectors": "max"}
    settings = groups.agg({**shared, "threads": "first", "engine": "first", **WORST})
    settings[list(WORST)] = settings[list(WORST)].where(groups[list(WORST)].count().eq(groups.size(), axis=0))
    return settings[groups["dataset"].nunique() == rows["dataset"].nunique()].reset_index()


def soonest_decided(settings: pd.DataFrame, limits: Mapping[str, float], fitting: pd.DataFrame) -> pd.Series | None:
    """Return the setting that more queries would show to meet all ``limits`` at a lower price, if any.

    It is the cheapest of those that need at most half as many queries again as the one that needs the fewest.
    """
    others = {name: limit for name, limit in limits.items() if name != "min_retention"}
    is_open = np.isfinite(settings["queries_needed"]) & (settings["queries_needed"] > 0)
    known = settings[is_open & ~missed(settings, others).any(axis=1)]
    if not fitting.empty:
        known = known[known["usd_per_month"] < fitting.iloc[0]["usd_per_month"]]
    known = known[known["queries_needed"] <= 1.5 * known["queries_needed"].min()]
    return None if known.empty else ranked(known).iloc[0]


def missed(settings: pd.DataFrame, limits: Mapping[str, float]) -> pd.DataFrame:
    """Return a bool per setting and requirement: whether the setting misses it. What wasn't measured is missed."""
    met = {
        name: settings[LIMITS[name]] >= limit if _is_least(name) else settings[LIMITS[name]] <= limit
        for name, limit in limits.items()
    }
    return ~pd.DataFrame(met, index=settings.index, dtype=bool)


def ranked(settings: pd.DataFrame) -> pd.DataFrame:
    """Order by price, then by candidates rescored, then by the lower bound; equals stay in the study's order."""
    work = settings["rescore_multiplier"].where(settings["rescore_store"] != NO_STORE, 0)
    keys = pd.DataFrame({"price": settings["usd_per_month"], "work": work, "loss": -settings["kept_low"]})
    return settings.loc[keys.sort_values(list(keys), kind="stable").index]


def relaxations(settings: pd.DataFrame, limits: Mapping[str, float]) -> list[Relaxation]:
    """Return which ``limits`` to relax, how far, and for which setting, where no setting meets them all.

    Only the settings that miss the fewest requirements count. Usually that is one requirement, which is relaxed to the
    value of the setting that comes nearest to it. Where all settings miss more than one, these are relaxed together.
    """
    settings = settings.dropna(subset=[LIMITS[name] for name in limits])
    misses = missed(settings, limits)
    near = settings[misses.sum(axis=1) == misses.sum(axis=1).min()]
    found: dict[tuple[str, ...], list[Any]] = {}
    for label, missing in misses.loc[near.index].iterrows():
        found.setdefault(tuple(missing.index[missing]), []).append(label)
    order = sorted(found, key=lambda names: [name not in names for name in limits])
    return [_relaxed(near.loc[found[names]], {name: limits[name] for name in names}) for names in order]


def _relaxed(settings: pd.DataFrame, limits: Mapping[str, float]) -> Relaxation:
    """Relax ``limits``, which all ``settings`` miss, just enough for one to meet them; the largest step counts."""
    steps = pd.DataFrame(
        {
            name: limit / settings[LIMITS[name]] if _is_least(name) else settings[LIMITS[name]] / limit
            for name, limit in limits.items()
        }
    ).max(axis=1)
    nearest = ranked(settings[steps == steps.min()]).iloc[0]
    relaxed = {name: _admitting(name, nearest[LIMITS[name]]) for name in limits}
    return Relaxation(relaxed, ranked(settings[~missed(settings, relaxed).any(axis=1)]).iloc[0])


def _admitting(name: str, value: float) -> float:
    """Return the limit of at most four digits that ``value`` just meets."""
    rounding = ROUND_FLOOR if _is_least(name) else ROUND_CEILING
    return float(Context(prec=4, rounding=rounding).create_decimal(str(float(value))))


def _is_least(name: str) -> bool:
    return name.startswith("min_")


def named(setting: pd.Series) -> str:
    """Return a setting in words."""
    if setting["rescore_store"] == NO_STORE:
        return str(setting["method"])
    return f"{setting['method']} rescored by {setting['rescore_store']} ×{setting['rescore_multiplier']}"
