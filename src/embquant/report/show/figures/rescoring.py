"""Quality against the rescore multiplier."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from embquant.report.reports import Scope
from embquant.report.show.figures.style import FAINT, GROUND, MARKERS, RULE, SERIES, Drawing, canvas, figure_style
from embquant.study import NO_STORE

MOST = len(SERIES)
"""Number of methods that get a colour."""

COLUMNS = 2
PLAIN = 0
"""The multiplier that stands for a search without rescoring."""


@figure_style
def draw_multipliers(scope: Scope) -> Drawing | None:
    """Draw quality by rescore multiplier, a panel per store and a line per method; None where nothing is rescored."""
    settings = scope.settings[scope.settings["kept"].notna()]
    rescored = settings[settings["rescore_store"] != NO_STORE]
    if rescored.empty:
        return None
    stores = list(rescored["rescore_store"].unique())
    multipliers = sorted(rescored["rescore_multiplier"].unique())
    named = _named(scope, list(rescored["method"].unique()))
    columns = min(COLUMNS, len(stores))
    figure = canvas(0.9 + 2.9 * -(-len(stores) // columns))
    panels = figure.subplots(-(-len(stores) // columns), columns, sharey=True, squeeze=False)
    for spare in panels.flat[len(stores) :]:
        spare.remove()
    places = {multiplier: at + 1 for at, multiplier in enumerate(multipliers)}
    lines = []
    for axes, store in zip(panels.flat, stores, strict=False):
        axes.set_title(f"rescored by {store}")
        for method in rescored.loc[rescored["rescore_store"] == store, "method"].unique():
            points = _points(settings, method, store)
            lines.append(points)
            _line(axes, points["multiplier"].map({PLAIN: 0, **places}), points, named.get(method), len(named))
        axes.set_xticks([0, *places.values()], ["none", *(f"×{multiplier}" for multiplier in multipliers)])
        axes.axhline(1, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        axes.margins(x=0.08)
    panels[0, 0].set_ylabel(scope.measure.axis)
    for axes in panels[-1]:
        axes.set_xlabel("candidates, as a multiple of top_k")
    handles = [
        Line2D([], [], color=SERIES[at], marker=MARKERS[at], markersize=5, label=method) for method, at in named.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    data = pd.concat(lines, ignore_index=True)
    best = rescored.loc[rescored["kept"].idxmax()]
    return Drawing(
        name=f"multipliers-{scope.name}",
        title=f"Quality against rescore multiplier: {scope.title}",
        caption=(
            "What more candidates gain, for each store that they are scored with again; “none” is the search without "
            "rescoring. Bars are confidence intervals, hollow points are not distinguishable from float32."
            + (" Grey lines are further methods." if len(named) < rescored["method"].nunique() else "")
        ),
        alt=f"{len(stores)} stores, {rescored['method'].nunique()} methods. The most is kept by {best['setting']}, "
        f"{best['kept']:.4f}.",
        data=data,
        figure=figure,
    )


def _named(scope: Scope, methods: list[str]) -> dict[str, int]:
    """Return the methods that get colours, and which: those with a setting that none surpasses come first."""
    unsurpassed = scope.settings.groupby("method")["pareto"].any()
    chosen = sorted(methods, key=lambda method: not unsurpassed[method])[:MOST]
    return {method: at for at, method in enumerate(sorted(chosen, key=methods.index))}


def _points(settings: pd.DataFrame, method: str, store: str) -> pd.DataFrame:
    """Return a method's values by multiplier, the one without rescoring first."""
    rows = settings[(settings["method"] == method) & settings["rescore_store"].isin([NO_STORE, store])]
    rescored = rows["rescore_store"] != NO_STORE
    rows = rows.assign(store=store, multiplier=rows["rescore_multiplier"].where(rescored, PLAIN))
    columns = ["dataset", "model", "method", "store", "multiplier", "top_k", "kept", "kept_low", "kept_high"]
    return rows.sort_values("multiplier")[[*columns, "verdict", "pareto"]]


def _line(axes: Axes, x: pd.Series, points: pd.DataFrame, look: int | None, count: int) -> None:
    if look is None:
        axes.plot(x, points["kept"], color=RULE, linewidth=1, zorder=2)
        return
    x = x + 0.05 * (look - (count - 1) / 2)  # bars of several methods stand beside each other
    axes.vlines(x, points["kept_low"], points["kept_high"], color=SERIES[look], linewidth=1, alpha=0.6)
    axes.plot(x, points["kept"], color=SERIES[look], linewidth=1.4, zorder=3)
    noise = (points["verdict"] == "noise").to_numpy()
    for hollow in (False, True):
        axes.plot(
            np.asarray(x)[noise == hollow],
            points["kept"][noise == hollow],
            linestyle="",
            marker=MARKERS[look],
            markersize=5,
            color=SERIES[look],
            markerfacecolor=GROUND if hollow else SERIES[look],
            zorder=4,
        )
