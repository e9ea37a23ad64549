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
from embquant.study.method import StudyMethod

REDUCTIONS = ("pca", "truncate")
"""Transforms that keep some of the dimensions."""


@figure_style
def draw_grid(reports: Reports, scope: Scope) -> Drawing | None:
    """Draw flat methods whose first transform keeps fewer dimensions: a row per number, a column per codec.

    None where there are fewer than two rows or columns.
    """
    cells = pd.DataFrame(_cells(reports, scope), columns=["method", "dim", "codec", "bits", "bytes", "kept"])
    cells = cells.drop_duplicates(["dim", "codec"])  # a method that is there twice
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
    labels: dict[tuple[Any, ...], str] = {}
    for row in rows.itertuples():
        method = reports.study.methods[row.method]
        reductions = [one for one in method.codec.transforms[:1] if one.name in REDUCTIONS]
        if method.is_flat and reductions:
            column, dim = _column(method), reductions[0].parameters.dim
            if column not in labels:
                label = _label(method)
                labels[column] = row.method if label in labels.values() else label
            yield row.method, dim, labels[column], method.codec.bits, row.bytes_per_vector, row.kept


def _column(method: StudyMethod) -> tuple[Any, ...]:
    """Return what methods have in common that differ in their dimensions alone."""
    codec, reduction = method.codec, method.codec.transforms[0]
    reduced = reduction.name, repr(reduction.parameters.model_copy(update={"dim": 0}))
    after = [(one.name, repr(one.parameters)) for one in codec.transforms[1:]]
    return *reduced, codec.family.family, repr(codec.parameters), *after, *method.scored_by[1:]


def _label(method: StudyMethod) -> str:
    reduction, *after = method.codec.transforms
    prefix = f"{reduction.name}-{reduction.parameters.dim}-"
    name = method.name.removeprefix(prefix) if method.name.startswith(prefix) else method.codec.family.family
    scoring = f" ({method.scoring})" if method.entry.scoring else ""
    return f"{reduction.name}: {' + '.join([*(one.name for one in after), name])}{scoring}"


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
