"""Names beside points, placed so that they can be read."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text

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
    taken = np.concatenate([_around(axes.transData.transform(marks), radius), _along(axes, lines)])
    crossed = _along(axes, faint)
    for point in points:
        covered = _written(axes, point, np.concatenate([taken, crossed]))
        if covered is None:
            covered = _written(axes, point, taken)
        if covered is not None:
            taken = np.concatenate([taken, covered])


def _written(axes: Axes, point: tuple[float, float, str], taken: np.ndarray) -> np.ndarray | None:
    """Write a name where it covers none of the boxes ``taken``, and return what it covers; None if there is no place.

    Boxes are rows of left, lower, right and upper ends in pixels, float64 (boxes, 4).
    """
    figure: Any = axes.figure
    renderer = figure.canvas.get_renderer()
    inside = np.asarray(axes.get_window_extent(renderer).extents)
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
        box = np.asarray(Text.get_window_extent(text, renderer).extents)  # without the leader
        covered = box[None] if near else np.vstack([box, _leader(box, mark, 1.5 * RADIUS * figure.dpi / 72)])
        is_inside = (inside[:2] <= box[:2]).all() and (box[2:] <= inside[2:]).all()
        if is_inside and not _overlap(covered, taken):
            return covered
        text.remove()
    return None


def _leader(box: np.ndarray, mark: np.ndarray, gap: float) -> np.ndarray:
    """Return boxes on the line from the middle of a name to its point, up to ``gap`` pixels before that."""
    start = (box[:2] + box[2:]) / 2
    end = 1 - gap / np.linalg.norm(mark - start)
    return _around(start + np.linspace(0, end, STEPS)[:, None] * (mark - start), 1)


def _along(axes: Axes, lines: Iterable[Line]) -> np.ndarray:
    """Return boxes on lines, all the way along them."""
    steps = np.linspace(0, 1, STEPS)[:, None]
    corners = [axes.transData.transform(line) for line in lines if len(line)]
    places = [one + steps * (other - one) for line in corners for one, other in pairwise(line)]
    return _around(np.concatenate([np.empty((0, 2)), *places]), 1)


def _around(places: np.ndarray, radius: float) -> np.ndarray:
    """Return the boxes around ``places``, float64 (boxes, 2)."""
    return np.hstack([places - radius, places + radius])


def _overlap(ones: np.ndarray, others: np.ndarray) -> bool:
    """Tell whether any of ``ones`` overlaps any of ``others``."""
    whole = np.concatenate([ones[:, :2].min(axis=0), ones[:, 2:].max(axis=0)])
    near = others[~_apart(whole[None], others)[0]]  # the few that can be meant
    return not bool(_apart(ones, near).all())


def _apart(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Tell of each pair of ``ones`` and ``others`` whether they don't overlap, bool (ones, others)."""
    apart = (ones[:, None, :2] >= others[:, 2:]) | (others[:, :2] >= ones[:, None, 2:])
    return np.asarray(apart.any(axis=2))
