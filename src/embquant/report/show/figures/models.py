"""Quality itself against memory, for all models of a study: one frontier over them."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.lines import Line2D

from embquant.report.numbers.measured import RUN, SETTING
from embquant.report.numbers.quality import all_datasets, in_summary
from embquant.report.numbers.recommendation import EVERY
from embquant.report.reports import Reports, file_name
from embquant.report.show.figures.labels import label_points
from embquant.report.show.figures.style import (
    FAINT,
    INK,
    MARKERS,
    SERIES,
    SIZES,
    Drawing,
    canvas,
    figure_style,
)
from embquant.report.show.figures.tradeoff import log_axis

APART = 1.02
"""Factor between points of neighbouring models, which often take the same bytes."""

COLUMNS = [*RUN, *SETTING, "setting", "metric", "quality", "quality_low", "quality_high", "memory_bytes_per_vector"]
"""What is drawn."""


@figure_style
def draw_models(reports: Reports, dataset: str) -> Drawing:
    """Draw quality against bytes per vector on ``dataset``, or on all of them; models differ in colour and shape."""
    rows = _listed(reports, dataset)
    models = list(rows["model"].unique())
    place = rows["model"].map(models.index)
    rows = rows.assign(x=rows["memory_bytes_per_vector"] * APART ** (place - (len(models) - 1) / 2))
    best = rows[rows["pareto"]].sort_values(["memory_bytes_per_vector", "quality"])
    figure = canvas(5.6)
    axes = figure.subplots()
    axes.set(xlabel="bytes per vector in memory (log scale)", ylabel=rows["metric"].iloc[0])
    log_axis(axes, rows["x"], SIZES)
    axes.plot(best["x"], best["quality"], color=INK, linewidth=1, alpha=0.5, zorder=2)
    for number, (_, row) in enumerate(rows.iterrows()):
        look = models.index(row["model"]) % len(SERIES)
        ends = [row["quality_low"], row["quality_high"]]
        axes.plot([row["x"]] * 2, ends, color=SERIES[look], linewidth=1.1, alpha=0.9 if row["pareto"] else 0.35)
        axes.plot(
            row["x"],
            row["quality"],
            marker=MARKERS[look],
            markersize=8 if row["pareto"] else 5.5,
            color=SERIES[look],
            markeredgecolor=INK if row["pareto"] else SERIES[look],
            zorder=4 if row["pareto"] else 3,
            gid=f"point-{number}",
        )
    handles = [_handle(model, at % len(SERIES)) for at, model in enumerate(models)]
    handles.append(Line2D([], [], color=INK, marker="o", markerfacecolor=FAINT, label="nothing smaller is as good (✓)"))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    named = [(row["x"], row["quality"], row["setting"]) for _, row in best.iterrows()]
    others = rows.loc[~rows["pareto"], ["x", "quality"]].to_numpy().tolist()
    label_points(axes, named, others, [best[["x", "quality"]].to_numpy().tolist()])
    return Drawing(
        name=f"models-{file_name(dataset)}",
        title=f"All models: {_where(reports, dataset)}",
        caption=(
            "Quality itself, not a share of float32's. Bars are confidence intervals. Points with a rim and a name (✓ "
            "in the tables): no other setting of any model takes fewer bytes and is as good. A line joins them. Models "
            "of the same bytes stand side by side."
        ),
        alt=_alternative(rows, best),
        data=rows[[*COLUMNS, "pareto"]],
        figure=figure,
        tips={f"point-{number}": _words(row) for number, (_, row) in enumerate(rows.iterrows())},
    )


def model_datasets(reports: Reports) -> Sequence[str]:
    """Return the datasets on which models are compared, all together first; none where there is a single model."""
    rows = reports.table("models")
    return [] if len(reports.study.models) < 2 or rows.empty else list(rows["dataset"].unique())


def _listed(reports: Reports, dataset: str) -> pd.DataFrame:
    """Return the settings that are drawn: the summary's, and those that none surpasses."""
    rows = reports.table("models")
    rows = rows[rows["dataset"] == dataset]
    listed = rows.index.isin(in_summary(rows, reports.study.config.rescore.multipliers).index)
    return rows[listed | rows["pareto"]].reset_index(drop=True)


def _where(reports: Reports, dataset: str) -> str:
    datasets = [name for name in model_datasets(reports) if name != EVERY]
    return f"mean over {all_datasets(len(datasets), len(reports.datasets))}" if dataset == EVERY else dataset


def _handle(model: str, look: int) -> Line2D:
    return Line2D([], [], ls="", marker=MARKERS[look], color=SERIES[look], markersize=7, label=model)


def _words(row: pd.Series) -> str:
    return (
        f"{row['model']} · {row['setting']}: {row['quality']:.4f} ({row['quality_low']:.4f} to "
        f"{row['quality_high']:.4f}), {row['memory_bytes_per_vector']:,.0f} B per vector"
    )


def _alternative(rows: pd.DataFrame, best: pd.DataFrame) -> str:
    points = "; ".join(_words(row) for _, row in best.iterrows())
    return f"{len(rows)} settings; of the {len(best)} that none surpasses, from the smallest: {points}."
