"""Which setting to deploy: the cheapest that meets the study's requirements, or what keeps all from meeting them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Context
from typing import Any

import numpy as np
import pandas as pd

from embquant.report.deployment import configuration, deployment_code
from embquant.report.measure import FLOATS, Measure
from embquant.report.numbers.caveats import caveats
from embquant.report.numbers.cost import priced
from embquant.report.numbers.deployed import (
    beyond_words,
    expected_at,
    expected_farthest,
    expected_words,
    float32_bytes_beside,
    not_expected,
)
from embquant.report.numbers.doubts import chance_words, with_queries_needed
from embquant.report.numbers.growth import BASIS, MEASURED
from embquant.report.numbers.limits import (
    MIN_QUALITY,
    Relaxation,
    column_of,
    limits_of,
    missed,
    named,
    ranked,
    relaxations,
)
from embquant.report.numbers.measured import RUN, SETTING, dimensions
from embquant.report.numbers.quality import all_datasets, decisive, with_quality
from embquant.study.study import Study

EVERY = "all"
"""The dataset of a recommendation for all datasets of a study together."""

AMONG_MODELS = "all models"
"""The model of a recommendation that chooses among the settings of all models."""

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
BELOW_BEST = "below_best_model"


@dataclass(frozen=True)
class Recommendation:
    """What to deploy for ``model``, or of all models, on ``dataset``; ``where`` names it to a reader, or all of them.

    ``chance`` tells of each dataset whose baseline is at chance, ``caveats`` what else to know of the
    setting to deploy. ``fitting`` are those ``settings`` that meet ``limits``, the cheapest first. ``undecided`` is a
    cheaper one that keeps enough, as far as was measured, but whose lower bound is too low for want of queries.
    ``configuration`` (YAML) builds the cheapest, ``deployment_code`` (Python) searches it. ``deployed`` says which size
    settings are judged at, or after which stage, if a study asks for that. ``float32_bytes`` is what float32 vectors
    would take that the cheapest has no need of. ``news`` is what a verdict opens with. ``plain`` has
    ``plain_code``, Python that searches the cheapest without this library, if there is some, and the medians of both.
    All code is for what was built on the dataset ``deployed_on``. ``reference`` is what words call the baseline.
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
    plain: pd.Series | None = None
    deployed_on: str = ""
    news: Sequence[str] = ()
    reference: str = FLOATS

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
    models: pd.DataFrame | None = None,
) -> list[Recommendation]:
    """Recommend for each model on each dataset; where there are several, first on all of them together.

    ``results`` is the folder of what runs have built. On the datasets ``own_documents`` the code leaves each query's
    own document out. For more vectors than were measured, settings are judged by what ``growth``, the table, expects.
    If a study requires something of quality itself, which ``models`` has, one setting of all models is chosen.
    """
    found = []
    summary = with_queries_needed(with_quality(summary), study)
    for rows in judged_together(summary, models, study):
        datasets = list(rows["dataset"].unique())
        if len(datasets) > 1:
            judged = decisive(rows)
            where = f"{all_datasets(judged['dataset'].nunique(), len(datasets))}, by the worst of each figure"
            chance = _chance(rows, study)
            places = (EVERY, where, judged, study, results, chance)
            found.append(_at_deployed_size(growth, *places, own_documents=own_documents))
        for dataset in datasets:
            of_dataset = rows[rows["dataset"] == dataset]
            judged, chance = decisive(of_dataset), _chance(of_dataset, study)
            places = (dataset, dataset, judged, study, results, chance)
            found.append(_at_deployed_size(growth, *places, own_documents=own_documents))
    return found


def judged_together(summary: pd.DataFrame, models: pd.DataFrame | None, study: Study) -> Iterator[pd.DataFrame]:
    """Yield the settings that are chosen among: those of each model, or of all, with what is required of quality.

    ``models`` has the columns of models.csv. Of its metric, settings then have the value and the lower bound by which
    models are compared, and :data:`BELOW_BEST`: how far they may be below the best model.
    """
    if models is None or not study.config.requirements.chooses_among_models:
        yield from (rows for _, rows in summary.groupby("model", sort=False))
        return
    known = models.set_index([*RUN, *SETTING]).reindex(pd.MultiIndex.from_frame(summary[[*RUN, *SETTING]]))
    quality = {
        f"{metric}{end}": known[f"quality{end}"].to_numpy() for metric in models["metric"][:1] for end in ("", "_low")
    }
    yield summary.assign(**quality, **{BELOW_BEST: -known["against_best_low"].to_numpy()})


def _chance(rows: pd.DataFrame, study: Study) -> list[str]:
    """Tell of each model and dataset in ``rows`` whose baseline isn't distinguishable from chance."""
    return [words for _, own in rows.groupby("model", sort=False) for words in chance_words(own, study)]


def _at_deployed_size(
    growth: pd.DataFrame | None, dataset: str, where: str, rows: pd.DataFrame, study: Study, *others: Any, **more: Any
) -> Recommendation:
    """Recommend for ``requirements.vectors``, if these are more than were measured and anything can be said of them."""
    measured = recommend(dataset, where, rows, study, *others, **more)
    vectors, size = study.config.requirements.vectors, int(rows["vectors"].min())
    if vectors is None or vectors <= size or growth is None:
        return measured
    if study.config.requirements.chooses_among_models:
        return replace(measured, deployed=f"judged at the {size:,} vectors measured: quality itself of more is unknown")
    expected = expected_at(rows, growth, vectors)
    if expected is None:
        words = beyond_words(vectors, size)
        return replace(measured, deployed=words + _farthest_words(measured.best, rows, growth, study))
    then = "no setting meets what is required" if measured.best is None else f"it would be {named(measured.best)}"
    words = expected_words(vectors, size, then, not_expected(rows, expected))
    return replace(recommend(dataset, where, expected, study, *others, **more), deployed=words)


def _farthest_words(best: pd.Series | None, rows: pd.DataFrame, growth: pd.DataFrame, study: Study) -> str:
    """Say what the ``best`` setting is expected to keep of the most vectors that anything can be said of, if so."""
    if best is None or (farthest := expected_farthest(rows, growth)) is None:
        return ""
    size, expected = farthest
    settings = worst_over_datasets(expected, study).set_index(CHOICE)
    kept, low = settings.loc[tuple(best[CHOICE]), ["kept", "kept_low"]]
    if np.isnan(low):
        return ""
    return f"; of {size:,}, the most that is known of, it is expected to keep {kept:.2%}, at least {low:.2%}"


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
    """Choose among the settings in ``rows``: the decisive ones of a model, or of all, on one dataset or several."""
    limits = limits_of(study)
    among = study.config.requirements.chooses_among_models
    model = AMONG_MODELS if among else rows["model"].iloc[0]
    settings = worst_over_datasets(rows, study)
    fitting = ranked(settings[~missed(settings, limits).any(axis=1) & settings["kept"].notna()])
    undecided = soonest_decided(settings, limits, fitting)
    known = (dataset, where, model, study.config.baseline, settings, limits, fitting, chance, undecided)
    if fitting.empty:
        return Recommendation(*known, relaxations=relaxations(settings, limits))
    best = fitting.iloc[0]
    own = rows[rows["model"] == best.get("model", model)]
    deployed_on = own["dataset"].iloc[0]
    folder = f"{results}/{deployed_on}/{own['model'].iloc[0]}"
    pair = ["model", *PAIR] if among else PAIR
    others = fitting[(fitting[pair] != best[pair]).any(axis=1)]
    return Recommendation(
        *known,
        runner_up=None if others.empty else others.iloc[0],
        caveats=caveats(best, own, study),
        configuration=configuration(best, study),
        deployment_code=deployment_code(best, study, folder, deployed_on in own_documents),
        deployed_on=deployed_on,
        float32_bytes=float32_bytes_beside(best, dimensions(own, study.config.baseline), study),
    )


def worst_over_datasets(rows: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return one row per setting that was measured on all datasets of ``rows``: the worst of each of its figures.

    A figure that a dataset lacks is missing. What a setting takes and costs is that of ``requirements.vectors``, or of
    the corpus. ``basis`` says whether what it keeps was measured or is expected. Where the study chooses among models,
    there is a row per model as well, and what is required of quality is among the figures.
    """
    rows = (
        rows.assign(**{BASIS: rows.get(BASIS, MEASURED)})
        .rename(columns={"vectors": "timed_vectors"})
        .join(priced(rows, study, study.config.requirements.vectors))
    )
    among = study.config.requirements.chooses_among_models
    groups = rows.groupby(["model", *CHOICE] if among else CHOICE, sort=False)
    worst = {**WORST, **(_worst_quality(rows, study) if among else {})}
    shared = {"measure": "first", "top_k": "first", BASIS: "first", "vectors": "max", "timed_vectors": "max"}
    settings = groups.agg({**shared, "threads": "first", "engine": "first", **worst})
    settings[list(worst)] = settings[list(worst)].where(groups[list(worst)].count().eq(groups.size(), axis=0))
    low = f"{Measure.of_settings(rows['measure'].iloc[0]).metric}_low"
    settings["bound"] = settings[low if among and low in settings else "kept_low"]
    return settings[groups["dataset"].nunique() == rows["dataset"].nunique()].reset_index()


def _worst_quality(rows: pd.DataFrame, study: Study) -> dict[str, str]:
    """Return the columns of quality itself that settings are judged by and shown with, as in :data:`WORST`."""
    metric = Measure.of_settings(rows["measure"].iloc[0]).metric
    required = [column_of(name) for name in limits_of(study) if name.startswith(MIN_QUALITY)]
    known = [name for name in (metric, f"{metric}_low", *required) if name in rows]
    return {**dict.fromkeys(known, "min"), BELOW_BEST: "max"}


def others_required(setting: pd.Series) -> dict[str, float]:
    """Return the metrics of ``min_quality`` besides the first judged one, with the lower bounds of a ``setting``."""
    shown = ("kept_low", f"{Measure.of_settings(setting['measure']).metric}_low")
    return {
        str(name).removesuffix("_low"): value
        for name, value in setting.items()
        if str(name).endswith("_low") and name not in shown
    }


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
