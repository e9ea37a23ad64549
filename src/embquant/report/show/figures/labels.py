"""Names beside points, placed so that they can be read."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from embquant.report.show.figures.style import INK

PLACES = [
    *((8, 4, "left"), (-8, 4, "right"), (8, -11, "left"), (-8, -11, "right"), (0, 9, "center"), (0, -16, "center")),
    *((12, 16, "left"), (-12, 16, "right"), (12, -24, "left"), (-12, -24, "right"), (0, 24, "center")),
    *((24, 32, "left"), (-24, 32, "right"), (24, -40, "left"), (-24, -40, "right")),
]
"""Where a name may stand, as seen from its point, best first: offset in points and alignment."""


RADIUS = 4.5
"""Radius of the largest mark of a point, in points."""

STEPS = 64
"""Number of places, on a line between two points, that names keep clear of."""

Line = Sequence[tuple[float, float]]
"""The points that a line goes through."""


def label_points(
    axes: Axes,
    points: Sequence[tuple[float, float, str]],
    others: Iterable[tuple[float, float]],
    lines: Iterable[Line] = (),
    faint: Iterable[Line] = (),
) -> None:
    """Write the names of ``points`` (x, y, name) beside them, where they cover neither each other nor any point.

    ``others`` are points without names. Names don't cover ``lines`` either, and ``faint`` ones only where there is no
    other place. A name that finds no place, in a crowd, is left out; the first ones choose first.
    """
    figure: Any = axes.figure
    figure.draw_without_rendering()
    marks = [(x, y) for x, y, _ in points] + list(others)
    radius = RADIUS * figure.dpi / 72
    taken = [_around(axes.transData.transform(mark), radius) for mark in marks] + _along(axes, lines)
    crossed = _along(axes, faint)
    for point in points:
        taken += _written(axes, point, taken + crossed) or _written(axes, point, taken)


def _written(axes: Axes, point: tuple[float, float, str], taken: Sequence[Bbox]) -> list[Bbox]:
    """Write a name where it covers nothing that is ``taken``, and return what it covers: nothing if it has no place."""
    renderer = axes.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    inside = axes.get_window_extent(renderer)
    x, y, name = point
    mark = axes.transData.transform((x, y))
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
            arrowprops=None if near else {"arrowstyle": "-", "color": INK, "linewidth": 0.5, "shrinkB": RADIUS},
        )
        text.set_in_layout(False)  # a long name doesn't make the axes smaller
        text.update_positions(renderer)
        box = Text.get_window_extent(text, renderer)  # without the leader
        covered = [box] if near else [box, *_leader(box, mark, 1.5 * RADIUS * axes.figure.dpi / 72)]
        if _contains(inside, box) and not any(own.overlaps(other) for own in covered for other in taken):
            return covered
        text.remove()
    return []


def _leader(box: Bbox, mark: np.ndarray, gap: float) -> list[Bbox]:
    """Return places on the line from the middle of a name to its point, up to ``gap`` pixels before that."""
    start = np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2])
    end = 1 - gap / float(np.linalg.norm(mark - start))
    return [_around(start + step * (mark - start), 1) for step in np.linspace(0, end, STEPS)]


def _along(axes: Axes, lines: Iterable[Line]) -> list[Bbox]:
    """Return places on lines, all the way along them."""
    steps = np.linspace(0, 1, STEPS)[:, None]
    corners = [axes.transData.transform(line) for line in lines if len(line)]
    pairs = [pair for line in corners for pair in pairwise(line)]
    return [_around(place, 1) for one, other in pairs for place in one + steps * (other - one)]


def _around(place: np.ndarray, radius: float) -> Bbox:
    x, y = place
    return Bbox([[x - radius, y - radius], [x + radius, y + radius]])


def _contains(outer: Bbox, inner: Bbox) -> bool:
    return outer.x0 <= inner.x0 and inner.x1 <= outer.x1 and outer.y0 <= inner.y0 and inner.y1 <= outer.y1
