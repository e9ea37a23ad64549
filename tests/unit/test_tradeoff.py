"""Quality against what it costs: what the axis shows, and which settings are named."""

import pandas as pd
import pytest
from matplotlib.text import Annotation

from embquant.report.measure import Measure
from embquant.report.reports import Scope
from embquant.report.show.figures.tradeoff import MOST_NAMES, draw_memory


@pytest.fixture
def draw():
    """A function that draws settings, given as (method, rescore store, kept, bytes per vector, Pareto)."""

    def drawn(*settings):
        columns = ["method", "rescore_store", "kept", "memory_bytes_per_vector", "pareto"]
        rows = pd.DataFrame(settings, columns=columns)
        rows = rows.assign(
            dataset="facts",
            model="minilm",
            rescore_multiplier=4,
            top_k=10,
            setting=rows["method"].where(
                rows["rescore_store"] == "none", rows["method"] + " + " + rows["rescore_store"]
            ),
            usd_per_month=rows["memory_bytes_per_vector"],
            kept_low=rows["kept"],
            kept_high=rows["kept"],
            verdict="worse",
            in_summary=True,
        )
        measure = Measure.of_column("retention_nDCG@10")
        return draw_memory(Scope("facts", "facts", "minilm", measure, 10, "float32", rows))

    return drawn


def names(drawing):
    return [text.get_text() for text in drawing.figure.axes[0].texts if isinstance(text, Annotation)]


GOOD = [("float32", "none", 1.0, 1536, False), ("int8", "none", 1.0, 384, True), ("binary", "int8", 0.99, 48, True)]


def test_the_axis_shows_every_setting_where_the_worst_leaves_the_others_half_of_it(draw):
    drawing = draw(*GOOD, ("binary", "none", 0.91, 48, False))
    assert drawing.figure.axes[0].get_ylim()[0] < 0.91
    assert "triangles" not in drawing.caption


def test_the_worst_setting_lies_below_an_axis_that_it_would_take_most_of(draw):
    drawing = draw(*GOOD, ("binary", "none", 0.1, 48, False), *[("int8", "float32", 0.9, 390, False)] * 20)
    assert 0.1 < drawing.figure.axes[0].get_ylim()[0] < 0.9
    assert "1 of 24 settings keep less than the axis shows" in drawing.caption
    assert "binary" in names(drawing)  # at the foot


def test_methods_without_rescoring_are_named_beside_the_best_settings(draw):
    assert set(names(draw(*GOOD))) == {"float32", "int8", "binary + int8"}


def test_methods_without_rescoring_are_not_named_where_they_are_many(draw):
    many = [(f"m{at}", "none", 0.9 + at / 100, 100 + 100 * at, False) for at in range(MOST_NAMES)]
    assert set(names(draw(*GOOD, *many))) == {"int8", "binary + int8"}
