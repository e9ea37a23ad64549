"""BM25 beside vector searches: every setting of a judged dataset tested against a search by words."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from embquant.files.inapplicable import why_inapplicable
from embquant.measure.metrics import parse_metric
from embquant.measure.statistics import percentile_interval
from embquant.report.numbers.intervals import INTERVAL, Chance, Resamples
from embquant.report.numbers.kept import Kept, as_columns
from embquant.report.numbers.limits import named
from embquant.report.numbers.measured import RUN, SETTING, read_landmark, read_measured
from embquant.report.numbers.significance import VARIED, tested
from embquant.study import NO_STORE
from embquant.study.study import Study

BM25 = "bm25"
COLUMNS = [
    *(*RUN, *SETTING, "metric", "queries"),
    *(f"{name}{end}" for name in ("mean", BM25, "difference") for end in INTERVAL),
    *("differing", "p", "p_holm", "verdict", "least_detectable"),
]


def landmark_table(runs: Sequence[Path], found: Sequence[Path], study: Study) -> pd.DataFrame:
    """Return one row per setting at the least ``top_k`` that has a judged metric: its mean, and BM25's.

    ``runs`` are folders …/{dataset}/{model}/{method}, those of a dataset and model in a row; ``found`` the files of
    BM25's metrics, …/{dataset}/bm25-metrics.parquet. The settings of a dataset and model are one family of tests.
    """
    judged = [path for path in found if why_inapplicable(path) is None]
    files = {path.parent.name: path for path in judged}
    compared = _compared(study)
    tables = [pd.DataFrame()]
    for folder, of_model in groupby(runs, lambda run: run.parent):
        path = files.get(folder.parent.name)
        if path is not None and compared is not None:
            tables.append(_beside(list(of_model), path, *compared, Chance(**study.config.statistics.model_dump())))
    return pd.concat(tables, ignore_index=True).reindex(columns=COLUMNS)


def _compared(study: Study) -> tuple[str, int] | None:
    """Return the first judged metric that has a value at the least ``top_k`` for which there is one, and that."""
    judged = [metric for metric in map(parse_metric, study.config.metrics) if metric.judged]
    for top_k in sorted(study.config.top_k):
        for metric in judged:
            if metric.cutoff is not None and metric.cutoff <= top_k:
                return str(metric), top_k
    return None


def _beside(runs: Sequence[Path], found: Path, metric: str, top_k: int, chance: Chance) -> pd.DataFrame:
    """Return the rows of one dataset and model; a side of which ties matter has expected values over their orders."""
    measured = read_measured(runs).at_top_k(top_k)
    resamples = Resamples(found.parent.name, int(measured.settings["queries"].iloc[0]), chance)
    own, other = (
        Kept.of(replace(side, metrics={metric: side.metrics[metric]}), 0, resamples).comparisons[metric]
        for side in (measured, read_landmark(found).at_top_k(top_k))
    )
    means, landmark = (percentile_interval(side.means, chance.confidence) for side in (own, other))
    return own.settings.assign(
        **as_columns("mean", means),
        **{f"{BM25}{end}": value for end, (value,) in zip(INTERVAL, landmark, strict=True)},
        **as_columns("difference", resamples.difference(own.scores, np.broadcast_to(other.scores, own.scores.shape))),
        **tested(own.scores - other.scores, chance, resamples.seed),
    )


def bm25_words(table: pd.DataFrame, baseline: str, chosen: pd.Series | None) -> list[str]:
    """Tell where BM25 beats a vector search of ``table``, which has rows of one model.

    That is the ``baseline``, or else the ``chosen`` setting on its dataset, if there is one.
    """
    is_baseline = (table["method"] == baseline) & (table["rescore_store"] == NO_STORE)
    is_chosen = pd.Series(False, table.index)
    if chosen is not None:
        is_chosen = (table[VARIED] == chosen[VARIED].to_numpy()).all(axis=1)
    table = table.assign(later=~is_baseline)
    beaten = table[(is_baseline | is_chosen) & (table["verdict"] == "worse")]
    first = beaten.sort_values("later", kind="stable").drop_duplicates("dataset")
    return [_words(row) for _, row in first.sort_index().iterrows()]


def _words(row: pd.Series) -> str:
    low, high = sorted(-row[f"difference{end}"] for end in ("_low", "_high"))
    return (
        f"bm25, a search by words, beats {named(row)} on {row['dataset']}: {row['metric']} "
        f"{row[BM25]:.4f} against {row['mean']:.4f}, +{-row['difference']:.4f} [{low:+.4f}, {high:+.4f}]"
    )
