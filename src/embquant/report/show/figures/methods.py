"""Methods without rescoring: what they take, and what approximate indexes find."""

import pandas as pd
from matplotlib.ticker import FuncFormatter

from embquant.measure.quality import INDEX_OVERLAP
from embquant.report.measure import Measure
from embquant.report.numbers.quality import pareto
from embquant.report.show.figures.labels import label_points
from embquant.report.show.figures.style import FAINT, MARKERS, SERIES, SIZES, Drawing, canvas, figure_style, leads_with

TAKEN = ["method", "bytes_per_vector", "kept"]
FOUND = ["method", INDEX_OVERLAP, "queries_per_second"]


@figure_style
def draw_storage(methods: pd.DataFrame, name: str) -> Drawing:
    """Draw ``kept`` against ``bytes_per_vector``; the methods that none surpasses are joined and named."""
    flat = methods[methods["flat"]]
    unsurpassed = pareto(flat["bytes_per_vector"], flat["kept"])
    best = flat[unsurpassed].sort_values("bytes_per_vector")
    figure = canvas(5)
    axes = figure.subplots()
    axes.scatter(flat["bytes_per_vector"], flat["kept"], s=14, color=FAINT, label="scans of all codes")
    axes.plot(best["bytes_per_vector"], best["kept"], "o-", color=SERIES[0], label="nothing smaller keeps as much (✓)")
    axes.set_xscale("log", base=2)
    ticks = [size for size in SIZES[1:] if size <= 2 * flat["bytes_per_vector"].max()]
    axes.set_xticks(ticks, [f"{size:,}" for size in ticks])
    axes.set_ylim(max(0, flat["kept"].quantile(0.02) - 0.02), 1.015)
    axes.set(xlabel="bytes per vector", ylabel=Measure.of_settings(methods["measure"].iloc[0]).axis)
    axes.legend(loc="lower right")
    points = list(best[["bytes_per_vector", "kept", "method"]].itertuples(index=False, name=None))
    others = flat.loc[~unsurpassed, ["bytes_per_vector", "kept"]].to_numpy().tolist()
    label_points(axes, points, others, [[(x, y) for x, y, _ in points]])
    return Drawing(
        name=name,
        title="What methods keep of float32, by bytes per vector",
        caption="Scans of all codes without rescoring, means over datasets.",
        alt=f"{len(flat)} methods; none is smaller and better than " + ", ".join(best["method"]) + ".",
        data=flat[TAKEN].assign(pareto=unsurpassed),
        figure=figure,
    )


@figure_style
def draw_indexes(methods: pd.DataFrame, name: str) -> Drawing | None:
    """Draw throughput against what approximate indexes find of an exact scan of their codes, a line per index.

    None where the study has fewer than two whose codes are scanned exactly as well.
    """
    approximate = methods[methods[INDEX_OVERLAP].notna()]
    if len(approximate) < 2:
        return None
    unsurpassed = pareto(-approximate["queries_per_second"], approximate[INDEX_OVERLAP])
    figure = canvas(5)
    axes = figure.subplots()
    for at, (line, points) in enumerate(approximate.groupby("index_name", sort=False)):
        shape = at + at // len(SERIES)  # a colour that comes again has another shape
        color, marker = SERIES[at % len(SERIES)], MARKERS[shape % len(MARKERS)]
        axes.plot(points[INDEX_OVERLAP], points["queries_per_second"], label=line, color=color, marker=marker)
    axes.scatter(
        approximate.loc[unsurpassed, INDEX_OVERLAP],
        approximate.loc[unsurpassed, "queries_per_second"],
        s=70,
        facecolors="none",
        edgecolors=FAINT,
        label="none is faster and finds more (✓)",
    )
    axes.set_yscale("log")
    for side in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        side(FuncFormatter(lambda value, _: f"{value:,.0f}" if leads_with(value, "125") else ""))
    axes.set(xlabel="share of the exact scan's documents that it finds", ylabel="queries per second, in batch")
    axes.legend()
    fastest = approximate.loc[approximate["queries_per_second"].idxmax()]
    return Drawing(
        name=name,
        title="What approximate indexes find, and how fast",
        caption="Without rescoring, means over datasets. What the codes themselves lose is not counted.",
        alt=f"{len(approximate)} settings, the fastest of them {fastest['method']}.",
        data=approximate[FOUND].assign(pareto=unsurpassed),
        figure=figure,
    )
