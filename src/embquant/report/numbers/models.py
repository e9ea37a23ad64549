"""How the settings of all models of a study compare: by quality itself, on the same queries.

A share of float32's quality says nothing across models, because each has a float32 of its own. The queries of a dataset
are the same for all, and so are their resamples. So differences are paired, as those within a model are.
docs/models.md explains the tables.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from embquant.measure.statistics import percentile_interval
from embquant.report.measure import deciding
from embquant.report.numbers.cost import priced
from embquant.report.numbers.intervals import INTERVAL, Chance, Resamples
from embquant.report.numbers.kept import as_columns
from embquant.report.numbers.measured import RUN, SETTING, read_measured
from embquant.report.numbers.quality import pareto
from embquant.report.numbers.recommendation import EVERY
from embquant.report.numbers.significance import VARIED, tested
from embquant.report.numbers.spread import EXPECTED, ties_matter
from embquant.study.study import Study

KEYS = [*RUN, *SETTING]
COSTS = ["memory_bytes_per_vector", "usd_per_month", "latency_p50_ms", "latency_p95_ms"]
TIMED = {"query_embedding_p50_ms": "query_latency_p50_ms", "texts_per_second": "documents_per_second"}
"""Times, with intervals, and their columns in embedding.csv."""
EMBEDDING = [*(f"{name}{end}" for name in TIMED for end in INTERVAL), "usd_per_million_texts"]
SETTINGS = [
    *(*KEYS, "metric", "queries", *(f"quality{end}" for end in INTERVAL)),
    *("best_model", *(f"against_best{end}" for end in INTERVAL)),
    *(*COSTS, *EMBEDDING, "pareto"),
]
DIFFERENCES = [
    *("dataset", "metric", "top_k", "model", *VARIED, "memory_bytes_per_vector"),
    *("other_model", "other_method", "other_memory_bytes_per_vector", "queries", "differing"),
    *(f"difference{end}" for end in INTERVAL),
    *("p", "p_holm", "verdict", "least_detectable"),
]


@dataclass(frozen=True)
class Judged:
    """The settings of all models on a dataset, as they compare in ``metric``.

    ``settings`` have the columns of the summary. ``scores`` are float64 (settings, queries), the expected ones where
    ties matter. ``against`` has, by model, the differences to its baseline with their intervals, (3, settings).
    """

    metric: str
    settings: pd.DataFrame
    scores: np.ndarray
    resamples: Resamples
    against: dict[str, np.ndarray]

    @classmethod
    def of(cls, runs: Sequence[Path], settings: pd.DataFrame, metric: str, study: Study, chance: Chance) -> Self:
        """Read the values per query of ``settings``, which ``runs`` have measured."""
        settings = settings.reset_index(drop=True)
        dataset, queries = settings["dataset"].iloc[0], int(settings["queries"].iloc[0])
        resamples = Resamples(dataset, queries, chance)
        scores = np.empty((len(settings), queries))
        for model, rows in settings.groupby("model", sort=False).indices.items():
            scores[rows] = _scores([run for run in runs if run.parts[-2] == model], settings.iloc[rows], metric)
        against = {}
        for model, row in _baselines(settings, study).items():
            against[model] = resamples.difference(scores, scores[row : row + 1])
            against[model][1:, row] = 0.0  # what a baseline is below itself is no estimate
        return cls(metric, settings, scores, resamples, against)

    def means(self) -> np.ndarray:
        """Return the mean of each setting in the sample and in each resample, (settings, 1 + resamples)."""
        return self.resamples.means(self.scores)

    def at(self, rows: np.ndarray) -> "Judged":
        """Return the settings in ``rows`` alone."""
        against = {model: ends[:, rows] for model, ends in self.against.items()}
        settings = self.settings.iloc[rows].reset_index(drop=True)
        return Judged(self.metric, settings, self.scores[rows], self.resamples, against)

    def differences(self, study: Study) -> pd.DataFrame:
        """Test every setting against the baseline of every other model, as one family; a row each."""
        baselines = _baselines(self.settings, study)
        pairs = [
            (row, other)
            for row, own in enumerate(self.settings["model"])
            for model, other in baselines.items()
            if model != own
        ]
        one, other = np.array(pairs, np.int64).reshape(-1, 2).T
        settings, others = (self.settings.iloc[rows].reset_index(drop=True) for rows in (one, other))
        ends = [self.against[model][:, row] for model, row in zip(others["model"], one, strict=True)]
        table = settings.assign(
            metric=self.metric,
            **{f"other_{name}": others[name] for name in ("model", "method", "memory_bytes_per_vector")},
            **as_columns("difference", np.reshape(ends, (-1, 3)).T),
            **tested(self.scores[one] - self.scores[other], self.resamples.chance, self.resamples.seed),
        )
        return table[DIFFERENCES]


@dataclass(frozen=True)
class Models:
    """All settings of all models, and the differences between models; docs/columns.md explains the columns."""

    settings: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=SETTINGS))
    differences: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=DIFFERENCES))

    @classmethod
    def of(
        cls, runs: Sequence[Path], summary: pd.DataFrame, embedding: pd.DataFrame, study: Study, chance: Chance
    ) -> Self:
        """Compare the settings of ``summary`` that are judged, on each dataset and on all of them together.

        ``runs`` are the folders …/{dataset}/{model}/{method}; ``embedding`` is embedding.csv. Both tables are empty
        where nothing is judged.
        """
        costs = priced(summary, study, study.config.requirements.vectors)[["memory_bytes_per_vector", "usd_per_month"]]
        judged = list(_judged(runs, summary.join(costs), study, chance))
        over_all = [_over_datasets(judged, study)] if len(judged) > 1 else []
        tables = [*over_all, *(_of_dataset(one, study) for one in judged)]
        settings = pd.concat([pd.DataFrame(columns=["dataset", "model"]), *tables], ignore_index=True)
        settings = settings.merge(_embedding(embedding, study), on=["dataset", "model"], how="left")
        differences = pd.concat([pd.DataFrame(), *(one.differences(study) for one in judged)], ignore_index=True)
        return cls(settings.reindex(columns=SETTINGS), differences.reindex(columns=DIFFERENCES))


def _judged(runs: Sequence[Path], summary: pd.DataFrame, study: Study, chance: Chance) -> Iterator[Judged]:
    """Yield each judged dataset's settings at the least ``top_k`` at which the first judged metric has values."""
    measure = deciding(study.config.metrics)
    if measure is None or not measure.is_retention:
        return
    for dataset, rows in summary[summary[measure.metric].notna()].groupby("dataset", sort=False):
        settings = rows[rows["top_k"] == rows["top_k"].min()]
        yield Judged.of([run for run in runs if run.parts[-3] == dataset], settings, measure.metric, study, chance)


def _scores(runs: Sequence[Path], settings: pd.DataFrame, metric: str) -> np.ndarray:
    """Return the values per query of the ``settings`` of one dataset and model, float64 (settings, queries)."""
    measured = read_measured(runs)
    rows = pd.MultiIndex.from_frame(measured.settings[KEYS]).get_indexer(pd.MultiIndex.from_frame(settings[KEYS]))
    if ties_matter(settings, metric).any():
        return measured.over_ties[f"{metric}{EXPECTED}"][rows]
    return measured.metrics[metric][rows]


def _baselines(settings: pd.DataFrame, study: Study) -> dict[str, int]:
    """Return the row of each model's baseline, by model."""
    models = settings["model"]
    return {models[row]: int(row) for row in np.flatnonzero(settings["method"] == study.config.baseline)}


def _best_model(settings: pd.DataFrame, means: np.ndarray, study: Study) -> str:
    """Return the model whose baseline has the highest of the ``means`` (settings,)."""
    baselines = _baselines(settings, study)
    return max(baselines, key=lambda model: means[baselines[model]])


def _of_dataset(judged: Judged, study: Study) -> pd.DataFrame:
    """Return the settings on a dataset, with their quality and how far they are from the best model's."""
    quality = percentile_interval(judged.means(), judged.resamples.chance.confidence)
    best = _best_model(judged.settings, quality[0], study)
    return _with_quality(judged, quality, best, judged.against[best])


def _over_datasets(judged: Sequence[Judged], study: Study) -> pd.DataFrame:
    """Return the settings that all datasets have, with means over these.

    The ends of intervals of differences add up as those of independent estimates do (Zou and Donner 2008).
    """
    keys = [pd.MultiIndex.from_frame(one.settings[KEYS[1:]]) for one in judged]
    shared = reduce(lambda known, other: known[known.isin(other)], keys)
    each = [one.at(own.get_indexer(shared)) for one, own in zip(judged, keys, strict=True)]
    quality = percentile_interval(np.mean([one.means() for one in each], axis=0), each[0].resamples.chance.confidence)
    best = _best_model(each[0].settings, quality[0], study)
    ends = np.stack([one.against[best] for one in each])
    middle = ends[:, 0].mean(axis=0)
    distances = np.sqrt(((ends[:, 1:] - ends[:, :1]) ** 2).sum(axis=0)) / len(each)
    over_all = _with_quality(each[0], quality, best, np.stack([middle, middle - distances[0], middle + distances[1]]))
    costs = {name: np.mean([one.settings[name] for one in each], axis=0) for name in COSTS}
    return over_all.assign(dataset=EVERY, queries=sum(one.scores.shape[1] for one in each), **costs)


def _with_quality(judged: Judged, quality: np.ndarray, best: str, against: np.ndarray) -> pd.DataFrame:
    """Return the settings with the columns of their ``quality`` and of the difference to the ``best`` model."""
    settings = judged.settings.drop(columns="pareto", errors="ignore")
    return settings.assign(
        metric=judged.metric,
        **as_columns("quality", quality),
        best_model=best,
        **as_columns("against_best", against),
        pareto=pareto(settings["memory_bytes_per_vector"], pd.Series(quality[0])),
    )


def _embedding(embedding: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return what embedding texts takes and costs, a row per dataset and model, and per model over all datasets.

    The price is that of the cores of the measurement; a GPU has none.
    """
    rate, cores = embedding["documents_per_second"], embedding["threads"].where(embedding["device"] == "cpu")
    usd_per_hour = cores * study.config.prices.embedding.usd_per_core_hour
    table = embedding[["dataset", "model"]].assign(
        **{f"{name}{end}": embedding[f"{timed}{end}"] for name, timed in TIMED.items() for end in INTERVAL},
        usd_per_million_texts=1e6 / rate / 3600 * usd_per_hour,
    )
    means = table.groupby("model", sort=False)[EMBEDDING].mean().reset_index().assign(dataset=EVERY)
    return pd.concat([table, means], ignore_index=True)
