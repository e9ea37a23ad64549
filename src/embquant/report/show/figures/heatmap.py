"""What is left of float32's quality, by setting and dataset, as a heat map."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import Normalize

from embquant.report.numbers.quality import JUDGED, measures
from embquant.report.show.figures.style import FAINT, Drawing, canvas, luminance
from embquant.report.show.figures.words import is_retention, metric_of
from embquant.report.study import Group, Study
from embquant.study.settings import NO_STORE

MOST_ROWS = 70
"""Beyond which rescored settings are left out, unless none surpasses them."""

COLOURS = "cividis"
"""A colour map that is even in lightness, for every kind of sight (Nuñez, Anderton and Renslow 2018)."""

LIGHT = 0.179
"""Relative luminance from which on black is read more easily than white: (L + 0.05)² = 1.05 · 0.05 (WCAG 2)."""

NOISE, MARK = "≈", "✓"
LONG = ["column", "setting", "method", "rescore_store", "rescore_multiplier", "measure", "kept", "verdict", "pareto"]


def draw_heatmap(study: Study, groups: list[Group]) -> Drawing | None:
    """Draw all of a model's ``groups``: a row a setting; a column a dataset, or where there is but one, a measure.

    None where nothing has a value.
    """
    several = len(groups) > 1
    names = groups[0].drawn()["setting"]
    cells = pd.concat(
        [_of_dataset(group, groups[0].measure) for group in groups] if several else _of_measures(study, groups[0])
    )
    cells = cells[cells["setting"].isin(names)]
    cells = cells[cells["kept"].notna()]
    marked = groups[0].settings.set_index("setting")["pareto"]
    cells["pareto"] = cells["setting"].map(marked).fillna(False).astype(bool)
    if cells["setting"].nunique() > MOST_ROWS:
        cells = cells[(cells["rescore_store"] == NO_STORE) | cells["pareto"]]
    if cells.empty:
        return None
    values = cells.pivot_table("kept", "setting", "column", sort=False)
    noise = cells.assign(noise=cells["verdict"] == "noise").pivot_table("noise", "setting", "column", sort=False)
    words = "datasets" if several else "measures"
    worst = cells.loc[cells["kept"].idxmin()]
    return Drawing(
        name=f"heatmap-{groups[0].name}",
        title=f"What is left of float32, by setting and {words[:-1]}: {groups[0].model}",
        caption=(
            f"Light is much, dark is little. {NOISE}: not told apart from float32; {MARK}: no other setting costs less "
            f"and keeps as much. {_meaning(groups[0].measure, several)}"
        ),
        alt=f"{len(values)} settings by {values.shape[1]} {words}, from {cells['kept'].min():.4f} "
        f"({worst['setting']}, {worst['column']}) to {cells['kept'].max():.4f}.",
        data=cells[LONG],
        figure=_map(values, noise, marked),
    )


def _map(values: pd.DataFrame, noise: pd.DataFrame, marked: pd.Series) -> matplotlib.figure.Figure:
    rows, columns = values.shape
    figure = canvas(1.1 + 0.25 * rows)
    axes = figure.subplots()
    low = min(0.98, float(np.nanquantile(values.to_numpy(), 0.05)))
    scale = Normalize(low, 1.0, clip=True)
    shades = matplotlib.colormaps[COLOURS](scale(values.fillna(low).to_numpy()))
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    for row in range(rows):
        for column in range(columns):
            value = values.iloc[row, column]
            if pd.isna(value):
                axes.text(column, row, "–", ha="center", va="center", fontsize=8.5, color=FAINT)
                continue
            shade = shades[row, column]
            axes.fill_between([column - 0.49, column + 0.49], row - 0.47, row + 0.47, color=shade, linewidth=0)
            text = f"{value:.3f}{' ' + NOISE if noise.iloc[row, column] == 1 else ''}"
            colour = readable_on(shade)
            axes.text(column, row, text, ha="center", va="center", fontsize=8.5, color=colour)
    names = [f"{name} {MARK}" if marked.get(name, False) else name for name in values.index]
    axes.set_yticks(range(rows), names, fontsize=8.5)
    turned = max(map(len, values.columns)) * columns > 75
    axes.set_xticks(
        range(columns), values.columns, fontsize=9, rotation=30 if turned else 0, ha="left" if turned else "center"
    )
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return figure


def readable_on(shade: np.ndarray) -> str:
    """Return black or white, whichever stands out more from a colour (RGB from 0 to 1, float (3,) or more)."""
    return "#000000" if luminance(shade) > LIGHT else "#fefefe"


def _meaning(usual: str, several: bool) -> str:
    """Say what the columns are: those of several datasets are the ``usual`` measure's, unless they name another."""
    if several and not is_retention(usual):
        return f"All values are agreement with float32's own results ({usual})."
    shares = f"its {metric_of(usual)}" if several else "its quality"
    return f"Columns that name overlap or rbo are agreement with float32's own results, others are shares of {shares}."


def _of_dataset(group: Group, usual: str) -> pd.DataFrame:
    """Return a dataset's settings, in a column that names its measure where it isn't the ``usual`` one."""
    name = group.dataset if group.measure == usual else f"{group.dataset} ({metric_of(group.measure)})"
    return group.settings.assign(column=name, measure=group.measure)


def _of_measures(study: Study, group: Group) -> list[pd.DataFrame]:
    """Return the settings of the only dataset once for each measure; the verdict is on the first alone."""
    rows = group.settings
    parts = []
    for measure in measures(study.summary):
        verdict = rows["verdict"] if measure == group.measure else None
        label = metric_of(measure) if JUDGED.fullmatch(measure) else measure
        parts.append(rows.assign(column=label, measure=measure, kept=rows[measure], verdict=verdict))
    return parts
