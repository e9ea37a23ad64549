"""Quality against the number of documents."""

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, NullLocator

from embquant.measure.evaluation import DOCUMENTS
from embquant.report.numbers.growth import BASIS, MEASURED
from embquant.report.numbers.measured import RUN, SETTING
from embquant.report.numbers.quality import KEPT, with_quality
from embquant.report.reports import Reports, Scope
from embquant.report.show.figures.style import FAINT, INK, MARKERS, MUTED, SERIES, Drawing, canvas, figure_style

MOST = len(SERIES)
"""Number of settings that are drawn."""

COLUMNS = [*RUN, *SETTING, "setting", "measure", DOCUMENTS, BASIS, *KEPT]
"""What is drawn."""


@figure_style
def draw_growth(reports: Reports, scope: Scope) -> Drawing | None:
    """Draw what settings keep by number of documents, measured and expected; None where no subset was measured."""
    rows = _chosen(reports, scope)
    if rows.empty:
        return None
    figure = canvas(4.8)
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.set(xlabel="documents (log scale)", ylabel=scope.measure.axis)
    axes.axhline(1, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    settings = list(rows["setting"].unique())
    for at, setting in enumerate(settings):
        _line(axes, rows[rows["setting"] == setting], at, len(settings))
    deployed = reports.study.config.requirements.vectors
    if deployed is not None:
        axes.axvline(deployed, color=MUTED, linewidth=1, linestyle=(0, (1, 2)), zorder=1)
        axes.annotate(
            f"deployed: {deployed:,}",
            (deployed, 0.02),
            (-4, 0),
            ("data", "axes fraction"),
            textcoords="offset points",
            ha="right",
            color=INK,
        )
    _ticks(axes, rows, deployed)
    handles: list[Artist] = [
        Line2D([], [], color=SERIES[at], marker=MARKERS[at], markersize=5, label=setting)
        for at, setting in enumerate(settings)
    ]
    is_expected = rows[BASIS] != MEASURED
    if is_expected.any():
        handles.append(Patch(color=MUTED, alpha=0.2, label="expected, with its interval"))
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return Drawing(
        name=f"growth-{scope.name}",
        title=f"Quality as the corpus grows: {scope.title}",
        caption=(
            "Random subsets of the corpus that have all judged documents, and the corpus itself. Bars are confidence "
            "intervals." + (" Bands are expected, not measured." if is_expected.any() else "")
        ),
        alt=_alternative(rows),
        data=rows[COLUMNS],
        figure=figure,
    )


def _chosen(reports: Reports, scope: Scope) -> pd.DataFrame:
    """Return the rows of at most ``MOST`` settings that were measured in subsets."""
    rows = reports.table("growth")
    if rows.empty:
        return rows
    rows = with_quality(rows)
    of_scope = (rows["dataset"] == scope.dataset) & (rows["model"] == scope.model) & rows["kept"].notna()
    rows = rows[of_scope & (rows["measure"] == scope.measure.column)]
    sizes = rows.groupby("setting")[DOCUMENTS].nunique()
    grown = sizes.index[sizes > 1]
    notable = [name for name in scope.notable(len(scope.settings))["setting"] if name in grown]
    return rows[rows["setting"].isin(notable[:MOST])].sort_values(["setting", DOCUMENTS], kind="stable")


def _line(axes: Axes, rows: pd.DataFrame, at: int, count: int) -> None:
    """Draw one setting: points with bars where it was measured, a band where it is expected."""
    colour = SERIES[at]
    measured = rows[rows[BASIS] == MEASURED]
    x = measured[DOCUMENTS] * 1.02 ** (at - (count - 1) / 2)  # bars of several settings stand beside each other
    axes.vlines(x, measured["kept_low"], measured["kept_high"], color=colour, linewidth=1, alpha=0.6)
    axes.plot(x, measured["kept"], color=colour, linewidth=1.4, marker=MARKERS[at], markersize=5, zorder=3)
    beyond = pd.concat([measured.tail(1), rows[rows[BASIS] != MEASURED]])
    if len(beyond) > 1:
        axes.plot(beyond[DOCUMENTS], beyond["kept"], color=colour, linewidth=1.2, linestyle=(0, (4, 2)), zorder=3)
        axes.fill_between(
            beyond[DOCUMENTS], beyond["kept_low"], beyond["kept_high"], color=colour, alpha=0.15, linewidth=0
        )


def _ticks(axes: Axes, rows: pd.DataFrame, deployed: int | None) -> None:
    """Label the sizes that were measured, or powers of ten where these would stand too close."""
    sizes = sorted({*rows.loc[rows[BASIS] == MEASURED, DOCUMENTS], *([deployed] if deployed else [])})
    last = max(*sizes, rows[DOCUMENTS].max())
    if last > 100 * sizes[0]:
        sizes = [10**power for power in range(1, 13) if sizes[0] <= 10**power <= last]
    axes.set_xticks(sizes)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _alternative(rows: pd.DataFrame) -> str:
    """Say what the figure shows: what each setting keeps of the smallest and of the largest corpus."""
    texts = []
    for setting, of_setting in rows.groupby("setting", sort=False):
        first, last = of_setting.iloc[0], of_setting.iloc[-1]
        texts.append(
            f"{setting} keeps {first['kept']:.4f} of {first[DOCUMENTS]:,.0f} documents, {last['kept']:.4f} of "
            f"{last[DOCUMENTS]:,.0f}"
        )
    return "; ".join(texts) + "."
