"""Reading reports back."""

from pathlib import Path

import pandas as pd

from embquant.files.records import checked

NAMES = [
    *("dataset", "model", "method", "rescore_store", "other_method", "other_rescore_store"),
    *("runner_up_method", "runner_up_rescore_store", "query_id", "query", "document_id", "document"),
]
"""Columns that are text, whatever it looks like: an id may be 007."""


def read_report(path: Path) -> pd.DataFrame:
    """Read a CSV report, in which an empty field is missing; pandas' ValueErrors are the caller's to explain."""
    return pd.read_csv(checked(path), na_values=[""], keep_default_na=False, dtype=dict.fromkeys(NAMES, str))
