"""What a setting does to single queries."""

import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from embquant.report.show.figures.style import FAINT, MARKERS, SERIES, Drawing, canvas
from embquant.report.show.figures.words import metric_of
from embquant.report.study import Group, Study

STEPS = 400
"""Of the share of queries at which sorted differences are drawn."""

BY = {"query_words": "words of the query", "baseline_margin": "margin of float32's scores"}
"""What losses are told by → its words."""


def draw_differences(study: Study, group: Group) -> Drawing | None:
    """Draw each query's difference from float32, sorted, a line a notable setting; None where there is no other one."""
    notable = group.notable(len(SERIES))
    if notable.empty:
        return None
    found = study.differences(group, notable)
    metric = metric_of(group.measure)
    figure = canvas(4.8)
    axes = figure.subplots()
    shares = np.linspace(0, 1, STEPS + 1)
    tables, words = [], []
    for at, (setting, differences) in enumerate(found.items()):
        told = differences[~np.isnan(differences)]
        sorted_values = np.quantile(told, shares, method="inverted_cdf")
        worse, better = (told < 0).mean(), (told > 0).mean()
        label = f"{setting}: {worse:.1%} of queries worse, {better:.1%} better"
        axes.step(
            shares,
            sorted_values,
            where="post",
            color=SERIES[at],
            linewidth=1.4,
            marker=MARKERS[at],
            markersize=4,
            markevery=(10 * at, 66),
            label=label,
        )
        tables.append(pd.DataFrame({"setting": setting, "share_of_queries": shares, "difference": sorted_values}))
        words.append(label)
    axes.axhline(0, color=FAINT, linewidth=1, zorder=1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set(xlabel="queries, from the greatest loss", ylabel=f"{metric}: the setting's less float32's")
    figure.legend(loc="outside lower center", ncols=1 if max(map(len, words)) > 52 else 2)
    return Drawing(
        name=f"differences-{group.name}",
        title=f"Differences of single queries: {group.place}",
        caption=(
            f"{metric} of each query less float32's, sorted. A mean that stays the same may hide queries that lose "
            "much. Drawn are settings that none surpasses, then methods without rescoring."
        ),
        alt="; ".join(words) + ".",
        data=pd.concat(tables, ignore_index=True).assign(dataset=group.dataset, model=group.model, metric=metric),
        figure=figure,
    )


def draw_losses(study: Study, group: Group) -> Drawing | None:
    """Draw the mean loss by length of the query and by how sure float32 is; None where the study hasn't told them."""
    losses = study.tables.get("losses")
    if losses is None or losses.empty:
        return None
    own = losses[(losses["dataset"] == group.dataset) & (losses["model"] == group.model)]
    own = own[(own["top_k"] == group.top_k) & own["by"].isin(BY)]
    told = [name for name in own["setting"].unique() if name != group.baseline]
    first = set(group.notable(len(group.settings))["setting"])
    notable = sorted(told, key=lambda name: name not in first)[: len(SERIES)]
    if not notable:
        return None
    own = own[own["setting"].isin(notable)]
    panels_of = list(own["by"].unique())
    figure = canvas(3.9)
    panels = figure.subplots(1, len(panels_of), sharey=True, squeeze=False)[0]
    for axes, by in zip(panels, panels_of, strict=True):
        bins = own.loc[own["by"] == by, ["bin_low", "bin_high"]].drop_duplicates().sort_values("bin_low")
        places = {low: at for at, low in enumerate(bins["bin_low"])}
        for at, setting in enumerate(notable):
            rows = own[(own["by"] == by) & (own["setting"] == setting)].sort_values("bin_low")
            x = rows["bin_low"].map(places) + 0.08 * (at - (len(notable) - 1) / 2)
            axes.vlines(x, rows["mean_loss_low"], rows["mean_loss_high"], color=SERIES[at], linewidth=1, alpha=0.6)
            axes.plot(x, rows["mean_loss"], color=SERIES[at], marker=MARKERS[at], markersize=4.5, label=setting)
        axes.set_xticks(list(places.values()), [_bin(low, high) for low, high in bins.to_numpy()], fontsize=8)
        axes.set_xlabel(BY[by])
        axes.axhline(0, color=FAINT, linewidth=1, zorder=1)
    metric = str(own["metric"].iloc[0])
    panels[0].set_ylabel(f"mean loss of {metric}")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    worst = own.loc[own["mean_loss"].idxmax()]
    return Drawing(
        name=f"losses-{group.name}",
        title=f"Which queries lose: {group.place}",
        caption="Mean loss against float32 of queries that are alike, with confidence intervals; above zero is a loss.",
        alt=f"{len(notable)} settings. The greatest mean loss, {worst['mean_loss']:.4f}, is {worst['setting']}'s.",
        data=own,
        figure=figure,
    )


def _bin(low: float, high: float) -> str:
    return f"{low:.3g}" if low == high else f"{low:.3g}–{high:.3g}"
