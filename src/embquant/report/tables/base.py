"""What a table of a study's reports is, and the columns that most of them show."""

from abc import ABC, abstractmethod
from typing import ClassVar

import pandas as pd

from embquant.report.measure import Measure
from embquant.report.numbers.measurements import Measurements
from embquant.report.reports import Reports
from embquant.report.show.rendering import Column, TableView
from embquant.study import NO_STORE

MOST_ROWS = 3000
"""Number of rows beyond which a table of the page is reduced to those that matter most."""

PLACE = {"dataset": Column("dataset"), "model": Column("model")}
SETTING = {
    "method": Column("method", meaning="a codec, and the index that its codes are searched in"),
    "store": Column("rescored by", meaning="what the query as it is scores candidates with again"),
    "multiplier": Column("×", ".0f", "candidates fetched, as a multiple of top_k"),
    "top_k": Column("top_k", ".0f", "documents returned"),
}
PARETO = {"pareto_mark": Column("Pareto", meaning="✓: no other setting costs less (memory and disk) and keeps as much")}
VERDICT = Column(
    "against float32", meaning="≈ noise: not distinguishable from float32; < worse; > better (Holm's method)"
)
USD = Column("USD a month", ",.6g", "memory and disk, at the prices of the configuration")
VERDICT_MARKS = {"better": ">", "noise": "≈", "worse": "<"}


class ReportTable(ABC):
    """A table of a study's reports; docs/columns.md explains its columns, and workflow/report/ has its caption."""

    optional: ClassVar[bool] = False
    """Whether a folder of reports may lack it."""

    section: ClassVar[str] = ""
    """The section of the page that shows its :meth:`view`; a name that the page doesn't know makes a new section."""

    @abstractmethod
    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return the table."""

    def view(self, reports: Reports) -> TableView | None:
        """Return what the page shows of it; None for nothing."""
        return None


def place_columns(reports: Reports) -> dict[str, Column]:
    """Return the columns for dataset and model that tell rows apart: those with several values."""
    return {name: column for name, column in PLACE.items() if len(reports.summary[name].unique()) > 1}


def p_column(family: str) -> Column:
    """Return the column of p, adjusted by Holm's method for all comparisons of a ``family``, which is said in words."""
    return Column("p (Holm)", ".3g", f"adjusted for all {family}", least=0.0001)


def kept_column(reports: Reports, interval: bool) -> Column:
    """Return the column of what settings keep, named after the study's measure if there is only one."""
    names = list(dict.fromkeys(reports.summary["measure"].dropna()))
    measure = Measure.of_column(names[0]) if len(names) == 1 else None
    meaning = "what is left of float32's value; where nothing is judged, agreement with float32's results"
    return Column(measure.label if measure else "kept", ".4f", meaning, interval)


def for_readers(rows: pd.DataFrame) -> pd.DataFrame:
    """Append what readers see of keys and marks.

    These are ``store`` and ``multiplier`` (empty without rescoring), ``pareto_mark``, and ``verdict_words``.
    """
    if "rescore_store" in rows:
        store = rows["rescore_store"]
        rescored = store != NO_STORE
        multiplier = rows["rescore_multiplier"].where(rescored)
        rows = rows.assign(store=store.where(rescored | store.isna(), "–"), multiplier=multiplier)
    if "pareto" in rows:
        rows = rows.assign(pareto_mark=rows["pareto"].map({True: "✓", False: "–"}).fillna("–"))
    if "verdict" in rows:
        words = {verdict: f"{mark} {verdict}" for verdict, mark in VERDICT_MARKS.items()}
        rows = rows.assign(verdict_words=rows["verdict"].map(words).fillna("–"))
    return rows


def with_pareto_of(summary: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Append ``pareto`` of the same setting in ``summary``."""
    keys = [*PLACE, "method", "rescore_store", "rescore_multiplier", "top_k"]
    return rows.merge(summary[[*keys, "pareto"]], on=keys, how="left")
