"""What a setting does to single queries."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from embquant.report.reports import Reports, Scope
from embquant.report.show.figures.style import FAINT, MARKERS, SERIES, Drawing, canvas, figure_style

STEPS = 400
"""Steps of the share of queries at which sorted differences are drawn."""

BY = {"query_words": "words of the query", "baseline_margin": "margin of float32's scores"}
"""A property of queries that losses.csv sorts them by → its label."""


@figure_style
def draw_differences(reports: Reports, scope: Scope) -> Drawing | None:
    """Draw each query's difference from float32, sorted, a line per notable setting; None where there is no other."""
    notable = scope.notable(len(SERIES))
    if notable.empty:
        return None
    metric = scope.measure.metric
    figure = canvas(4.8)
    axes = figure.subplots()
    shares = np.linspace(0, 1, STEPS + 1)
    tables, labels = [], []
    for at, (setting, differences) in enumerate(reports.differences(scope, notable).items()):
        known = differences[~np.isnan(differences)]
        sorted_values = np.quantile(known, shares, method="inverted_cdf")
        labels.append(f"{setting}: {(known < 0).mean():.1%} of queries worse, {(known > 0).mean():.1%} better")
        axes.step(
            shares,
            sorted_values,
            where="post",
            color=SERIES[at],
            linewidth=1.4,
            marker=MARKERS[at],
            markersize=4,
            markevery=(10 * at, 66),
            label=labels[-1],
        )
        tables.append(pd.DataFrame({"setting": setting, "share_of_queries": shares, "difference": sorted_values}))
    axes.axhline(0, color=FAINT, linewidth=1, zorder=1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set(xlabel="queries, from the greatest loss", ylabel=f"{metric}: the setting's minus float32's")
    figure.legend(loc="outside lower center", ncols=1 if max(map(len, labels)) > 52 else 2)
    return Drawing(
        name=f"differences-{scope.name}",
        title=f"Differences of single queries: {scope.title}",
        caption=(
            f"{metric} of each query minus float32's, sorted. A mean that stays the same may hide queries that lose "
            "much. Lines are settings that none surpasses, then methods without rescoring."
        ),
        alt="; ".join(labels) + ".",
        data=pd.concat(tables, ignore_index=True).assign(dataset=scope.dataset, model=scope.model, metric=metric),
        figure=figure,
    )


@figure_style
def draw_losses(reports: Reports, scope: Scope) -> Drawing | None:
    """Draw the mean loss by length of the query and by how sure float32 is; None where the reports have no losses."""
    losses = reports.table("losses")
    if losses.empty:
        return None
    of_scope = (losses["dataset"] == scope.dataset) & (losses["model"] == scope.model)
    losses = losses[of_scope & (losses["top_k"] == scope.top_k) & losses["by"].isin(BY)]
    settings = [name for name in losses["setting"].unique() if name != scope.baseline]
    first = set(scope.notable(len(scope.settings))["setting"])
    settings = sorted(settings, key=lambda name: name not in first)[: len(SERIES)]
    if not settings:
        return None
    losses = losses[losses["setting"].isin(settings)]
    properties = list(losses["by"].unique())
    metric = str(losses["metric"].iloc[0])
    figure = canvas(3.9)
    panels = figure.subplots(1, len(properties), sharey=True, squeeze=False)[0]
    for axes, by in zip(panels, properties, strict=True):
        _panel(axes, losses[losses["by"] == by], settings)
        axes.set_xlabel(BY[by])
    panels[0].set_ylabel(f"mean loss of {metric}")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    worst = losses.loc[losses["mean_loss"].idxmax()]
    return Drawing(
        name=f"losses-{scope.name}",
        title=f"Which queries lose: {scope.title}",
        caption="Mean loss against float32 of queries that are alike, with confidence intervals; above zero is a loss.",
        alt=f"{len(settings)} settings. The greatest mean loss, {worst['mean_loss']:.4f}, is {worst['setting']}'s.",
        data=losses,
        figure=figure,
    )


def _panel(axes: Axes, losses: pd.DataFrame, settings: list[str]) -> None:
    """Draw the mean losses by one property, in the bins of its values, a line per setting."""
    bins = losses[["bin_low", "bin_high"]].drop_duplicates().sort_values("bin_low")
    places = {low: at for at, low in enumerate(bins["bin_low"])}
    for at, setting in enumerate(settings):
        rows = losses[losses["setting"] == setting].sort_values("bin_low")
        x = rows["bin_low"].map(places) + 0.08 * (at - (len(settings) - 1) / 2)
        axes.vlines(x, rows["mean_loss_low"], rows["mean_loss_high"], color=SERIES[at], linewidth=1, alpha=0.6)
        axes.plot(x, rows["mean_loss"], color=SERIES[at], marker=MARKERS[at], markersize=4.5, label=setting)
    axes.set_xticks(list(places.values()), [bin_words(low, high) for low, high in bins.to_numpy()], fontsize=8)
    axes.axhline(0, color=FAINT, linewidth=1, zorder=1)


def bin_words(low: float, high: float) -> str:
    """Return the ends of a bin: the greater with three digits, the lesser with no more decimals than that."""
    last = np.format_float_positional(high, precision=3, fractional=False, trim="-")
    first = np.format_float_positional(low, precision=len(last.partition(".")[2]), trim="-")
    return last if low == high else f"{first}–{last}"
