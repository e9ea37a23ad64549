"""Tables for readers: one description of their columns, rendered as plain text, Markdown, LaTeX and cells of a page."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd
from tabulate import tabulate

from embquant.errors import harmless
from embquant.study import NO_STORE

SORT_FORMAT = ".6g"
LATEX = {"≈": r"$\approx$", "✓": r"$\checkmark$", "×": r"$\times$", "–": "--", "…": r"\dots{}"}
"""Characters of this project's own words that LaTeX's default fonts lack, or show as others."""
MARKDOWN = re.compile(r"[\\`*|~]|_(?!\w)|(?<!\w)_|<(?=[a-zA-Z/!?])|\](?=\()")
"""What Markdown would read as markup within a line."""


@dataclass(frozen=True)
class Column:
    """How a column is shown: its ``label``, the format of its numbers (none: text, left-aligned), and what it means.

    With ``interval``, the columns ``…_low`` and ``…_high`` follow the value in brackets. A number below ``least`` is
    shown as less than that. A ``detail`` is shown on pages only: papers are narrow.
    """

    label: str
    number: str = ""
    meaning: str = ""
    interval: bool = False
    detail: bool = False
    least: float = -math.inf


@dataclass(frozen=True)
class Cell:
    """A cell of a page: its text, and the key that it is sorted by."""

    text: str
    key: str


@dataclass(frozen=True)
class TableView:
    """A table as readers see it: ``rows``, of which those ``columns`` are visible that have a value somewhere.

    In a page it can be filtered by the values of ``filters``, at first to those in ``first``. ``short`` (bool per row)
    marks what Markdown and LaTeX show; all rows, if it isn't given.
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
    def visible(self) -> dict[str, Column]:
        """Return the columns that have a value somewhere."""
        known = (name for name in self.columns if name in self.rows and self.rows[name].notna().any())
        return {name: self.columns[name] for name in known}

    @cached_property
    def choices(self) -> dict[str, list[str]]:
        """Return the distinct values of each column in ``filters``, if there are several."""
        names = list(self.visible)
        texts = {name: [row[names.index(name)].text for row in self.cells] for name in self.filters if name in names}
        return {name: list(dict.fromkeys(values)) for name, values in texts.items() if len(set(values)) > 1}

    @cached_property
    def cells(self) -> list[list[Cell]]:
        """Return the cells of all rows."""
        return [_cells(record, self.visible) for record in self.rows.to_dict("records")]

    def text(self) -> str:
        """Return the table as plain text."""
        return self._tabulated("simple", str)

    def markdown(self) -> str:
        """Return the short table as GitHub's Markdown."""
        return self._tabulated("github", lambda text: MARKDOWN.sub(r"\\\g<0>", text))

    def latex(self) -> str:
        """Return the short table as LaTeX, for the packages booktabs and amssymb.

        Texts of queries and documents stay as they are, in UTF-8; LuaLaTeX has scripts that LaTeX's own fonts lack.
        """
        text = self._tabulated("latex_booktabs", str)
        for character, command in LATEX.items():
            text = text.replace(character, command)
        return text

    def _tabulated(self, form: str, escape: Callable[[str], str]) -> str:
        columns = {name: column for name, column in self.visible.items() if not column.detail}
        rows = self.rows if self.short is None else self.rows[self.short]
        cells = [
            [escape(" ".join(cell.text.split())) for cell in _cells(record, columns)]
            for record in rows.to_dict("records")
        ]
        labels = [escape(column.label) for column in columns.values()]
        alignment = ["right" if column.number else "left" for column in columns.values()]
        return tabulate(cells, labels, form, disable_numparse=True, colalign=alignment if cells else None)


def rescored_by(rows: pd.DataFrame) -> pd.Series:
    """Return the store and multiplier that each setting is rescored with, as one text; – without rescoring."""
    texts = rows["rescore_store"] + " ×" + rows["rescore_multiplier"].astype(str)
    return texts.where(rows["rescore_store"] != NO_STORE, "–")


def formatted(values: pd.Series, form: str) -> pd.Series:
    """Return ``values`` as texts of the format ``form``, such as ``{:.4f}``; a missing value is an empty text."""
    return values.astype(object).map(lambda value: "" if pd.isna(value) else form.format(value))


def _cells(record: Mapping[str, object], columns: Mapping[str, Column]) -> list[Cell]:
    return [_cell(record, name, column) for name, column in columns.items()]


def _cell(record: Mapping[str, object], name: str, column: Column) -> Cell:
    value = record[name]
    if pd.isna(value):
        return Cell("", "")
    if not column.number or isinstance(value, str):
        return Cell(*[harmless(str(value))] * 2)
    key = f"{value:{SORT_FORMAT}}"
    text = f"<{column.least}" if float(key) < column.least else f"{value:{column.number}}"
    if column.interval:
        low, high = record.get(f"{name}_low"), record.get(f"{name}_high")
        text += "" if pd.isna(low) or low == high else f" [{low:{column.number}}, {high:{column.number}}]"
    return Cell(text, key)
