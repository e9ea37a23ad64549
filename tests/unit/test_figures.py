"""How figures look: colours that everybody can tell apart, names that can be read, axes with numbers."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Annotation, Text

from embquant.report.show.figures.heatmap import readable_on
from embquant.report.show.figures.labels import label_points
from embquant.report.show.figures.methods import draw_indexes
from embquant.report.show.figures.queries import bin_words
from embquant.report.show.figures.style import SERIES, THEMES, canvas, luminance

# What remains of linear RGB without the cones for red, green or blue: Machado, Oliveira and Fernandes 2009, severity 1.
SIGHT = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
LIGHT, DARK = 0, 1


def contrast(one, other):
    low, high = sorted((luminance(to_rgb(one)), luminance(to_rgb(other))))
    return (high + 0.05) / (low + 0.05)


def lab(linear):
    """Return CIELAB of linear sRGB, for D65 (IEC 61966-2-1, CIE 15)."""
    xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]] @ np.clip(linear, 0, 1)
    scaled = xyz / [0.9505, 1.0, 1.089]
    f = np.where(scaled > 0.008856, np.cbrt(scaled), 7.787 * scaled + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def seen(colour, sight):
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return lab(np.array(SIGHT[sight]) @ linear)


def test_luminance_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the grey that just fails WCAG's AA


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_text_and_lines_stand_out_from_the_ground(theme):
    ground = THEMES["ground"][theme]
    assert all(contrast(THEMES[name][theme], ground) >= 4.5 for name in ("ink", "muted"))
    drawn = [pair[theme] for name, pair in THEMES.items() if name.startswith(("series", "faint"))]
    assert [colour for colour in drawn if contrast(colour, ground) < 3] == []


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("sight", SIGHT)
def test_series_can_be_told_apart_by_every_sight(theme, sight):
    """Distances in CIELAB; about 2.3 is just noticeable. Shapes tell them apart as well."""
    series = [pair[theme] for name, pair in THEMES.items() if name.startswith("series")]
    near = {
        (one, other): round(float(np.linalg.norm(seen(one, sight) - seen(other, sight))), 1)
        for one, other in combinations(series, 2)
    }
    assert min(near.values()) >= 8, near


def test_no_colour_of_the_light_theme_stands_for_two_things():
    assert len({light for light, _ in THEMES.values()}) == len(THEMES)


@pytest.mark.parametrize("shade", ["#00224e", "#7d7c78", "#fee838", "#808080", "#0072b2"])
def test_words_on_a_shade_are_black_or_white_whichever_stands_out(shade):
    wanted = max(("#000000", "#fefefe"), key=lambda colour: contrast(colour, shade))
    assert readable_on(np.array(to_rgb(shade))) == wanted


def test_names_cover_neither_each_other_nor_points():
    figure = canvas(4)
    axes = figure.subplots()
    rng = np.random.default_rng(0)
    named = [(x, y, f"a rather long name {at}") for at, (x, y) in enumerate(rng.random((12, 2)).tolist())]
    others = rng.random((20, 2)).tolist()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    label_points(axes, named, others)
    texts = [own for own in axes.texts if isinstance(own, Annotation)]
    assert 4 < len(texts) <= len(named)
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in texts]  # of the names, without the lines that lead to points
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    points = axes.transData.transform([(x, y) for x, y, _ in named] + others)
    assert not any(box.contains(*point) for box in boxes for point in points)


@pytest.fixture
def approximate():
    """Two settings of one index."""
    return pd.DataFrame(
        {
            "method": ["a-nprobe-1", "a-nprobe-2"],
            "index_name": "a",
            "index_overlap": [0.5, 0.9],
            "queries_per_second": [30000.0, 900.0],
        }
    )


def test_indexes_of_the_same_codes_are_lines_apart_and_look_different(approximate):
    many = [approximate.assign(index_name=f"a-{at}") for at in range(len(SERIES) + 2)]
    lines = draw_indexes(pd.concat(many), "indexes").figure.axes[0].lines
    assert [line.get_label() for line in lines] == [f"a-{at}" for at in range(len(SERIES) + 2)]
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == len(lines)


def test_the_axis_of_throughput_has_numbers(approximate):
    methods = approximate
    drawing = draw_indexes(methods, "indexes")
    assert ">10,000<" in drawing.svg
    assert "mathdefault" not in drawing.svg
    assert drawing.data["pareto"].tolist() == [True, True]
    assert draw_indexes(methods[:1], "indexes") is None  # one point is no comparison


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(4, 6, "4–6"), (12, 115, "12–115"), (5, 5, "5"), (4.88e-05, 0.03861, "0–0.0386"), (0.03862, 0.163, "0.039–0.163")],
)
def test_bins_are_numbers_without_exponents(low, high, words):
    assert bin_words(low, high) == words


def test_names_keep_off_the_line_that_joins_points():
    figure = canvas(4)
    axes = figure.subplots()
    named = [(0.1, 0.5, "the first of them"), (0.5, 0.52, "the second"), (0.9, 0.55, "the last")]
    axes.set(xlim=(0, 1), ylim=(0, 1))
    label_points(axes, named, [], [[(x, y) for x, y, _ in named]])
    figure.draw_without_rendering()
    line = axes.transData.transform(
        [(x, np.interp(x, [0.1, 0.5, 0.9], [0.5, 0.52, 0.55])) for x in np.linspace(0.1, 0.9)]
    )
    boxes = [own.get_window_extent() for own in axes.texts if isinstance(own, Annotation)]
    assert len(boxes) == 3
    assert not any(box.contains(*place) for box in boxes for place in line)


@pytest.mark.parametrize(("bars", "side"), [([], "right"), ([0.56], "left"), ([0.44, 0.56], "right")])
def test_names_cross_faint_lines_only_where_there_is_no_other_place(bars, side):
    axes = canvas(4).subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    label_points(axes, [(0.5, 0.5, "a rather long name")], [], faint=[[(x, 0), (x, 1)] for x in (*bars, 0.5)])
    axes.figure.draw_without_rendering()
    (text,) = (own for own in axes.texts if isinstance(own, Annotation))
    middle = sum(axes.transData.inverted().transform(text.get_window_extent())[:, 0]) / 2
    assert (middle > 0.5) == (side == "right")
