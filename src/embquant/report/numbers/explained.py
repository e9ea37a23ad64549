"""The tables of single queries: their columns, and how they are read and joined.

docs/columns.md explains the columns.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from embquant.datasets.corpus import shown_documents
from embquant.files.parquet import read_table

KEYS = [
    *((name, pa.string()) for name in ("dataset", "model", "method", "rescore_store")),
    *((name, pa.int64()) for name in ("rescore_multiplier", "top_k")),
    ("metric", pa.string()),
]
WORST_QUERIES = pa.schema(
    [
        *(*KEYS, ("place", pa.int64()), ("query_id", pa.string()), ("query", pa.string())),
        *((name, pa.float64()) for name in ("baseline_value", "value", "loss")),
        *((name, pa.string()) for name in ("document_id", "document")),
        *((name, pa.int64()) for name in ("baseline_rank", "rank")),
        ("reason", pa.string()),
    ]
)
LOSSES = pa.schema(
    [
        *(*KEYS, ("by", pa.string()), ("bin_low", pa.float64()), ("bin_high", pa.float64()), ("queries", pa.int64())),
        *((name, pa.float64()) for name in ("mean_loss", "mean_loss_low", "mean_loss_high")),
    ]
)

EXAMPLES = pa.schema(
    [
        *(*KEYS, ("example", pa.string()), ("among", pa.int64()), ("query_id", pa.string()), ("query", pa.string())),
        *((name, pa.float64()) for name in ("baseline_value", "value")),
        ("rank", pa.int64()),
        *((name, pa.string()) for name in ("baseline_document_id", "baseline_document")),
        ("baseline_gain", pa.float64()),
        *((name, pa.string()) for name in ("document_id", "document")),
        ("gain", pa.float64()),
    ]
)

SCHEMAS = {"worst_queries": WORST_QUERIES, "losses": LOSSES, "examples": EXAMPLES}
"""The tables by the name of their file."""


def joined(folders: Sequence[Path], name: str) -> pd.DataFrame:
    """Return the report ``name`` of what ``explain-losses`` wrote to ``folders``."""
    columns = SCHEMAS[name].names
    return pa.concat_tables([read_table(folder / f"{name}.parquet", columns) for folder in folders]).to_pandas()


def with_documents(rows: Sequence[dict[str, Any]], corpus: Path) -> list[dict[str, Any]]:
    """Replace rows of the corpus, −1 for none, by the texts of documents, and add their ids.

    These stand in ``document`` and, where there is one, ``baseline_document``.
    """
    if not rows:
        return []
    columns = [name for name in ("baseline_document", "document") if name in rows[0]]
    wanted = np.unique([row[name] for row in rows for name in columns if row[name] >= 0])
    shown = dict(zip(wanted.tolist(), shown_documents(corpus, wanted), strict=True))
    documents = {-1: (None, None)} | {row: (name, one_kind_of_line_break(text)) for row, (name, text) in shown.items()}
    return [
        row
        | {f"{column}_id": documents[row[column]][0] for column in columns}
        | {column: documents[row[column]][1] for column in columns}
        for row in rows
    ]


def one_kind_of_line_break(text: str) -> str:
    """Return a text in which every line ends alike: most readers take a single carriage return for a CSV row's end."""
    return "\n".join(text.splitlines())
