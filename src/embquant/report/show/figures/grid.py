"""What is left of float32's quality by dimensions and codec, as a heat map."""

from collections.abc import Iterator
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from embquant.report.reports import Reports, Scope
from embquant.report.show.figures.heatmap import COLOURS, readable_on
from embquant.report.show.figures.style import FAINT, Drawing, canvas, figure_style
from embquant.study import NO_STORE

REDUCTIONS = ("pca", "truncate")
"""Transforms that keep some of the dimensions."""


@figure_style
def draw_grid(reports: Reports, scope: Scope) -> Drawing | None:
    """Draw flat methods whose first transform keeps fewer dimensions: a row per number, a column per codec.

    None where there are fewer than two rows or columns.
    """
    cells = pd.DataFrame(_cells(reports, scope), columns=["method", "dim", "codec", "bits", "bytes", "kept"])
    order = cells.sort_values("bits", kind="stable")["codec"].unique()
    values = cells.pivot_table("kept", "dim", "codec", sort=True).reindex(columns=order)
    if min(values.shape) < 2:
        return None
    sizes = cells.pivot_table("bytes", "dim", "codec").reindex(columns=order)
    best = cells.loc[cells["kept"].idxmax()]
    return Drawing(
        name=f"grid-{scope.name}",
        title=f"Fewer dimensions or fewer bits: {scope.title}",
        caption=f"{scope.measure.axis}, and bytes per vector, without rescoring. Of cells with as many bytes, the "
        "lightest keeps most: which one that is depends on the data.",
        alt=f"{len(values)} numbers of dimensions by {values.shape[1]} codecs, from {cells['kept'].min():.4f} to "
        f"{best['kept']:.4f} ({best['method']}).",
        data=cells,
        figure=_map(values, sizes),
    )


def _cells(reports: Reports, scope: Scope) -> Iterator[tuple[Any, ...]]:
    rows = scope.settings[(scope.settings["rescore_store"] == NO_STORE) & scope.settings["kept"].notna()]
    for row in rows.itertuples():
        method = reports.study.methods[row.method]
        reductions = [one for one in method.codec.transforms[:1] if one.name in REDUCTIONS]
        if method.is_flat and reductions:
            kind, dim = reductions[0].name, reductions[0].parameters.dim
            prefix = f"{kind}-{dim}-"
            name = row.method.removeprefix(prefix) if row.method.startswith(prefix) else method.codec.family.family
            yield row.method, dim, f"{kind}: {name}", method.codec.bits, row.bytes_per_vector, row.kept


def _map(values: pd.DataFrame, sizes: pd.DataFrame) -> Figure:
    figure = canvas(1.4 + 0.42 * len(values))
    axes = figure.subplots()
    low = min(0.98, float(values.min().min()))
    scale = Normalize(low, 1.0, clip=True)
    for row, dim in enumerate(values.index):
        for column, codec in enumerate(values.columns):
            value = values.loc[dim, codec]
            if pd.isna(value):
                axes.text(column, row, "–", ha="center", va="center", color=FAINT)
                continue
            shade = matplotlib.colormaps[COLOURS](scale(value))
            axes.fill_between([column - 0.49, column + 0.49], row - 0.47, row + 0.47, color=shade, linewidth=0)
            text = f"{value:.3f}\n{sizes.loc[dim, codec]:.0f} B"
            axes.text(column, row, text, ha="center", va="center", fontsize=8.5, color=readable_on(shade))
    axes.set(xlim=(-0.5, values.shape[1] - 0.5), ylim=(-0.5, len(values) - 0.5), ylabel="dimensions")
    axes.set_yticks(range(len(values)), [str(dim) for dim in values.index])
    axes.set_xticks(range(values.shape[1]), values.columns, fontsize=9)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return figure
