"""How results change as a corpus grows: every setting of exact methods in nested subsets, and in larger corpora.

docs/growth.md says how the subsets are chosen, what is expected of larger corpora, and what neither can show.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from embquant.measure.evaluation import DOCUMENTS, FIRST_STAGE_RECALL
from embquant.measure.extrapolation import extrapolated_recall, extrapolated_retention, least_multiplier
from embquant.report.measure import Measure
from embquant.report.numbers.intervals import INTERVAL, Chance, Resamples
from embquant.report.numbers.kept import Kept
from embquant.report.numbers.measured import RUN, SETTING, Grown, Measured, read_growth
from embquant.report.numbers.quality import with_quality
from embquant.study import NO_STORE
from embquant.study.study import Study

KEYS = [*RUN, *SETTING]
LEAST_MULTIPLIER = "least_multiplier"
BASIS, MEASURED, BEYOND, UNKNOWN = "basis", "measured", "expected", "unknown"
EXACT_TWIN, INDEX_RETENTION = "exact_twin", "index_retention"


def growth_table(runs: Sequence[Path], study: Study, chance: Chance) -> pd.DataFrame:
    """Return one row per setting and number of documents, the smallest first.

    ``runs`` are folders …/{dataset}/{model}/{method}, those of a dataset and model in a row. A method with an
    approximate index has rows for the size that it was built for alone. ``exact_twin`` names the method whose rows tell
    what its codes lose as the corpus grows; ``index_retention`` is its quality over that of the twin, which is what the
    index keeps. ``least_multiplier`` is that from which on a store meets ``min_retention``. ``basis`` says whether a
    row was measured, is expected of a larger corpus, or is unknown: that of ``requirements.vectors``, where nothing can
    be said. Columns are otherwise those of retrieval.csv.
    """
    of_models = [list(of_model) for _, of_model in groupby(runs, lambda run: run.parts[-3:-1])]
    tables = [table for of_model in of_models for table in _rows(read_growth(of_model), study, chance)]
    return _with_least_multipliers(pd.concat(tables, ignore_index=True), study.config.requirements.min_retention)


def _with_least_multipliers(table: pd.DataFrame, wanted: float | None) -> pd.DataFrame:
    """Append the least multiplier of each store and size whose lower bound is ``wanted`` or more, as all greater ones.

    It is missing where there is none, without rescoring, and where nothing is ``wanted``.
    """
    if wanted is None:
        return table.assign(**{LEAST_MULTIPLIER: pd.array([None] * len(table), "Int64")})
    keys = [*RUN, "rescore_store", DOCUMENTS]
    found = {
        key: least_multiplier(rows.set_index("rescore_multiplier")["kept_low"].to_dict(), wanted)
        for key, rows in with_quality(table).groupby(keys)
    }
    enough = [
        None if setting.rescore_store == NO_STORE else found[tuple(getattr(setting, key) for key in keys)]
        for setting in table[keys].itertuples()
    ]
    return table.assign(**{LEAST_MULTIPLIER: pd.array(enough, "Int64")})


def _rows(grown: Grown, study: Study, chance: Chance) -> Iterator[pd.DataFrame]:
    """Yield the rows of each size of a dataset and model."""
    whole = list(grown.measured.values())[-1]
    resamples = Resamples(whole.settings["dataset"].iloc[0], int(whole.settings["queries"].iloc[0]), chance)
    for documents, measured in grown.measured.items():
        yield _measured_rows(documents, measured, resamples, study)
    expected = pd.DataFrame(columns=[*KEYS, DOCUMENTS])
    if len(grown.projected) > 1 and not whole.at_chance:
        expected = _expected_rows(whole, grown, resamples, study)
        yield expected
    deployed = study.config.requirements.vectors
    if deployed is not None and deployed > list(grown.measured)[-1]:
        known = pd.MultiIndex.from_frame(expected.loc[expected[DOCUMENTS] == deployed, KEYS])
        is_known = pd.MultiIndex.from_frame(whole.settings[KEYS]).isin(known)
        yield whole.settings[~is_known].assign(**{BASIS: UNKNOWN, DOCUMENTS: deployed})


def _measured_rows(documents: int, measured: Measured, resamples: Resamples, study: Study) -> pd.DataFrame:
    settings = measured.settings
    metrics = {name: values for name, values in measured.metrics.items() if name != FIRST_STAGE_RECALL}
    group = Measured(settings, metrics, measured.baseline_p, measured.over_ties)
    kept = Kept.of(group, _baseline(settings, study), resamples)
    table = settings.assign(
        **{BASIS: MEASURED, DOCUMENTS: documents},
        **{FIRST_STAGE_RECALL: measured.metrics[FIRST_STAGE_RECALL].mean(axis=1)},
        **kept.columns,
        compared_in=kept.compared_in,
        baseline_p=np.nan if measured.baseline_p is None else measured.baseline_p,
    )
    return _with_twins(table, study)


def _with_twins(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Append the exact twin of each approximate method, and what its index keeps of the twin's quality."""
    twins = {name: next(iter(method.exact_twins), None) for name, method in study.methods.items()}
    twin = table["method"].map(twins)
    metric = table["compared_in"].iloc[0]
    if metric is None:
        return table.assign(**{EXACT_TWIN: twin, INDEX_RETENTION: np.nan})
    quality = table.set_index(["method", *SETTING])[metric]
    of_twin = quality.reindex(pd.MultiIndex.from_frame(table.assign(method=twin)[["method", *SETTING]])).to_numpy()
    return table.assign(**{EXACT_TWIN: twin, INDEX_RETENTION: table[metric] / of_twin})


def _expected_rows(whole: Measured, grown: Grown, resamples: Resamples, study: Study) -> pd.DataFrame:
    """Return what exact methods are expected to keep in larger corpora, one row per setting and size."""
    now, *later = grown.projected.values()
    settings = now.settings
    baseline = _baseline(settings, study)
    order = np.r_[baseline, np.delete(np.arange(len(settings)), baseline)]
    places = pd.MultiIndex.from_frame(whole.settings[KEYS]).get_indexer(
        pd.MultiIndex.from_frame(settings[KEYS].iloc[order])
    )
    sizes = list(grown.projected)[1:]
    factors = np.array([grown.factors[size] for size in sizes])
    tables = [settings.iloc[order].assign(**{BASIS: BEYOND, DOCUMENTS: size}) for size in sizes]
    for name in now.metrics:
        measure = Measure.of_metric(name)
        is_recall = name == FIRST_STAGE_RECALL
        if not is_recall and (measure is None or not measure.is_retention or np.isnan(now.metrics[name]).any()):
            continue
        projected = np.stack([size.metrics[name][order] for size in (now, *later)])
        extrapolate = extrapolated_recall if is_recall else extrapolated_retention
        confidence = resamples.chance.confidence
        found = extrapolate(whole.metrics[name][places], projected, factors, resamples.counts, confidence)
        column = name if measure is None else measure.column
        ends = np.stack([found.expected, found.low, found.high])
        if not is_recall:
            ends[:, :, 0] = found.expected[:, 0]  # what the baseline keeps of itself is no estimate
        for end, values in zip(INTERVAL, ends, strict=True):
            tables = [
                table.assign(**{f"{column}{end}": of_size}) for table, of_size in zip(tables, values, strict=True)
            ]
    return pd.concat(tables)


def _baseline(settings: pd.DataFrame, study: Study) -> int:
    """Return the row of the baseline."""
    return int(np.flatnonzero(settings["method"] == study.config.baseline)[0])
