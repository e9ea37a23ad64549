"""How many queries tell a loss, from the differences per query that a study has measured."""

from collections.abc import Iterator

import numpy as np

from embquant.measure.power import LOSS, Power
from embquant.measure.statistics import queries_to_detect
from embquant.report.numbers.recommendation import EVERY
from embquant.report.reports import Reports, Scope
from embquant.study import NO_STORE


def measured(reports: Reports) -> list[Power]:
    """Return the power of each setting that the reports list, on each dataset, the smallest number of queries first."""
    scopes = [scope for scope in reports.scopes if scope.dataset != EVERY]
    return [power for scope in scopes for power in sorted(_of(reports, scope), key=lambda power: power.queries)]


def verdicts_on_queries(reports: Reports) -> list[str]:
    """Return what verdicts say that more queries would show, with where they are from."""
    rows = reports.table("recommendation").dropna(subset="more_queries")
    return [
        f"{where} · {model}: {text}"
        for where, model, text in zip(rows["where"], rows["model"], rows["more_queries"], strict=True)
    ]


def _of(reports: Reports, scope: Scope) -> Iterator[Power]:
    settings = scope.listed()
    is_baseline = (settings["method"] == scope.baseline) & (settings["rescore_store"] == NO_STORE)
    whole = settings.loc[is_baseline, scope.measure.metric].iloc[0]
    for name, differences in reports.differences(scope, settings[~is_baseline]).items():
        deviation = float(np.std(differences, ddof=1) / whole)
        queries = queries_to_detect(deviation, LOSS)
        yield Power(
            name,
            deviation,
            queries,
            dataset=scope.dataset,
            model=scope.model,
            measured_queries=len(differences),
        )
