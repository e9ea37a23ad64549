"""What chance does to a study's retrieval metrics: means with intervals, tests of differences, averages over datasets.

All of it is computed from the values per query. docs/statistics.md gives the definitions and their reasons,
docs/columns.md the columns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd

from embquant.files.parquet import open_parquet
from embquant.measure.statistics import (
    holm,
    least_detectable_difference,
    percentile_interval,
    randomization_test,
    resample_counts,
    rounded,
    sample_means,
)
from embquant.report.measure import Measure

RUN = ["dataset", "model", "method"]
SETTING = ["rescore_store", "rescore_multiplier", "top_k"]
VARIED = ["method", "rescore_store", "rescore_multiplier"]
"""What differs between settings that are compared; they return equally many documents."""

INTERVAL = ["", "_low", "_high"]
VERDICTS = {"better": "wins", "noise": "ties", "worse": "losses"}
"""A verdict on a difference → what it counts as over datasets."""

COMPARISONS = [
    *("dataset", "model", "kind", "metric", "top_k", "comparison"),
    *VARIED,
    *(f"other_{name}" for name in VARIED),
    *("queries", "differing"),
    *(f"difference{end}" for end in INTERVAL),
    *("p", "p_holm", "verdict", "least_detectable"),
]
OVER_DATASETS = ["model", *VARIED, "top_k", "kind", "metric"]
MACRO = [
    *(*OVER_DATASETS, "datasets"),
    *(f"{name}{end}" for name in ("mean", "retention") for end in INTERVAL),
    *VERDICTS.values(),
]


@dataclass(frozen=True)
class Chance:
    """How chance is estimated: number and seed of resamples, and the confidence of intervals (1 − level of tests)."""

    seed: int
    resamples: int
    confidence: float


@dataclass(frozen=True)
class Measured:
    """Settings of one dataset and model; ``metrics`` are float64 (settings, queries), NaN where there is none."""

    settings: pd.DataFrame
    metrics: dict[str, np.ndarray]

    def by_top_k(self) -> Iterator["Measured"]:
        """Yield the settings that return equally many documents."""
        for rows in self.settings.groupby("top_k", sort=False).indices.values():
            yield Measured(self.settings.iloc[rows], {name: values[rows] for name, values in self.metrics.items()})

    def compared_metrics(self) -> tuple[str, list[str]]:
        """Return what settings are compared in: quality, by the first judged metric; without one, agreement."""
        known = [Measure.of_metric(name) for name, values in self.metrics.items() if not np.isnan(values).any()]
        measures = [measure for measure in known if measure is not None]
        judged = [measure.metric for measure in measures if measure.is_retention]
        overlaps = [measure.metric for measure in measures if measure.is_overlap]
        rbo = [measure.metric for measure in measures if measure.metric == "rbo"]
        return ("quality", judged[:1]) if judged else ("agreement", overlaps[:1] + rbo)


@dataclass(frozen=True)
class Comparison:
    """Settings and the metric in which they are compared.

    ``scores`` are its values, float64 (settings, queries); ``means`` and ``retentions`` are (settings, samples).
    """

    settings: pd.DataFrame
    scores: np.ndarray
    means: np.ndarray
    retentions: np.ndarray


@dataclass
class Total:
    """Sums over datasets: of means and retentions in each sample, and of verdicts, (settings, 3).

    A setting is summed over the datasets that have it, ``datasets`` (settings,).
    """

    settings: pd.DataFrame
    datasets: np.ndarray
    means: np.ndarray
    retentions: np.ndarray
    verdicts: np.ndarray

    def add(self, other: "Total") -> None:
        """Add the sums of other datasets; settings that they alone have come last."""
        known, others = (pd.MultiIndex.from_frame(total.settings[VARIED]) for total in (self, other))
        more = ~others.isin(known)
        places = known.append(others[more]).get_indexer(others)
        self.settings = pd.concat([self.settings, other.settings[more]], ignore_index=True)
        for name in ("datasets", "means", "retentions", "verdicts"):
            added = getattr(other, name)
            sums = np.concatenate([getattr(self, name), np.zeros_like(added[more])])
            sums[places] += added
            setattr(self, name, sums)


def read_measured(runs: Sequence[Path]) -> Measured:
    """Read what was measured of all methods on one dataset and model.

    A row group of metrics.parquet is a setting; the queries are in the same order in all. Values are rounded, so that
    those that differ by the order of a sum don't count as different.
    """
    settings: list[list[Any]] = []
    metrics: dict[str, list[np.ndarray]] = {}
    for run in runs:
        file = open_parquet(run / "metrics.parquet", ["query_id", *SETTING])
        for number in range(file.num_row_groups):
            table = file.read_row_group(number)
            keys = (table.column(name)[0].as_py() for name in SETTING)
            settings.append([*run.parts[-3:], *keys, table.num_rows])
            for name in table.drop_columns(["query_id", *SETTING]).column_names:
                metrics.setdefault(name, []).append(table.column(name).to_numpy())
    stacked = {name: rounded(np.stack(rows)) for name, rows in metrics.items()}
    return Measured(pd.DataFrame(settings, columns=[*RUN, *SETTING, "queries"]), stacked)


class Analysis:
    """The tables of a study, to which its datasets and models are added one after the other."""

    def __init__(self, baseline: str, chance: Chance) -> None:
        """Refer retentions to the method ``baseline``, and compare all others with it."""
        self._baseline = baseline
        self._chance = chance
        self._retrieval: list[pd.DataFrame] = []
        self._comparisons: list[pd.DataFrame] = []
        self._totals: dict[tuple[Any, ...], Total] = {}

    @classmethod
    def of(cls, runs: Sequence[Path], baseline: str, chance: Chance) -> "Analysis":
        """Analyse the folders …/{dataset}/{model}/{method} of runs, those of a dataset and model in a row."""
        analysis = cls(baseline, chance)
        for _, of_model in groupby(runs, lambda run: run.parts[-3:-1]):
            analysis.add(read_measured(list(of_model)))
        return analysis

    def add(self, measured: Measured) -> None:
        """Analyse all settings of one dataset and model; resamples depend on the dataset's name alone."""
        first = measured.settings.iloc[0]
        seed = [self._chance.seed, crc32(first["dataset"].encode())]
        counts = resample_counts(int(first["queries"]), self._chance.resamples, seed)
        tables = [self._add_group(group, counts, seed) for group in measured.by_top_k()]
        self._retrieval.append(pd.concat(tables).sort_index())

    def retrieval(self) -> pd.DataFrame:
        """Return the means and retentions of every setting, with intervals, and how it compares with the baseline."""
        return pd.concat(self._retrieval, ignore_index=True)

    def comparisons(self) -> pd.DataFrame:
        """Return the tests of every setting against the baseline, and against the next best."""
        return pd.concat([pd.DataFrame(), *self._comparisons], ignore_index=True).reindex(columns=COMPARISONS)

    def macro(self) -> pd.DataFrame:
        """Return the averages of every setting over datasets, with intervals, and how often it won, tied and lost."""
        parts = [
            total.settings.assign(
                datasets=total.datasets,
                **self._interval("mean", total.means / total.datasets[:, None], total.settings.index),
                **self._interval("retention", total.retentions / total.datasets[:, None], total.settings.index),
                **dict(zip(VERDICTS.values(), total.verdicts.T, strict=True)),
            )
            for total in self._totals.values()
        ]
        return pd.concat([pd.DataFrame(), *parts], ignore_index=True).reindex(columns=MACRO)

    def _add_group(self, group: Measured, counts: np.ndarray, seed: list[int]) -> pd.DataFrame:
        """Return the group's rows of ``retrieval``; add to the comparisons and to the totals over datasets."""
        settings = group.settings
        baseline = int(np.flatnonzero(settings["method"] == self._baseline)[0])
        kind, compared = group.compared_metrics()
        columns: dict[str, pd.Series] = {}
        retentions: dict[str, pd.Series] = {}
        verdicts: dict[str | None, np.ndarray] = {}
        for metric, values in group.metrics.items():
            has_values = ~np.isnan(values).any(axis=1)
            means = sample_means(values[has_values], counts)
            ratios = np.full_like(means, np.nan)
            columns |= self._interval(metric, means, settings.index[has_values])
            measure = Measure.of_metric(metric)
            if measure is not None and measure.is_retention:
                reference = means[baseline : baseline + 1]
                np.divide(means, reference, out=ratios, where=reference > 0)
                retentions |= self._interval(measure.column, ratios, settings.index[has_values])
            if metric in compared:
                labelled = settings.assign(kind=kind, metric=metric)
                verdicts[metric] = self._add_compared(Comparison(labelled, values, means, ratios), baseline, seed)
        first = compared[0] if compared else None
        return settings.assign(**columns, **retentions, compared_in=first, verdict=verdicts.get(first))

    def _add_compared(self, comparison: Comparison, baseline: int, seed: list[int]) -> np.ndarray:
        """Compare all settings with the baseline, and each with the next best; return the verdicts of the former."""
        others = np.delete(np.arange(len(comparison.means)), baseline)
        against = self._tests(comparison, others, np.full_like(others, baseline), seed)
        neighbours = self._tests(comparison, *_neighbours(comparison), seed)
        self._comparisons += [against.assign(comparison="baseline"), neighbours.assign(comparison="neighbour")]
        verdicts = np.full(len(comparison.means), None)
        verdicts[others] = against["verdict"]
        keys = tuple(comparison.settings[["model", "kind", "metric", "top_k"]].iloc[0])
        counts = (verdicts[:, None] == list(VERDICTS)).astype(np.int64)
        once = np.ones(len(counts), np.int64)
        total = Total(comparison.settings, once, comparison.means, comparison.retentions, counts)
        if keys in self._totals:
            self._totals[keys].add(total)
        else:
            self._totals[keys] = total
        return verdicts

    def _tests(self, comparison: Comparison, one: np.ndarray, other: np.ndarray, seed: list[int]) -> pd.DataFrame:
        """Test a family of pairs of settings, given as row numbers."""
        settings = comparison.settings.iloc[one].reset_index(drop=True)
        return settings.assign(
            **comparison.settings.iloc[other][VARIED].reset_index(drop=True).add_prefix("other_"),
            **self._interval("difference", comparison.means[one] - comparison.means[other]),
            **tested(comparison.scores[one] - comparison.scores[other], self._chance, seed),
        )

    def _interval(self, name: str, samples: np.ndarray, index: pd.Index | None = None) -> dict[str, pd.Series]:
        """Return three columns: what a statistic is, and the ends of its interval."""
        ends = percentile_interval(samples, self._chance.confidence)
        return {f"{name}{end}": pd.Series(values, index) for end, values in zip(INTERVAL, ends, strict=True)}


def tested(differences: np.ndarray, chance: Chance, seed: list[int]) -> dict[str, np.ndarray]:
    """Test a family of ``differences`` (pairs, queries); pairs with the same differences are one test.

    Returns the columns ``differing``, ``p``, ``p_holm``, ``verdict`` and ``least_detectable``, each (pairs,).
    """
    level = 1 - chance.confidence
    distinct, pair = np.unique(differences, axis=0, return_inverse=True)
    p = randomization_test(distinct, chance.resamples, seed)
    p_holm = holm(p)[pair]
    return {
        "differing": np.count_nonzero(distinct, axis=1)[pair],
        "p": p[pair],
        "p_holm": p_holm,
        "verdict": np.select([p_holm > level, differences.sum(axis=1) > 0], ["noise", "better"], "worse"),
        "least_detectable": least_detectable_difference(distinct, level / max(1, len(p)))[pair],
    }


def _neighbours(comparison: Comparison) -> tuple[np.ndarray, np.ndarray]:
    """Return the settings but the worst, best first, and for each the next one that isn't the same for every query."""
    _, same = np.unique(comparison.scores, axis=0, return_inverse=True)
    best_first = np.lexsort((same, -comparison.means[:, 0]))
    runs = np.cumsum(np.diff(same[best_first], prepend=same[best_first[0]]) != 0)
    following = np.searchsorted(runs, runs, side="right")
    has_one = following < len(runs)
    return best_first[has_one], best_first[following[has_one]]
