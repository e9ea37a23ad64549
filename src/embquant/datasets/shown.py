"""Documents as they are shown to a person."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from embquant.files.parquet import take_rows

SHOWN = 300
"""Characters of a document that are shown."""


def shown_documents(corpus: Path, rows: np.ndarray) -> Iterator[tuple[str, str]]:
    """Yield id and text, shortened, of the documents at ``rows``, int64, of a corpus."""
    for document in take_rows(corpus, ["id", "text", "display"], rows).to_pylist():
        text = document["display"] or document["text"]
        yield document["id"], text if len(text) <= SHOWN else text[:SHOWN] + " …"
