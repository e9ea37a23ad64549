"""Which setting to deploy: the cheapest that meets the study's requirements, or what keeps all from meeting them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from pathlib import Path
from typing import Any

import pandas as pd

from embquant.report.deployment import code, configuration
from embquant.report.numbers.cost import priced
from embquant.report.numbers.quality import all_datasets, decisive, with_quality
from embquant.study.settings import NO_STORE

LIMITS = {
    "min_retention": "kept_low",
    "max_latency_p95_ms": "latency_p95_ms",
    "max_bytes_per_vector": "memory_bytes_per_vector",
    "max_usd_per_month": "usd_per_month",
}
"""A requirement → the column that it limits."""

EVERY = "all"
"""The dataset of a recommendation for all datasets of a study together."""

FIGURES = {
    "kept": "min",
    "kept_low": "min",
    "latency_p95_ms": "max",
    "memory_bytes_per_vector": "max",
    "usd_per_month": "max",
}
"""What a setting is judged by → its worst on several datasets."""

PAIR = ["method", "rescore_store"]
CHOICE = [*PAIR, "rescore_multiplier"]


@dataclass(frozen=True)
class Relaxation:
    """Requirements that would have to be these, others staying as they are, for ``setting`` to meet them all."""

    requirements: dict[str, float]
    setting: pd.Series

    def __str__(self) -> str:
        """Say it in words."""
        return f"{_and(f'{name} to {limit:g}' for name, limit in self.requirements.items())} for {named(self.setting)}"


@dataclass(frozen=True)
class Recommendation:
    """What to deploy for ``model`` on ``dataset``: ``fitting`` of ``settings``, the cheapest first, meet ``limits``.

    ``where`` names the dataset to a reader, or all of them.
    """

    dataset: str
    where: str
    model: str
    baseline: str
    settings: pd.DataFrame
    limits: dict[str, float]
    fitting: pd.DataFrame
    runner_up: pd.Series | None = None
    relaxations: Sequence[Relaxation] = ()
    configuration: str = ""
    code: str = ""

    @property
    def best(self) -> pd.Series | None:
        """The setting to deploy, if any meets the requirements."""
        return None if self.fitting.empty else self.fitting.iloc[0]


def recommendations(summary: pd.DataFrame, config: Mapping[str, Any], results: str) -> list[Recommendation]:
    """Recommend for each model on each dataset; where there are several, first on all of them together.

    ``config`` is the study's, with ``requirements`` and ``prices``; ``results`` is the folder of what runs have built.
    """
    found = []
    for model, rows in summary.groupby("model", sort=False):
        datasets = list(rows["dataset"].unique())
        for dataset in [EVERY, *datasets] if len(datasets) > 1 else datasets:
            own = decisive(with_quality(rows if dataset == EVERY else rows[rows["dataset"] == dataset]))
            every = f"{all_datasets(own['dataset'].nunique(), len(datasets))}, by the worst of each figure"
            where = every if dataset == EVERY else dataset
            found.append(recommend(dataset, where, model, own, config, results))
    return found


def recommend(
    dataset: str, where: str, model: str, rows: pd.DataFrame, config: Mapping[str, Any], results: str
) -> Recommendation:
    """Choose among the settings in ``rows``, which are decisive ones of a model on one dataset or several."""
    limits = {name: config["requirements"][name] for name in LIMITS if name in config["requirements"]}
    settings = candidates(rows, config)
    fitting = ranked(settings[~missed(settings, limits).any(axis=1)])
    known = (dataset, where, model, config["baseline"], settings, limits, fitting)
    if fitting.empty:
        return Recommendation(*known, relaxations=relaxations(settings, limits))
    best = fitting.iloc[0]
    others = fitting[(fitting[PAIR] != best[PAIR]).any(axis=1)]
    return Recommendation(
        *known,
        runner_up=None if others.empty else others.iloc[0],
        configuration=configuration(best, config),
        code=code(best, config, f"{results}/{rows['dataset'].iloc[0]}/{model}"),
    )


def candidates(rows: pd.DataFrame, config: Mapping[str, Any]) -> pd.DataFrame:
    """Return a row a setting: its worst figures over the datasets of ``rows``, on all of which it was measured.

    What it takes and costs is that of ``requirements.vectors``, or of the corpus.
    """
    rows = rows.rename(columns={"vectors": "timed_vectors"}).join(
        priced(rows, config, config["requirements"].get("vectors"))
    )
    groups = rows.groupby(CHOICE, sort=False)
    shared = {"measure": "first", "top_k": "first", "vectors": "max", "timed_vectors": "max"}
    settings = groups.agg({**shared, **FIGURES})
    return settings[groups["dataset"].nunique() == rows["dataset"].nunique()].reset_index()


def missed(settings: pd.DataFrame, limits: Mapping[str, float]) -> pd.DataFrame:
    """Return a bool for each setting and requirement: whether it is not met. What wasn't measured isn't met."""
    met = {
        name: settings[LIMITS[name]] >= limit if _is_least(name) else settings[LIMITS[name]] <= limit
        for name, limit in limits.items()
    }
    return ~pd.DataFrame(met, index=settings.index, dtype=bool)


def ranked(settings: pd.DataFrame) -> pd.DataFrame:
    """Order by price; at the same price by candidates rescored, then by the lower bound, then as the study has them."""
    work = settings["rescore_multiplier"].where(settings["rescore_store"] != NO_STORE, 0)
    keys = pd.DataFrame({"price": settings["usd_per_month"], "work": work, "loss": -settings["kept_low"]})
    return settings.loc[keys.sort_values(list(keys), kind="stable").index]


def relaxations(settings: pd.DataFrame, limits: Mapping[str, float]) -> list[Relaxation]:
    """Return, where no setting meets ``limits``, which of them to relax, and how far, to let which setting in.

    Settings that miss fewest requirements count: usually one, and each such requirement is relaxed alone, to the
    value of the setting that comes nearest to it. Where all miss more than one, these are relaxed together.
    """
    settings = settings.dropna(subset=[LIMITS[name] for name in limits])
    misses = missed(settings, limits)
    near = settings[misses.sum(axis=1) == misses.sum(axis=1).min()]
    found = {}
    for at, own in misses.loc[near.index].iterrows():
        found.setdefault(tuple(own.index[own]), []).append(at)
    order = sorted(found, key=lambda names: [name not in names for name in limits])
    return [_relaxed(near.loc[found[names]], {name: limits[name] for name in names}) for names in order]


def _relaxed(settings: pd.DataFrame, limits: Mapping[str, float]) -> Relaxation:
    """Relax ``limits``, all of which all ``settings`` miss, as little as lets one in; the largest step counts."""
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
    """Return the limit of four digits, or fewer, that ``value`` just meets."""
    rounding = ROUND_FLOOR if _is_least(name) else ROUND_CEILING
    return float(Context(prec=4, rounding=rounding).create_decimal(str(float(value))))


def _is_least(name: str) -> bool:
    return name.startswith("min_")


def recommendation_table(found: Sequence[Recommendation]) -> pd.DataFrame:
    """Return ``recommendation.csv``: a row a dataset, or all of them, and model."""
    return pd.DataFrame([_row(own) for own in found])


def _row(own: Recommendation) -> dict[str, Any]:
    nothing = pd.Series(dtype=object)
    best = nothing if own.best is None else own.best
    second = nothing if own.runner_up is None else own.runner_up
    return {
        "dataset": own.dataset,
        "where": own.where,
        "model": own.model,
        **own.settings[["measure", "top_k", "vectors"]].iloc[0],
        "settings": len(own.settings),
        "fitting": len(own.fitting),
        **{name: best.get(name) for name in [*CHOICE, *FIGURES]},
        **{f"runner_up_{name}": second.get(name) for name in [*CHOICE, "kept_low", "usd_per_month"]},
        "relax": "; or ".join(map(str, own.relaxations)),
        "configuration": own.configuration,
        "code": own.code,
    }


def advice(found: Sequence[Recommendation], path: Path) -> str:
    """Return the start of the report: for each model its verdict, and configuration and code to deploy it."""
    parts = []
    for own in _first_of_each_model(found):
        parts.append("\n".join(verdict(own, path)))
        if own.best is not None:
            parts += [f"configuration:\n\n{own.configuration}", f"code:\n\n{own.code}"]
    return "\n\n".join(parts)


def verdicts(found: Sequence[Recommendation], path: Path) -> str:
    """Return the end of the report: each model's verdict."""
    return "\n\n".join("\n".join(verdict(own, path)) for own in _first_of_each_model(found))


def _first_of_each_model(found: Sequence[Recommendation]) -> list[Recommendation]:
    return list({own.model: own for own in reversed(found)}.values())[::-1]


def verdict(own: Recommendation, path: Path) -> list[str]:
    """Return the five lines that a run ends with; ``path`` is the report that says more."""
    where = f"{own.where} · {own.model}"
    required = f"   required: {_and(f'{name} {limit:g}' for name, limit in own.limits.items())}"
    if own.best is not None:
        second = "nothing else" if own.runner_up is None else f"{named(own.runner_up)}: {figures(own.runner_up)}"
        return [
            f"Verdict for {where}: {named(own.best)}",
            f"{required}, which {len(own.fitting)} of {len(own.settings)} settings meet; none of them is cheaper",
            f"   it {figures(own.best)}{_saving(own)}",
            f"   runner-up: {second}",
            f"   to deploy it: configuration and code at the start of {path}",
        ]
    lines = ["no metric of the study has a value here; add overlap@k, k ≤ top_k", "so nothing can be said of quality"]
    if own.relaxations:
        nearest = own.relaxations[0].setting
        lines = [f"to be relaxed: {'; or '.join(map(str, own.relaxations))}", f"{named(nearest)} {figures(nearest)}"]
    return [
        f"Verdict for {where}: none of {len(own.settings)} settings meets the requirements",
        required,
        *(f"   {line}" for line in lines),
        f"   all settings: {path.with_suffix('.csv')}",
    ]


def named(setting: pd.Series) -> str:
    """Return a setting in words."""
    if setting["rescore_store"] == NO_STORE:
        return setting["method"]
    return f"{setting['method']} rescored by {setting['rescore_store']} ×{setting['rescore_multiplier']}"


def figures(setting: pd.Series) -> str:
    """Return what a setting keeps, takes and costs, in words."""
    measure, kept, low = setting[["measure", "kept", "kept_low"]]
    if measure.startswith("retention_"):
        share = f"keeps {kept:.2%} of float32's {measure.removeprefix('retention_')}"
    else:
        share = f"agrees with float32 by {kept:.2%} ({measure}; nothing is judged)"
    bound = f", {low:.2%} at the interval's lower bound" if low < kept else ""
    vectors, timed = setting[["vectors", "timed_vectors"]]
    place = "" if vectors == timed else f" as timed on {timed:,} vectors"
    return (
        f"{share}{bound}; p95 {setting['latency_p95_ms']:.3g} ms{place}; "
        f"{setting['memory_bytes_per_vector']:,.0f} B a vector in memory; "
        f"{usd(setting['usd_per_month'])} USD a month for {vectors:,} vectors"
    )


def _saving(own: Recommendation) -> str:
    """Say how much more the baseline costs, unless it is what is recommended, or all is free."""
    baseline = own.settings[own.settings["method"] == own.baseline].iloc[0]
    if own.best["method"] == own.baseline or own.best["usd_per_month"] == 0:
        return ""
    return f", {baseline['usd_per_month'] / own.best['usd_per_month']:.3g}× less than {own.baseline}"


def usd(price: float) -> str:
    """Write a price: cents, and of less than a dollar two digits."""
    return f"{price:,.2f}" if price >= 1 else f"{price:.2g}"


def _and(parts: Any) -> str:
    return " and ".join(parts)
