"""How results change as a corpus grows: every setting of exact methods in nested subsets of the corpus.

docs/growth.md says how the subsets are chosen and what they can't show.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from embquant.measure.evaluation import DOCUMENTS, FIRST_STAGE_RECALL
from embquant.report.numbers.intervals import Chance, Resamples
from embquant.report.numbers.kept import Kept
from embquant.report.numbers.measured import SETTING, Measured, read_growth
from embquant.study.study import Study

EXACT_TWIN, INDEX_RETENTION = "exact_twin", "index_retention"


def growth_table(runs: Sequence[Path], study: Study, chance: Chance) -> pd.DataFrame:
    """Return one row per setting and number of documents, the smallest first.

    ``runs`` are folders …/{dataset}/{model}/{method}, those of a dataset and model in a row. A method with an
    approximate index has rows for the size that it was built for alone. ``exact_twin`` names the method whose rows tell
    what its codes lose as the corpus grows; ``index_retention`` is its quality over that of the twin, which is what the
    index keeps. Columns are otherwise those of retrieval.csv.
    """
    of_models = [list(of_model) for _, of_model in groupby(runs, lambda run: run.parts[-3:-1])]
    tables = [table for of_model in of_models for table in _rows(read_growth(of_model), study, chance)]
    return pd.concat(tables, ignore_index=True)


def _rows(sizes: dict[int, Measured], study: Study, chance: Chance) -> Iterator[pd.DataFrame]:
    """Yield the rows of each size of a dataset and model."""
    for documents, measured in sizes.items():
        settings = measured.settings
        resamples = Resamples(settings["dataset"].iloc[0], int(settings["queries"].iloc[0]), chance)
        baseline = int(np.flatnonzero(settings["method"] == study.config.baseline)[0])
        metrics = {name: values for name, values in measured.metrics.items() if name != FIRST_STAGE_RECALL}
        kept = Kept.of(Measured(settings, metrics, measured.baseline_p, measured.over_ties), baseline, resamples)
        table = settings.assign(
            **{DOCUMENTS: documents, FIRST_STAGE_RECALL: measured.metrics[FIRST_STAGE_RECALL].mean(axis=1)},
            **kept.columns,
            compared_in=kept.compared_in,
            baseline_p=np.nan if measured.baseline_p is None else measured.baseline_p,
        )
        yield _with_twins(table, study)


def _with_twins(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Append the exact twin of each approximate method, and what its index keeps of the twin's quality."""
    twins = {name: next(iter(method.exact_twins), None) for name, method in study.methods.items()}
    twin = table["method"].map(twins)
    metric = table["compared_in"].iloc[0]
    quality = table.set_index(["method", *SETTING])[metric] if metric else pd.Series(dtype=float)
    keys = pd.MultiIndex.from_frame(table.assign(method=twin)[["method", *SETTING]])
    of_twin = quality.reindex(keys).to_numpy() if metric else np.nan
    return table.assign(**{EXACT_TWIN: twin, INDEX_RETENTION: table[metric] / of_twin if metric else np.nan})
