"""How far the means of settings are apart where an index turns out otherwise each time it is built."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import pandas as pd

from embquant.report.numbers.measured import RUN, SETTING, read_measured
from embquant.study.builds import first_build

LEAST, GREATEST = "_builds_least", "_builds_greatest"


def with_builds(settings: pd.DataFrame, runs: Sequence[Path], repeated: Sequence[Path]) -> pd.DataFrame:
    """Append to ``settings`` the number of builds that were measured, and of each metric the least and greatest mean.

    ``runs`` are the folders …/{dataset}/{model}/{method} of methods, and ``repeated`` those of further builds of their
    indexes; without any, nothing is appended. ``builds`` is 1 where each build gives the same.
    """
    if not repeated:
        return settings
    varying = {run.with_name(first_build(run.name)) for run in repeated}
    folders = sorted([*(run for run in runs if run in varying), *repeated], key=lambda run: run.parent)
    means = pd.concat([_means(list(of_model)) for _, of_model in groupby(folders, lambda run: run.parent)])
    builds = means.groupby([*RUN, *SETTING])
    metrics = means.columns.difference([*RUN, *SETTING], sort=False)
    spread = builds[list(metrics)].min().add_suffix(LEAST).join(builds[list(metrics)].max().add_suffix(GREATEST))
    spread["builds"] = builds.size()
    joined = settings.join(spread, on=[*RUN, *SETTING])
    return joined.assign(builds=joined["builds"].fillna(1).astype(int))


def _means(runs: list[Path]) -> pd.DataFrame:
    """Return the mean of each metric of all settings, by the names of the first builds."""
    measured = read_measured(runs)
    means = {name: values.mean(axis=1) for name, values in measured.metrics.items()}
    return measured.settings[[*RUN, *SETTING]].assign(method=measured.settings["method"].map(first_build), **means)
