"""The command ``read-run``."""

import logging
from pathlib import Path
from typing import Annotated

import numpy as np

from embquant.exact.topk import without_rows
from embquant.files.parquet import count_rows
from embquant.files.records import note_input
from embquant.retrieve import trec_run
from embquant.retrieve.candidates import as_table, read_own_rows, write_candidates

log = logging.getLogger(__name__)


def read_run(
    *,
    run_file: Annotated[Path, "a run file in TREC's format"],
    corpus: Annotated[Path, "documents of the dataset"],
    queries: Annotated[Path, "queries of the dataset"],
    depth: Annotated[int, "documents per query"],
    output: Annotated[Path, "candidates (Parquet)"],
) -> None:
    """Read what another search has found, so that vector searches are fused with it.

    Documents are ordered by score, ties by row; a query's own document is left out.
    """
    note_input(run_file)
    count = count_rows([queries])
    own_rows = read_own_rows(queries, count)
    lines = trec_run.read_run(run_file, queries, corpus)
    scores, rows = trec_run.as_lists(*lines, count, depth + 1)
    scores, rows = without_rows(scores, rows, np.full(count, -2) if own_rows is None else own_rows, depth)
    write_candidates(output, [as_table(scores, rows)], {"depths": [depth]})
    log.info("%s: what was found for %d queries", run_file, count)
