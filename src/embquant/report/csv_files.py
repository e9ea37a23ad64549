"""CSV files of reports: how all of them are written, and how they are read back."""

from pathlib import Path

import pandas as pd

from embquant.files.atomic import atomic_path
from embquant.files.records import checked

TEXTS = [
    *("dataset", "model", "method", "rescore_store", "other_method", "other_rescore_store"),
    *("other_model", "best_model", "chosen_model", "runner_up_model"),
    *("runner_up_method", "runner_up_rescore_store", "query_id", "query", "document_id", "document"),
    *("baseline_document_id", "baseline_document"),
]
"""Columns that are text, whatever they look like: an id may be 007."""


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV, numbers with six significant digits."""
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV; the file appears whole or not at all."""
    write_text(csv_text(table), path)


def write_text(text: str, path: Path) -> None:
    """Write a text in UTF-8; the file appears whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_csv(path: Path) -> pd.DataFrame:
    """Read a CSV report, in which an empty field is missing; the caller explains pandas' ValueErrors."""
    table = pd.read_csv(checked(path), na_values=[""], keep_default_na=False, dtype=dict.fromkeys(TEXTS, str))
    return table.copy()  # in one piece, to append to
