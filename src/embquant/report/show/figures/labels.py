"""Names beside points, placed so that they can be read."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from embquant.report.show.figures.style import INK

PLACES = [
    *((8, 4, "left"), (-8, 4, "right"), (8, -11, "left"), (-8, -11, "right"), (0, 9, "center"), (0, -16, "center")),
    *((12, 16, "left"), (-12, 16, "right"), (12, -24, "left"), (-12, -24, "right"), (0, 24, "center")),
    *((24, 32, "left"), (-24, 32, "right"), (24, -40, "left"), (-24, -40, "right")),
]
"""Where a name may stand, as seen from its point, best first: offset in points and alignment."""


STEPS = 64
"""Number of places, on a line between two points, that names keep clear of."""


def label_points(
    axes: Axes,
    points: Sequence[tuple[float, float, str]],
    others: Iterable[tuple[float, float]],
    line: Sequence[tuple[float, float]] = (),
) -> None:
    """Write the names of ``points`` (x, y, name) beside them, where they cover neither each other nor any point.

    ``others`` are points without names. Names don't cover the ``line``, which goes from point to point, either. A name
    that finds no such place, in a crowd, is left out; the first ones choose first.
    """
    figure: Any = axes.figure
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    inside = axes.get_window_extent(renderer)
    marks = [(x, y) for x, y, _ in points] + list(others)
    taken = [_around(axes.transData.transform(mark), 4) for mark in marks]
    if line:
        corners = axes.transData.transform(line)
        steps = np.linspace(0, 1, STEPS)[:, None]
        taken += [_around(place, 1) for one, next_one in pairwise(corners) for place in one + steps * (next_one - one)]
    for x, y, name in points:
        for dx, dy, alignment in PLACES:
            near = abs(dx) + abs(dy) < 20
            text = axes.annotate(
                name,
                (x, y),
                (dx, dy),
                textcoords="offset points",
                ha=alignment,
                fontsize=8.5,
                color=INK,
                arrowprops=None if near else {"arrowstyle": "-", "color": INK, "linewidth": 0.5, "shrinkB": 4},
            )
            text.set_in_layout(False)  # a long name doesn't make the axes smaller
            box = text.get_tightbbox(renderer) if near else text.get_window_extent(renderer)
            if box is not None and _contains(inside, box) and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            text.remove()


def _around(place: np.ndarray, radius: float) -> Bbox:
    x, y = place
    return Bbox([[x - radius, y - radius], [x + radius, y + radius]])


def _contains(outer: Bbox, inner: Bbox) -> bool:
    return outer.x0 <= inner.x0 and inner.x1 <= outer.x1 and outer.y0 <= inner.y0 and inner.y1 <= outer.y1
