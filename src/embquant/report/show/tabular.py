"""Tables for readers: one description of their columns, written as Markdown, LaTeX and cells of a page."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd
from tabulate import tabulate

EXACT = ".6g"
LATEX = {
    "≈": r"$\approx$",
    "✓": r"$\checkmark$",
    "×": r"$\times$",
    "–": "--",
    "…": r"\dots{}",
}
"""Characters of this project's own words that LaTeX's default fonts lack, or show as others."""
MARKUP = re.compile(r"[\\`*|~]|_(?!\w)|(?<!\w)_|<(?=[a-zA-Z/!?])|\](?=\()")
"""What Markdown would read as markup within a line."""


@dataclass(frozen=True)
class Column:
    """How a column is shown: its ``label``, the format of its numbers (none: text), and what it means.

    With ``interval``, the columns ``…_low`` and ``…_high`` follow the value in brackets. A ``detail`` is for pages
    alone: papers are narrow.
    """

    label: str
    number: str = ""
    meaning: str = ""
    interval: bool = False
    detail: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell: its text, and what it is sorted by."""

    text: str
    key: str


@dataclass(frozen=True)
class Table:
    """A table of ``rows``, of which ``columns`` are shown, those that have a value somewhere.

    In a page it can be filtered by the values of ``filters``, at first to those in ``first``. ``short`` (bool, a row
    each) says what belongs into a paper; all, if it isn't given.
    """

    name: str
    title: str
    caption: str
    rows: pd.DataFrame
    columns: Mapping[str, Column]
    filters: tuple[str, ...] = ()
    first: Mapping[str, str] = field(default_factory=dict)
    short: pd.Series | None = None

    @cached_property
    def shown(self) -> dict[str, Column]:
        """Return the columns that have a value somewhere."""
        return {name: own for name, own in self.columns.items() if name in self.rows and self.rows[name].notna().any()}

    @cached_property
    def choices(self) -> dict[str, list[str]]:
        """Return the values of the columns that it is filtered by: those that differ."""
        places = list(self.shown)
        texts = {name: [row[places.index(name)].text for row in self.cells] for name in self.filters if name in places}
        return {name: list(dict.fromkeys(values)) for name, values in texts.items() if len(set(values)) > 1}

    @cached_property
    def cells(self) -> list[list[Cell]]:
        """Return the cells of all rows."""
        return [_cells(record, self.shown) for record in self.rows.to_dict("records")]

    def markdown(self) -> str:
        """Return what belongs into a paper as GitHub's Markdown."""
        return self._tabulated("github", lambda text: MARKUP.sub(r"\\\g<0>", text))

    def latex(self) -> str:
        """Return what belongs into a paper as LaTeX, for the packages booktabs and amssymb.

        Texts of queries and documents are as they are, in UTF-8: for scripts that LaTeX's fonts lack there is LuaLaTeX.
        """
        text = self._tabulated("latex_booktabs", str)
        for character, command in LATEX.items():
            text = text.replace(character, command)
        return text

    def _tabulated(self, form: str, written: Callable[[str], str]) -> str:
        columns = {name: column for name, column in self.shown.items() if not column.detail}
        rows = self.rows if self.short is None else self.rows[self.short]
        cells = [
            [written(" ".join(cell.text.split())) for cell in _cells(record, columns)]
            for record in rows.to_dict("records")
        ]
        labels = [written(column.label) for column in columns.values()]
        alignment = ["right" if column.number else "left" for column in columns.values()]
        return tabulate(cells, labels, form, disable_numparse=True, colalign=alignment if cells else None)


def _cells(record: Mapping[str, object], columns: Mapping[str, Column]) -> list[Cell]:
    return [_cell(record, name, column) for name, column in columns.items()]


def _cell(record: Mapping[str, object], name: str, column: Column) -> Cell:
    value = record[name]
    if pd.isna(value):
        return Cell("", "")
    if not column.number or isinstance(value, str):
        return Cell(str(value), str(value))
    text = f"{value:{column.number}}"
    if column.interval:
        low, high = record.get(f"{name}_low"), record.get(f"{name}_high")
        text += "" if pd.isna(low) or low == high else f" [{low:{column.number}}, {high:{column.number}}]"
    return Cell(text, f"{value:{EXACT}}")
