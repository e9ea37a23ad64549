"""Populations of queries whose retention is known, and how often intervals from samples of them hold it.

``PYTHONPATH=tests python -m support.known_populations`` prints the tables of docs/statistics.md.
"""

from functools import cache

import numpy as np

from embquant.measure.statistics import (
    difference_interval,
    kept_interval,
    percentile_interval,
    resample_counts,
    rounded,
    sample_means,
    sample_weights,
)

SIZE = 400_000
GRADES = [0, 0.39, 0.5, 0.63, 1]
"""nDCG@10 of a query with one relevant document, found at rank 1, 2, 3, 5, or not at all."""

CHANGED = [(1000, 0.2), (1000, 0.03), (300, 0.5), (300, 0.2), (300, 0.03), (100, 0.2), (100, 0.03), (50, 0.2)]
"""Queries of a study, and the share of them that the setting changes."""

FEW = [(queries, expected / queries) for queries in (35, 100, 300, 1000) for expected in (0, 1, 3, 10)]
"""The same, where so many queries are expected to differ."""


@cache
def population(how, share):
    """Return values of the baseline and of a setting that changes a share of them, float64 (2, SIZE).

    ``anew``: to other grades, mostly for the worse; ``lost``: to 0, from any other; ``best``: from 1 to 0; ``mixed``:
    the same, besides half of the others a little, up or down.
    """
    rng = np.random.default_rng([SIZE, round(share * SIZE)])
    reference = rng.choice(GRADES, SIZE, p=[0.3, 0.1, 0.1, 0.1, 0.4])
    setting = reference.copy()
    if how == "anew":
        anew = rng.choice(GRADES, SIZE, p=[0.5, 0.1, 0.1, 0.1, 0.2])
        return np.stack([reference, np.where(rng.random(SIZE) < share, anew, reference)])
    if how == "mixed":
        some = (reference > 0) & (reference < 1) & (rng.random(SIZE) < 0.5)
        setting[some] += rng.normal(0, 0.03, some.sum())
    candidates = np.flatnonzero(reference > 0 if how == "lost" else reference == 1)
    setting[rng.permutation(candidates)[: round(share * SIZE)]] = 0
    return np.stack([reference, setting])


def held(how, share, queries, studies, resamples=1000):
    """Return how often percentiles and the intervals of reports hold the retention, and their median widths, (2, 2)."""
    values = population(how, share)
    truth = values[1].mean() / values[0].mean()
    counts, weights = resample_counts(queries, resamples, 0), sample_weights(queries, resamples, 0)
    reference, setting = rounded(values[:, np.random.default_rng(queries).integers(SIZE, size=(studies, queries))])
    ratios = sample_means(setting, counts) / sample_means(reference, counts)
    now, _ = kept_interval(setting, reference, ratios, weights, 0.95, unseen_high=0.0)
    low, high = np.stack([percentile_interval(ratios, 0.95), now], axis=1)[1:]
    return ((low - 1e-9 <= truth) & (truth <= high + 1e-9)).mean(axis=1), np.median(high - low, axis=1)


def difference_held(how, share, queries, studies, resamples=1000):
    """Return the same of the difference of the two means."""
    values = population(how, share)
    truth = values[1].mean() - values[0].mean()
    counts, weights = resample_counts(queries, resamples, 0), sample_weights(queries, resamples, 0)
    reference, setting = rounded(values[:, np.random.default_rng(queries).integers(SIZE, size=(studies, queries))])
    means = sample_means(setting - reference, counts)
    now = difference_interval(setting - reference, means, weights, 0.95, most=1.0)
    low, high = np.stack([percentile_interval(means, 0.95), now], axis=1)[1:]
    return ((low - 1e-9 <= truth) & (truth <= high + 1e-9)).mean(axis=1), np.median(high - low, axis=1)


def main():
    """Print the tables, of 2,000 studies a row."""
    for held_by in (held, difference_held):
        print_table(held_by)


def print_table(held_by):
    """Print how often the intervals hold what ``held_by`` estimates."""
    print(f"\n{held_by.__name__}\n| queries | differ | how | percentiles | now | width, percentiles | width, now |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    rows = [("anew", *row) for row in CHANGED] + [
        (how, *row) for row in FEW for how in ("anew", "lost", "best", "mixed")
    ]
    for how, queries, share in rows:
        (before, now), widths = held_by(how, share, queries, 2000)
        differ = f"{share * queries:.0f}"
        print(
            f"| {queries:,} | {differ} | {how} | {before:.1%} | {now:.1%} | {widths[0]:.3f} | {widths[1]:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
