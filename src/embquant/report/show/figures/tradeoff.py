"""Quality against what it costs: memory, and time."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

from embquant.report.show.figures.labels import label_points
from embquant.report.show.figures.style import FAINT, GROUND, INK, MARKERS, SERIES, Drawing, canvas
from embquant.report.show.figures.words import kept_axis, kept_words
from embquant.report.study import Group
from embquant.study.settings import NO_STORE

SIZES = (12, 24, 48, 96, 192, 384, 768, 1536, 3072, 6144)
"""Ticks of an axis of bytes."""

SHOWN = 0.05
"""Share of the settings that may lie below the axis, where they would press the others together."""

KEYS = ["dataset", "model", "method", "rescore_store", "rescore_multiplier", "top_k", "setting", "measure"]


def draw_memory(group: Group) -> Drawing:
    """Draw quality against bytes of a vector in memory."""
    rows = group.drawn().assign(measure=group.measure)
    stores = list(rows["rescore_store"].unique())
    shift = rows["rescore_store"].map({name: (at - (len(stores) - 1) / 2) for at, name in enumerate(stores)})
    place = rows["memory_bytes_per_vector"] * 1.035**shift
    return _draw(
        group,
        rows.assign(place=place),
        "memory_bytes_per_vector",
        name="memory",
        title=f"Quality against memory: {group.place}",
        axis="bytes of a vector in memory (log scale)",
        words=lambda value: f"{value:,.0f} B a vector",
        note="A line joins them. Points at the same bytes stand side by side.",
        ticks=SIZES,
        joined=True,
    )


def draw_latency(group: Group) -> Drawing:
    """Draw quality against the median latency of a query."""
    rows = group.drawn().assign(measure=group.measure, place=lambda own: own["latency_p50_ms"])
    return _draw(
        group,
        rows[rows["latency_p50_ms"].notna()],
        "latency_p50_ms",
        name="latency",
        title=f"Quality against latency: {group.place}",
        axis="median time of a single query, ms (log scale)",
        words=lambda value: f"p50 {value:.3g} ms",
        note="Times are this machine's, on a corpus of this size.",
        ticks=[digit * 10.0**power for power in range(-4, 6) for digit in (1, 2, 5)],
    )


def _draw(  # noqa: PLR0913 - what the two figures differ in
    group: Group,
    rows: pd.DataFrame,
    column: str,
    *,
    name: str,
    title: str,
    axis: str,
    words: Callable[[float], str],
    note: str,
    ticks: Sequence[float],
    joined: bool = False,
) -> Drawing:
    figure = canvas(5.4)
    axes = figure.subplots()
    lowest, highest = _range(rows)
    axes.set_ylim(lowest, highest)
    axes.set(xlabel=axis, ylabel=kept_axis(group.measure))
    _log_axis(axes, rows["place"], ticks)
    if lowest < 1 < highest:
        axes.axhline(1, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    best = rows[rows["pareto"]].sort_values(["usd_per_month", "kept"])
    if joined:
        axes.plot(best["place"], best["kept"], color=INK, linewidth=1, alpha=0.5, zorder=2)
    stores = list(rows["rescore_store"].unique())
    tips = {}
    for at, row in rows.reset_index(drop=True).iterrows():
        look = stores.index(row["rescore_store"]) % len(SERIES)
        below = row["kept"] < lowest
        height = lowest if below else row["kept"]
        if not below:
            ends = np.clip([row["kept_low"], row["kept_high"]], lowest, highest)
            axes.plot([row["place"]] * 2, ends, color=SERIES[look], linewidth=1.1, alpha=0.9 if row["pareto"] else 0.35)
        axes.plot(
            row["place"],
            height,
            marker=7 if below else MARKERS[look],
            markersize=8 if row["pareto"] else 5.5,
            color=GROUND if row["verdict"] == "noise" else SERIES[look],
            markeredgecolor=INK if row["pareto"] else SERIES[look],
            markeredgewidth=1.3,
            clip_on=False,
            zorder=4 if row["pareto"] else 3,
            gid=f"point-{at}",
        )
        tips[f"point-{at}"] = f"{row['setting']}: {kept_words(row)}, {words(row[column])}"
    _legend(axes, stores, bool((rows["kept"] < lowest).any()))
    named = [(row["place"], row["kept"], row["setting"]) for _, row in best.iterrows()]
    label_points(axes, named, rows.loc[~rows["pareto"], ["place", "kept"]].to_numpy().tolist(), joined)
    low = int((rows["kept"] < lowest).sum())
    top = best.sort_values("kept").tail(1)
    return Drawing(
        name=f"{name}-{group.name}",
        title=title,
        caption=(
            "Bars are confidence intervals. Hollow points are not told apart from float32. Rims and names (✓ in "
            f"tables): no other setting costs less, memory and disk, and keeps as much. {note}"
            + (f" {low} of {len(rows)} settings keep less than the axis shows: triangles at its foot." if low else "")
        ),
        alt=(
            f"{len(rows)} settings; of the {len(best)} that none surpasses, from the cheapest: "
            + "; ".join(f"{row['setting']} {row['kept']:.3f} at {words(row[column])}" for _, row in best.iterrows())
            + (f". The best is {top['setting'].iloc[0]}." if len(top) else ".")
        ),
        data=rows[[*KEYS, "kept", "kept_low", "kept_high", column, "verdict", "pareto"]],
        figure=figure,
        tips=tips,
    )


def _range(rows: pd.DataFrame) -> tuple[float, float]:
    """Return the ends of the axis of quality: all but the worst few, and always those that none surpasses."""
    if rows.empty:
        return 0.0, 1.05
    lowest = min(rows["kept_low"].quantile(SHOWN), rows.loc[rows["pareto"], "kept"].min())
    highest = max(1.0, float(rows["kept_high"].max()))
    margin = 0.06 * max(highest - lowest, 0.05)
    return max(0.0, float(lowest - margin)), float(highest + margin)


def _log_axis(axes: Axes, values: pd.Series, ticks: Sequence[float]) -> None:
    """Scale x logarithmically, with those of ``ticks`` that lie near ``values``, as numbers that can be read."""
    low, high = float(values.min()) / 1.3, float(values.max()) * 1.3
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_xticks([tick for tick in ticks if low <= tick <= high])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def _legend(axes: Axes, stores: list[str], below: bool) -> None:
    """Explain colours and shapes under the axes."""

    def mark(label: str, marker: str | int, fill: str, rim: str) -> Line2D:
        return Line2D([], [], linestyle="", marker=marker, color=fill, markeredgecolor=rim, markersize=7, label=label)

    handles = []
    for at, store in enumerate(stores):
        look = at % len(SERIES)
        label = "not rescored" if store == NO_STORE else f"rescored by {store}"
        handles.append(mark(label, MARKERS[look], SERIES[look], SERIES[look]))
    handles.append(mark("not told apart from float32", "o", GROUND, FAINT))
    handles.append(mark("none is cheaper and as good (✓)", "o", FAINT, INK))
    if below:
        handles.append(mark("below the axis", 7, FAINT, FAINT))
    axes.figure.legend(handles=handles, loc="outside lower center", ncols=3)
