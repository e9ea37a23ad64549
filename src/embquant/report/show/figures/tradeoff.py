"""Quality against what it costs: memory, and time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.ticker import FuncFormatter, NullLocator

from embquant.report.reports import Scope
from embquant.report.show.figures.labels import label_points
from embquant.report.show.figures.style import (
    FAINT,
    GROUND,
    INK,
    MARKERS,
    SERIES,
    SIZES,
    Drawing,
    canvas,
    figure_style,
)
from embquant.study import NO_STORE

BELOW_AXIS = 0.05
"""Share of the settings that may lie below the axis, where they would take more than half of it."""

MOST_NAMES = 8
"""Number of methods without rescoring up to which each is named; where there are more, names would be a crowd."""

BELOW = 7
"""matplotlib's marker of a setting below the axis: a triangle that points down."""

KEYS = ["dataset", "model", "method", "rescore_store", "rescore_multiplier", "top_k", "setting", "measure"]
VERDICTS = {
    "noise": ", not distinguishable from float32",
    "worse": ", less than float32",
    "better": ", more than float32",
}


@dataclass(frozen=True)
class CostAxis:
    """A cost that quality is drawn against: its ``column``, its words, and the ``ticks`` that its axis may have."""

    name: str
    column: str
    title: str
    axis: str
    words: Callable[[float], str]
    note: str
    ticks: Sequence[float]


MEMORY = CostAxis(
    "memory",
    "memory_bytes_per_vector",
    "Quality against memory",
    "bytes per vector in memory (log scale)",
    lambda value: f"{value:,.0f} B per vector",
    "A line joins them. Settings of the same bytes stand side by side.",
    SIZES,
)
LATENCY = CostAxis(
    "latency",
    "latency_p50_ms",
    "Quality against latency",
    "median time of a single query, ms (log scale)",
    lambda value: f"p50 {value:.3g} ms",
    "Times are this machine's, on a corpus of this size.",
    [digit * 10.0**power for power in range(-4, 6) for digit in (1, 2, 5)],
)


def draw_memory(scope: Scope) -> Drawing:
    """Draw quality against bytes per vector in memory; a line joins the settings that none surpasses."""
    rows = scope.listed()
    stores = list(rows["rescore_store"].unique())
    shift = rows["rescore_store"].map({name: (at - (len(stores) - 1) / 2) for at, name in enumerate(stores)})
    return _draw(scope, rows.assign(x=rows["memory_bytes_per_vector"] * 1.035**shift), MEMORY, joined=True)


def draw_latency(scope: Scope) -> Drawing:
    """Draw quality against the median latency of a query."""
    rows = scope.listed().dropna(subset="latency_p50_ms")
    return _draw(scope, rows.assign(x=rows["latency_p50_ms"]), LATENCY, joined=False)


@figure_style
def _draw(scope: Scope, rows: pd.DataFrame, cost: CostAxis, joined: bool) -> Drawing:
    """Draw ``rows`` at their ``x``."""
    lowest, highest = _quality_range(rows)
    rows = rows.assign(measure=scope.measure.column, below=rows["kept"] < lowest)
    best = rows[rows["pareto"]].sort_values(["usd_per_month", "kept"])
    figure = canvas(5.4)
    axes = figure.subplots()
    axes.set_ylim(lowest, highest)
    axes.set(xlabel=cost.axis, ylabel=scope.measure.axis)
    log_axis(axes, rows["x"], cost.ticks)
    axes.axhline(1, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    if joined:
        axes.plot(best["x"], best["kept"], color=INK, linewidth=1, alpha=0.5, zorder=2)
    stores = list(rows["rescore_store"].unique())
    for at, (_, row) in enumerate(rows.iterrows()):
        _point(axes, row, stores.index(row["rescore_store"]) % len(SERIES), f"point-{at}")
    _legend(axes, stores, bool(rows["below"].any()))
    lines = [best[["x", "kept"]].to_numpy().tolist()] if joined else []
    bars = [[(row["x"], row["kept_low"]), (row["x"], row["kept_high"])] for _, row in rows.iterrows()]
    named = pd.concat([best, _methods(rows)]).assign(kept=lambda named: named["kept"].clip(lower=lowest))
    others = rows.loc[rows.index.difference(named.index), ["x", "kept"]].to_numpy().tolist()
    label_points(axes, list(named[["x", "kept", "setting"]].itertuples(index=False, name=None)), others, lines, bars)
    return Drawing(
        name=f"{cost.name}-{scope.name}",
        title=f"{cost.title}: {scope.title}",
        caption=_caption(rows, cost),
        alt=_alternative(rows, best, cost),
        data=rows[[*KEYS, "kept", "kept_low", "kept_high", cost.column, "verdict", "pareto"]],
        figure=figure,
        tips={f"point-{at}": _tip(row, cost) for at, (_, row) in enumerate(rows.iterrows())},
    )


def _point(axes: Axes, row: pd.Series, look: int, element: str) -> None:
    """Draw a setting and its interval in the colour and shape number ``look``."""
    if not row["below"]:
        ends = np.clip([row["kept_low"], row["kept_high"]], *axes.get_ylim())
        axes.plot([row["x"]] * 2, ends, color=SERIES[look], linewidth=1.1, alpha=0.9 if row["pareto"] else 0.35)
    axes.plot(
        row["x"],
        axes.get_ylim()[0] if row["below"] else row["kept"],
        marker=BELOW if row["below"] else MARKERS[look],
        markersize=8 if row["pareto"] else 5.5,
        color=GROUND if row["verdict"] == "noise" else SERIES[look],
        markeredgecolor=INK if row["pareto"] else SERIES[look],
        markeredgewidth=1.3,
        clip_on=False,
        zorder=4 if row["pareto"] else 3,
        gid=element,
    )


def _tip(row: pd.Series, cost: CostAxis) -> str:
    bounds = f" ({row['kept_low']:.4f} to {row['kept_high']:.4f})" if row["kept_low"] < row["kept_high"] else ""
    return (
        f"{row['setting']}: {row['kept']:.4f}{bounds}{VERDICTS.get(row['verdict'], '')}, {cost.words(row[cost.column])}"
    )


def _caption(rows: pd.DataFrame, cost: CostAxis) -> str:
    below = rows["below"].sum()
    low = f" {below} of {len(rows)} settings keep less than the axis shows: triangles at its foot." if below else ""
    return (
        "Bars are confidence intervals. Hollow points are not distinguishable from float32. Points with a rim (✓ in "
        f"the tables): no other setting costs less, in memory and on disk, and keeps as much. {cost.note}{low}"
    )


def _methods(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the settings without rescoring that other settings surpass; none where they are many."""
    plain = rows[(rows["rescore_store"] == NO_STORE) & ~rows["pareto"]]
    return plain if len(plain) <= MOST_NAMES else plain[:0]


def _alternative(rows: pd.DataFrame, best: pd.DataFrame, cost: CostAxis) -> str:
    points = (f"{row['setting']} {row['kept']:.3f} at {cost.words(row[cost.column])}" for _, row in best.iterrows())
    text = f"{len(rows)} settings; of the {len(best)} that none surpasses, from the cheapest: {'; '.join(points)}"
    return text + (f". The best is {best.sort_values('kept')['setting'].iloc[-1]}." if len(best) else ".")


def _quality_range(rows: pd.DataFrame) -> tuple[float, float]:
    """Return the ends of the axis of quality.

    It shows all settings. Where the worst few would take more than half of it, they lie below; those that none
    surpasses never do.
    """
    if rows.empty:
        return 0.0, 1.05
    highest = max(1.0, float(rows["kept_high"].max()))
    most = min(rows["kept_low"].quantile(BELOW_AXIS), rows.loc[rows["pareto"], "kept"].min())
    least = rows["kept_low"].min()
    lowest = least if highest - least <= 2 * (highest - most) else most
    margin = 0.06 * max(highest - lowest, 0.05)
    return max(0.0, float(lowest - margin)), float(highest + margin)


def log_axis(axes: Axes, values: pd.Series, ticks: Sequence[float]) -> None:
    """Scale x logarithmically and label those of ``ticks`` that lie near ``values`` with plain numbers."""
    low, high = float(values.min()) / 1.3, float(values.max()) * 1.3
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_xticks([tick for tick in ticks if low <= tick <= high])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def _legend(axes: Axes, stores: list[str], below: bool) -> None:
    """Explain colours and shapes under the axes."""
    entries: list[tuple[str, str | int, str, str]] = []
    for at, store in enumerate(stores):
        look = at % len(SERIES)
        label = "not rescored" if store == NO_STORE else f"rescored by {store}"
        entries.append((label, MARKERS[look], SERIES[look], SERIES[look]))
    entries.append(("not distinguishable from float32", "o", GROUND, FAINT))
    entries.append(("nothing cheaper keeps as much (✓)", "o", FAINT, INK))
    if below:
        entries.append(("below the axis", BELOW, FAINT, FAINT))
    handles = [
        Line2D([], [], ls="", marker=MarkerStyle(marker), color=fill, markeredgecolor=rim, markersize=7, label=label)
        for label, marker, fill, rim in entries
    ]
    axes.figure.legend(handles=handles, loc="outside lower center", ncols=3)
