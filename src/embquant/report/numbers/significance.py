"""What chance does to a study's retrieval metrics: means with intervals, tests of differences, averages over datasets.

All of it is computed from the values per query. docs/statistics.md gives the definitions and their reasons,
docs/columns.md the columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from embquant.measure.statistics import holm, least_detectable_difference, percentile_interval, randomization_test
from embquant.report.numbers.intervals import INTERVAL, Chance, Resamples
from embquant.report.numbers.kept import Comparison, Kept, as_columns
from embquant.report.numbers.measured import Measured, read_measured

VARIED = ["method", "rescore_store", "rescore_multiplier"]
"""What differs between settings that are compared; they return equally many documents."""

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


@dataclass
class Total:
    """Sums over datasets: of means and retentions in each sample, and of verdicts, (settings, 3).

    A setting is summed over the datasets that have it, ``datasets`` (settings,). ``squares`` (settings, 2) are sums of
    the squared distances of what settings keep from the ends of its interval, ``widened`` (settings,) is the number of
    such intervals that are widened.
    """

    settings: pd.DataFrame
    datasets: np.ndarray
    means: np.ndarray
    retentions: np.ndarray
    verdicts: np.ndarray
    squares: np.ndarray
    widened: np.ndarray

    @classmethod
    def of(cls, comparison: Comparison, verdicts: np.ndarray) -> "Total":
        """Return the sums of one dataset."""
        squares = ((comparison.kept[1:] - comparison.kept[0]) ** 2).T
        samples = (comparison.means, comparison.retentions)
        widened = comparison.widened.astype(np.int64)
        return cls(comparison.settings, np.ones_like(widened), *samples, verdicts, squares, widened)

    def add(self, other: "Total") -> None:
        """Add the sums of other datasets; settings that they alone have come last."""
        known, others = (pd.MultiIndex.from_frame(total.settings[VARIED]) for total in (self, other))
        more = ~others.isin(known)
        places = known.append(others[more]).get_indexer(others)
        self.settings = pd.concat([self.settings, other.settings[more]], ignore_index=True)
        for name in ("datasets", "means", "retentions", "verdicts", "squares", "widened"):
            added = getattr(other, name)
            sums = np.concatenate([getattr(self, name), np.zeros_like(added[more])])
            sums[places] += added
            setattr(self, name, sums)

    def mean(self, confidence: float) -> np.ndarray:
        """Return the average of the metric and the ends of its interval, (3, settings)."""
        ends = percentile_interval(self.means / self.datasets[:, None], confidence)
        return ends if self._is_quality else self._with_widened(ends)

    def retention(self, confidence: float) -> np.ndarray:
        """Return the average of the retention and the ends of its interval, (3, settings); NaN for agreement."""
        ends = percentile_interval(self.retentions / self.datasets[:, None], confidence)
        return self._with_widened(ends) if self._is_quality else ends

    @property
    def _is_quality(self) -> bool:
        return bool(self.settings["kind"].iloc[0] == "quality")

    def _with_widened(self, ends: np.ndarray) -> np.ndarray:
        """Replace the ends of widened intervals: their distances add up as those of independent estimates do.

        Zou and Donner 2008, "Construction of confidence limits about effect measures: a general approach".
        """
        distances = np.sqrt(self.squares.T) / self.datasets * [[-1], [1]]
        return np.vstack([ends[:1], np.where(self.widened > 0, ends[0] + distances, ends[1:])])


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
        """Analyse all settings of one dataset and model."""
        first = measured.settings.iloc[0]
        resamples = Resamples(first["dataset"], int(first["queries"]), self._chance)
        p = np.nan if measured.baseline_p is None else measured.baseline_p
        tables = [self._add_group(group, resamples) for group in measured.by_top_k()]
        self._retrieval.append(pd.concat(tables).sort_index().assign(baseline_p=p))

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
                **as_columns("mean", total.mean(self._chance.confidence), total.settings.index),
                **as_columns("retention", total.retention(self._chance.confidence), total.settings.index),
                **dict(zip(VERDICTS.values(), total.verdicts.T, strict=True)),
            )
            for total in self._totals.values()
        ]
        return pd.concat([pd.DataFrame(), *parts], ignore_index=True).reindex(columns=MACRO)

    def _add_group(self, group: Measured, resamples: Resamples) -> pd.DataFrame:
        """Return the group's rows of ``retrieval``; add to the comparisons and to the totals over datasets."""
        settings = group.settings
        baseline = int(np.flatnonzero(settings["method"] == self._baseline)[0])
        kept = Kept.of(group, baseline, resamples)
        verdicts: dict[str | None, np.ndarray] = {}
        for metric, comparison in kept.comparisons.items():
            verdicts[metric] = self._add_compared(comparison, baseline, resamples)
            if not group.at_chance:
                self._add_total(comparison, verdicts[metric])
        verdict = verdicts.get(kept.compared_in)
        return settings.assign(**kept.columns, compared_in=kept.compared_in, verdict=verdict)

    def _add_compared(self, comparison: Comparison, baseline: int, resamples: Resamples) -> np.ndarray:
        """Compare all settings with the baseline, and each with the next best; return the verdicts of the former."""
        others = np.delete(np.arange(len(comparison.means)), baseline)
        against = self._tests(comparison, others, np.full_like(others, baseline), resamples)
        neighbours = self._tests(comparison, *_neighbours(comparison), resamples)
        self._comparisons += [against.assign(comparison="baseline"), neighbours.assign(comparison="neighbour")]
        verdicts = np.full(len(comparison.means), None)
        verdicts[others] = against["verdict"]
        return verdicts

    def _add_total(self, comparison: Comparison, verdicts: np.ndarray) -> None:
        """Add to the sums over datasets; a dataset whose baseline is at chance has no part in them."""
        keys = tuple(comparison.settings[["model", "kind", "metric", "top_k"]].iloc[0])
        total = Total.of(comparison, (verdicts[:, None] == list(VERDICTS)).astype(np.int64))
        if keys in self._totals:
            self._totals[keys].add(total)
        else:
            self._totals[keys] = total

    def _tests(self, comparison: Comparison, one: np.ndarray, other: np.ndarray, resamples: Resamples) -> pd.DataFrame:
        """Test a family of pairs of settings, given as row numbers."""
        settings = comparison.settings.iloc[one].reset_index(drop=True)
        scores = comparison.scores
        return settings.assign(
            **comparison.settings.iloc[other][VARIED].reset_index(drop=True).add_prefix("other_"),
            **as_columns("difference", resamples.difference(scores[one], scores[other])),
            **tested(scores[one] - scores[other], self._chance, resamples.seed),
        )


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
