"""What is left of float32's quality, by setting and dataset, as a heat map."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from embquant.report.measure import Measure, measures
from embquant.report.reports import Reports, Scope
from embquant.report.show.figures.style import FAINT, Drawing, canvas, figure_style, luminance
from embquant.study import NO_STORE

MOST_ROWS = 70
"""Number of rows beyond which rescored settings are left out, unless none surpasses them."""

COLOURS = "cividis"
"""A colour map of even lightness steps, for colour-blind readers too (Nuñez, Anderton and Renslow 2018)."""

LIGHT = 0.179
"""Relative luminance above which black is more readable than white: (L + 0.05)² = 1.05 · 0.05 (WCAG 2)."""

NOISE, MARK = "≈", "✓"
LONG = ["column", "setting", "method", "rescore_store", "rescore_multiplier", "measure", "kept", "verdict", "pareto"]


@figure_style
def draw_heatmap(reports: Reports, scopes: list[Scope]) -> Drawing | None:
    """Draw all ``scopes`` of a model: a row per setting; a column per dataset, or per measure if there is one dataset.

    None where nothing has a value.
    """
    first = scopes[0]
    several = len(scopes) > 1
    cells = pd.concat(
        [_of_dataset(scope, first.measure) for scope in scopes] if several else _of_measures(reports, first)
    )
    cells = cells[cells["setting"].isin(first.listed()["setting"]) & cells["kept"].notna()]
    pareto = first.settings.set_index("setting")["pareto"]
    cells["pareto"] = cells["setting"].map(pareto).fillna(False).astype(bool)
    if cells["setting"].nunique() > MOST_ROWS:
        cells = cells[(cells["rescore_store"] == NO_STORE) | cells["pareto"]]
    if cells.empty:
        return None
    values = cells.pivot_table("kept", "setting", "column", sort=False)
    noise = cells.assign(noise=cells["verdict"] == "noise").pivot_table("noise", "setting", "column", sort=False)
    words = "datasets" if several else "measures"
    worst = cells.loc[cells["kept"].idxmin()]
    return Drawing(
        name=f"heatmap-{first.name}",
        title=f"What is left of float32, by setting and {words[:-1]}: {first.model}",
        caption=(
            f"Lighter cells keep more of float32's results. {NOISE}: not distinguishable from it; {MARK}: no other "
            f"setting costs less and keeps as much. {_meaning(first.measure, several)}"
        ),
        alt=f"{len(values)} settings by {values.shape[1]} {words}, from {cells['kept'].min():.4f} "
        f"({worst['setting']}, {worst['column']}) to {cells['kept'].max():.4f}.",
        data=cells[LONG],
        figure=_map(values, noise, pareto),
    )


def _map(values: pd.DataFrame, noise: pd.DataFrame, pareto: pd.Series) -> Figure:
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
    names = [f"{name} {MARK}" if pareto.get(name, False) else name for name in values.index]
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


def _meaning(usual: Measure, several: bool) -> str:
    """Explain the columns: several datasets are shown in the ``usual`` measure, unless a column names another one."""
    if several and not usual.is_retention:
        return f"All values are agreement with float32's own results ({usual.metric})."
    shares = f"its {usual.metric}" if several else "its quality"
    return f"Columns that name overlap or rbo are agreement with float32's own results, others are shares of {shares}."


def _of_dataset(scope: Scope, usual: Measure) -> pd.DataFrame:
    """Return a dataset's settings, in a column that names its measure if that isn't the ``usual`` one."""
    if scope.measure is None:
        return scope.settings.assign(column=scope.dataset, measure=None)
    name = scope.dataset if scope.measure == usual else f"{scope.dataset} ({scope.measure.metric})"
    return scope.settings.assign(column=name, measure=scope.measure.column)


def _of_measures(reports: Reports, scope: Scope) -> list[pd.DataFrame]:
    """Return the settings of the only dataset once per measure; the verdict is on the first alone."""
    rows = scope.settings
    parts = []
    for measure in measures(reports.summary.columns):
        verdict = rows["verdict"] if measure == scope.measure else None
        kept = rows[measure.column]
        parts.append(rows.assign(column=measure.metric, measure=measure.column, kept=kept, verdict=verdict))
    return parts
