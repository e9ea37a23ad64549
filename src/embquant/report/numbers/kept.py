"""What settings of one dataset and model measure and keep of the baseline, with intervals."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from embquant.measure.statistics import percentile_interval
from embquant.report.measure import Measure
from embquant.report.numbers.intervals import INTERVAL, Resamples
from embquant.report.numbers.measured import Measured
from embquant.report.numbers.spread import EXPECTED, hidden_by_means, ties_matter


@dataclass(frozen=True)
class Comparison:
    """Settings and the metric in which they are compared.

    ``scores`` are its values, float64 (settings, queries); ``means`` and ``retentions`` are (settings, samples).
    ``kept`` is what settings keep, with the ends of its interval, (3, settings), and ``widened`` (settings,) whether
    that is widened.
    """

    settings: pd.DataFrame
    scores: np.ndarray
    means: np.ndarray
    retentions: np.ndarray
    kept: np.ndarray
    widened: np.ndarray


@dataclass(frozen=True)
class Kept:
    """What settings keep: ``columns`` by name, and by metric the comparisons that differences are tested in.

    ``compared_in`` is the metric that counts most.
    """

    columns: dict[str, pd.Series]
    comparisons: dict[str, Comparison]
    compared_in: str | None

    @classmethod
    def of(cls, group: Measured, baseline: int, resamples: Resamples) -> "Kept":
        """Compute means and retentions of settings that return equally many documents.

        ``baseline`` is the row of the baseline among them. Retentions refer to it.
        """
        settings = group.settings
        kind, compared = group.compared_metrics()
        hidden = hidden_by_means(group.metrics, group.over_ties, baseline, settings.index)
        columns: dict[str, pd.Series] = {}
        retentions: dict[str, pd.Series] = {}
        comparisons: dict[str, Comparison] = {}
        for metric, all_values in group.metrics.items():
            has_values = ~np.isnan(all_values).any(axis=1)
            values, index = all_values[has_values], settings.index[has_values]
            means = resamples.means(values)
            columns |= as_columns(metric, percentile_interval(means, resamples.chance.confidence), index)
            measure = Measure.of_metric(metric)
            if measure is None:
                continue
            labelled = settings.assign(kind=kind, metric=metric)
            keep = partial(_comparison, labelled, baseline, resamples, measure, at_chance=group.at_chance)
            comparison = keep(values=values, means=means)
            ends = as_columns(measure.column, comparison.kept, index)
            (retentions if measure.is_retention else columns).update(ends)
            if metric in compared:
                if measure.is_retention and ties_matter(pd.DataFrame(columns | hidden), metric).any():
                    values = group.over_ties[f"{metric}{EXPECTED}"]
                    comparison = keep(values=values, means=resamples.means(values))
                    retentions |= as_columns(f"{measure.column}{EXPECTED}", comparison.kept, index)
                comparisons[metric] = comparison
        return cls(columns | retentions | hidden, comparisons, compared[0] if compared else None)


def _comparison(
    settings: pd.DataFrame,
    baseline: int,
    resamples: Resamples,
    measure: Measure,
    *,
    at_chance: bool,
    values: np.ndarray,
    means: np.ndarray,
) -> Comparison:
    """Return what ``settings`` keep by ``values`` (settings, queries), whose ``means`` are (settings, samples)."""
    ratios = np.full_like(means, np.nan)
    if measure.is_retention and not at_chance:
        reference = means[baseline : baseline + 1]
        np.divide(means, reference, out=ratios, where=reference > 0)
    samples = ratios if measure.is_retention else means
    kept, widened = resamples.kept(values, samples, baseline, measure.is_retention)
    return Comparison(settings, values, means, ratios, kept, widened)


def as_columns(name: str, ends: np.ndarray, index: pd.Index | None = None) -> dict[str, pd.Series]:
    """Return the columns of an interval: what a statistic is, and its low and high end, which are (3, settings)."""
    return {f"{name}{end}": pd.Series(values, index) for end, values in zip(INTERVAL, ends, strict=True)}
