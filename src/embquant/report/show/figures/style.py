"""How all figures look, and how they become files and parts of a page.

Figures are drawn in the colours of the light theme. In a page these become CSS variables, so that one drawing is light
and dark; in files they stay, because few programs that make papers know variables.
"""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from embquant.files.atomic import atomic_path
from embquant.report.csv_files import write_csv, write_text

THEMES: dict[str, tuple[str, str]] = {
    "ground": ("#ffffff", "#12161c"),
    "ink": ("#1f2328", "#e8eaed"),
    "muted": ("#57606a", "#a5adb7"),
    "rule": ("#d5dae0", "#38404a"),
    "faint": ("#8b949e", "#78828d"),
    "accent": ("#0b62ae", "#8cbcf2"),
    "series-1": ("#0a84d6", "#a9cbf7"),
    "series-2": ("#8f4a10", "#c87c34"),
    "series-3": ("#0f5c46", "#22e0a0"),
    "series-4": ("#d6338f", "#e8559f"),
    "series-5": ("#a18a00", "#f0d030"),
    "series-6": ("#4f1fc4", "#a274ee"),
}
"""What a colour is for → its light and dark value. Series differ in lightness as well as in hue."""

GROUND, INK, MUTED, RULE, FAINT = (THEMES[name][0] for name in ("ground", "ink", "muted", "rule", "faint"))
SERIES = [light for name, (light, _) in THEMES.items() if name.startswith("series")]
MARKERS = "osD^vP"
"""One shape for each of the series, so that colours are not the only difference."""

WIDTH = 8.0
"""Width of a figure, in inches."""

SIZES = (12, 24, 48, 96, 192, 384, 768, 1536, 3072, 6144)
"""Ticks of an axis of bytes."""

figure_style = rc_context(
    {
        "svg.hashsalt": "embquant",
        "svg.fonttype": "none",
        "font.size": 10,
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
        "text.color": INK,
        "text.parse_math": False,
        "axes.edgecolor": MUTED,
        "axes.facecolor": GROUND,
        "axes.labelcolor": INK,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.color": RULE,
        "grid.linewidth": 0.6,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "figure.facecolor": GROUND,
        "legend.frameon": False,
        "legend.fontsize": 9,
    }
)
"""What every function that draws or saves a figure is decorated with: matplotlib's own settings stay as they were."""


@dataclass(frozen=True)
class Drawing:
    """A figure, the numbers that it shows, and its words; ``tips`` are texts to show over elements, by their ids."""

    name: str
    title: str
    caption: str
    alt: str
    data: pd.DataFrame
    figure: Figure
    tips: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    @figure_style
    def svg(self) -> str:
        """The figure as the text of an SVG file, the same for equal drawings."""
        text = io.StringIO()
        self.figure.savefig(text, format="svg", metadata={"Date": None})
        self.figure.set_layout_engine("none")  # it is laid out, and need not be again for the PNG
        return text.getvalue()


def luminance(colour: np.ndarray) -> float:
    """Return the relative luminance, 0 to 1, of a colour in sRGB, float (3,) from 0 to 1 (WCAG 2)."""
    parts = np.asarray(colour, np.float64)[:3]
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def canvas(height: float, width: float = WIDTH) -> Figure:
    """Return an empty figure, ``width`` × ``height`` inches, that needs no screen."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def leads_with(value: float, digits: str) -> bool:
    """Return whether a number's first digit is one of ``digits``; only such ticks of a log axis are labelled."""
    return f"{value:e}"[0] in digits


@figure_style
def save(drawing: Drawing, folder: Path) -> None:
    """Write the figure as SVG and PNG, and its numbers as CSV; equal drawings are equal files."""
    write_text(drawing.svg, folder / f"{drawing.name}.svg")
    write_csv(drawing.data, folder / f"{drawing.name}.csv")
    with atomic_path(folder / f"{drawing.name}.png") as temporary:
        drawing.figure.savefig(temporary, dpi=200, metadata={"Software": None})


def themed_svg(drawing: Drawing) -> str:
    """Return the figure as an element of a page: coloured by variables, with ids of its own and tips."""
    svg = drawing.svg
    box = re.findall(r'viewBox="[^"]*"', svg)[0]
    svg = svg[svg.index('<g id="figure_1">') :]  # what stands before is for files: comments, metadata, styles
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{drawing.name}-", svg)
    for name, (light, _) in THEMES.items():
        svg = svg.replace(light, f"var(--{name})")
    for element, tip in drawing.tips.items():
        place = f'<g id="{drawing.name}-{element}">'
        svg = svg.replace(place, f"{place}<title>{escape(tip)}</title>")
    label = escape(f"{drawing.title}. {drawing.alt}")
    return f'<svg role="img" aria-label="{label}" {box} xmlns:xlink="http://www.w3.org/1999/xlink">{svg}'
