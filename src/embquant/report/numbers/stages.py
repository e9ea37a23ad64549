"""What settings keep after a further stage of a search: the columns of fusion.csv and reranking.csv."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from embquant.measure.evaluation import FIRST_STAGE_RECALL
from embquant.measure.statistics import percentile_interval
from embquant.report.measure import Measure
from embquant.report.numbers.intervals import INTERVAL, Chance, Resamples
from embquant.report.numbers.kept import Kept, as_columns
from embquant.report.numbers.measured import RUN, SETTING, Measured, read_measured
from embquant.report.numbers.quality import KEPT, with_quality
from embquant.report.numbers.significance import tested
from embquant.report.numbers.spread import LOST
from embquant.study.study import Study

FUSED, RERANKED = "fused.parquet", "reranked.parquet"
ALONE = {**{name: f"alone_{name}" for name in KEPT}, "verdict": "alone_verdict"}
DIFFERENCE = [f"difference{end}" for end in INTERVAL]
TESTS = ["differing", "p", "p_holm", "verdict", "least_detectable"]
STAGE = [
    *(*RUN, *SETTING, "kind", "metric", "queries"),
    *(f"{name}{end}" for name in ("mean", "kept") for end in INTERVAL),
    *(*DIFFERENCE, *TESTS, *ALONE.values()),
]
DEEPEST = {name: f"deepest_{name}" for name in ("metric", *DIFFERENCE, *TESTS)}
RERANKING = [*STAGE, *(f"{FIRST_STAGE_RECALL}{end}" for end in INTERVAL), *DEEPEST.values()]


def stage_table(runs: Sequence[Path], name: str, retrieval: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return one row per setting that went through a stage, with the columns :data:`STAGE` or :data:`RERANKING`.

    ``runs`` are folders …/{dataset}/{model}/{method}, those of a dataset and model in a row; the files ``name`` in them
    have the metrics after the stage. ``retrieval`` has those before it, from which ``alone_…`` come.
    """
    columns = RERANKING if name == RERANKED else STAGE
    keys = [*RUN, *SETTING]
    tables = [pd.DataFrame(columns=columns)]
    for _, of_model in groupby(runs, lambda run: run.parent):
        measured = read_measured(list(of_model), name)
        table = pd.concat([_compared(group, study) for group in measured.by_top_k()], ignore_index=True)
        tables.append(
            table.merge(_against_deepest(measured, study), on=keys, how="left") if name == RERANKED else table
        )
    alone = with_quality(retrieval)[[*keys, *ALONE]].rename(columns=ALONE)
    rows = pd.concat(tables[1:] or tables, ignore_index=True).drop(columns=list(ALONE.values()), errors="ignore")
    return rows.merge(alone, on=keys, how="left").reindex(columns=columns)


def _resamples(settings: pd.DataFrame, study: Study) -> Resamples:
    """Return the resamples of the queries of the ``settings`` of one dataset."""
    first = settings.iloc[0]
    return Resamples(first["dataset"], int(first["queries"]), Chance(**study.config.statistics.model_dump()))


def _against_deepest(measured: Measured, study: Study) -> pd.DataFrame:
    """Test the settings of every ``top_k`` against the baseline at the greatest, as one family.

    The metric is the first judged one that the least ``top_k`` has. Without one, nothing is tested: agreement at one
    ``top_k`` says nothing of another.
    """
    keys = [*RUN, *SETTING]
    compared = measured.compared()
    if compared is None or not compared[0].is_retention:
        return pd.DataFrame(columns=[*keys, *DEEPEST.values()])
    metric = compared[0].metric
    found = measured.at(np.flatnonzero(~np.isnan(measured.metrics[metric]).any(axis=1)))
    settings = found.settings.reset_index(drop=True)
    one = replace(found, settings=settings, metrics={metric: found.metrics[metric]})
    depths = settings["top_k"].where(settings["method"] == study.config.baseline)
    table = next(_rows(one, "quality", int(depths.argmax()), _resamples(settings, study)))
    return table[[*keys, *DEEPEST]].rename(columns=DEEPEST)


def _compared(group: Measured, study: Study) -> pd.DataFrame:
    """Return the rows of the settings that return equally many documents: each against the baseline."""
    settings = group.settings.reset_index(drop=True)
    resamples = _resamples(settings, study)
    baseline = int(np.flatnonzero(settings["method"] == study.config.baseline)[0])
    kind, metrics = group.compared_metrics()
    one = replace(group, settings=settings, metrics={name: group.metrics[name] for name in metrics[:1]})
    tables = list(_rows(one, kind, baseline, resamples))
    table = tables[0] if tables else settings
    recall = group.metrics.get(FIRST_STAGE_RECALL)
    if recall is None or np.isnan(recall).any():
        return table
    return table.assign(
        **as_columns(FIRST_STAGE_RECALL, percentile_interval(resamples.means(recall), resamples.chance.confidence))
    )


def _rows(group: Measured, kind: str, baseline: int, resamples: Resamples) -> Iterator[pd.DataFrame]:
    """Yield the rows of each metric that is compared."""
    for metric, comparison in Kept.of(group, baseline, resamples).comparisons.items():
        others = np.delete(np.arange(len(group.settings)), baseline)
        scores, chance = comparison.scores, resamples.chance
        reference = np.broadcast_to(scores[baseline], (len(others), scores.shape[1]))
        tests = pd.DataFrame(
            {
                **as_columns("difference", resamples.difference(scores[others], reference)),
                **tested(scores[others] - reference, chance, resamples.seed),
            }
        ).set_axis(others)
        yield group.settings.assign(
            kind=kind,
            metric=metric,
            **as_columns("mean", percentile_interval(comparison.means, chance.confidence)),
            **as_columns("kept", comparison.kept),
        ).join(tests)


def after_words(study: Study) -> str:
    """Say after which stage settings are judged, if the study asks for one."""
    fusion, stage = study.config.fusion, study.config.requirements.judge_after
    if stage == "reranker":
        depth = study.stage_depth
        return f"judged after the reranker, which ranks the {depth} documents that each setting returns, and float32's"
    if stage is None or fusion is None:
        return ""
    other = "bm25" if fusion.run is None else "the given run"
    return f"judged after fusion with {other}, {study.stage_depth} documents of each list; float32 is fused likewise"


def judged_after(settings: pd.DataFrame, stage: pd.DataFrame, depth: int) -> pd.DataFrame:
    """Return the ``settings`` that hand ``depth`` documents to a stage; what they keep is what they keep after it.

    ``settings`` has the columns of summary.csv, ``stage`` those of :func:`stage_table`. All other measures are missing.
    """
    keys = [*RUN, *SETTING]
    stage = stage[stage["top_k"] == depth]
    rows = settings.merge(stage[[*keys, "metric", *KEPT]], on=keys)
    measures = [name for name in rows if Measure.of_column(str(name).removesuffix("_expected")) is not None]
    before = [f"{name}{end}" for name in measures for end in INTERVAL]
    before += [name for name in rows if str(name).endswith(LOST)]
    rows = rows.drop(columns=[name for name in before if name in rows])
    for metric, of_metric in rows.groupby("metric"):
        measure = Measure.of_metric(str(metric))
        for end in INTERVAL if measure else ():
            rows.loc[of_metric.index, f"{measure.column}{end}"] = of_metric[f"kept{end}"]  # type: ignore[union-attr]
    return rows.assign(compared_in=rows["metric"], drift_verdict=None).drop(columns=["metric", *KEPT])
