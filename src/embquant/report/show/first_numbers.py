"""The quality of each method as soon as it is known: before anything is timed, and without intervals."""

import pandas as pd

from embquant.report.numbers.measured import Measured
from embquant.report.show.rendering import Column, TableView, rescored_by
from embquant.study import NO_STORE

COLUMNS = {
    "method": Column("method"),
    "alone": Column("alone", ".4f"),
    "alone_kept": Column("of {baseline}", ".2%"),
    "rescored_by": Column("rescored at best by"),
    "rescored": Column("", ".4f"),
    "rescored_kept": Column("of {baseline}", ".2%"),
}


def first_numbers(measured: Measured, baseline: str) -> str:
    """Return a table of what each method finds alone and with the rescoring that finds most.

    ``measured`` is of one dataset and model. Figures are means over queries of the metric that settings are compared
    in, and shares of the ``baseline``'s, but none where that is at chance. Of rescorings that find equally much, the
    one with fewest candidates is shown.
    """
    compared = measured.compared()
    if compared is None:
        return "No metric can be computed"
    measure, group = compared
    settings = group.settings.assign(mean=group.metrics[measure.metric].mean(axis=1))
    first = settings.iloc[0]
    whole = settings.loc[settings["method"] == baseline, "mean"].iloc[0]
    reference = 0.0 if measured.at_chance else whole
    rows = [_row(method, rows, reference) for method, rows in settings.groupby("method", sort=False)]
    columns = {name: Column(column.label.format(baseline=baseline), column.number) for name, column in COLUMNS.items()}
    table = TableView("quality", "", "", pd.DataFrame(rows), columns).text()
    title = f"Quality on {first['dataset']} · {first['model']}: {measure.metric}, {first['queries']:,} queries"
    chance = f"; {baseline} itself is at chance, p = {measured.baseline_p:.2g}" if measured.at_chance else ""
    return f"{title}{chance}\n{table}"


def _row(method: object, settings: pd.DataFrame, reference: float) -> dict[str, object]:
    alone = settings.loc[settings["rescore_store"] == NO_STORE, "mean"].iloc[0]
    row = {"method": method, "alone": alone, "alone_kept": _share(alone, reference)}
    rescored = settings[settings["rescore_store"] != NO_STORE]
    if rescored.empty:
        return row
    best = rescored.sort_values(["mean", "rescore_multiplier"], ascending=[False, True], kind="stable").iloc[:1]
    mean = best["mean"].iloc[0]
    return row | {
        "rescored_by": rescored_by(best).iloc[0],
        "rescored": mean,
        "rescored_kept": _share(mean, reference),
    }


def _share(value: float, reference: float) -> float | None:
    return value / reference if reference else None
