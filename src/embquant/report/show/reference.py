"""Figures and tables of a study whose vectors are a provider's codes alone: its own words for what it compares with."""

from dataclasses import replace

from matplotlib.text import Text

from embquant.report.measure import renamed
from embquant.report.show.figures.style import Drawing
from embquant.report.show.rendering import Column, TableView


def renamed_table(view: TableView, reference: str) -> TableView:
    """Return a table whose title, caption and columns say ``reference`` where they said float32."""
    columns = {name: _renamed_column(column, reference) for name, column in view.columns.items()}
    title, caption = renamed(view.title, reference), renamed(view.caption, reference)
    return replace(view, title=title, caption=caption, columns=columns)


def _renamed_column(column: Column, reference: str) -> Column:
    return replace(column, label=renamed(column.label, reference), meaning=renamed(column.meaning, reference))


def renamed_drawing(drawing: Drawing, reference: str) -> Drawing:
    """Return a figure whose words, inside and around it, say ``reference`` where they said float32."""
    for words in drawing.figure.findobj(Text):
        words.set_text(renamed(words.get_text(), reference))
    return replace(
        drawing,
        title=renamed(drawing.title, reference),
        caption=renamed(drawing.caption, reference),
        alt=renamed(drawing.alt, reference),
        tips={element: renamed(tip, reference) for element, tip in drawing.tips.items()},
    )
