"""The command ``merge-candidates``."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np

from embquant.errors import InputError
from embquant.exact.topk import best, without_rows
from embquant.files.inapplicable import passed_on
from embquant.files.parquet import write_parquet
from embquant.retrieve.candidates import SCHEMA, Candidates, as_table, read_own_rows

log = logging.getLogger(__name__)


def merge_candidates(
    *,
    parts: Annotated[Sequence[Path], "what search-part found, in order of parts"],
    queries: Annotated[Path | None, "queries of the dataset, which name their own documents"] = None,
    output: Annotated[Path, "candidates (Parquet)"],
) -> None:
    """Merge the candidates of all parts of the corpus.

    The result is what a search of the whole corpus finds. One part after the other is merged into the best so far,
    so that memory doesn't grow with the number of parts.
    """
    for part in parts:
        if passed_on(part, output):
            return
    depths = Candidates(parts[0]).depths
    rows, scores, first = _found(parts[0], depths)
    for part in parts[1:]:
        part_rows, part_scores, documents = _found(part, depths)
        if len(part_rows) != len(rows):
            raise InputError(f"{part}: holds {len(part_rows)} queries, expected {len(rows)}; delete it and run again")
        rows = np.concatenate([rows, part_rows + first], axis=1)
        scores, rows = best(np.concatenate([scores, part_scores], axis=1), rows, depths[-1])
        first += documents
    depth = depths[-1]
    own_rows = read_own_rows(queries, len(rows))
    if own_rows is not None:
        depth -= 1
        scores, rows = without_rows(scores, rows, own_rows, depth)
    write_parquet(output, SCHEMA, [as_table(scores, rows)], {"depths": [depth]})
    log.info("%d parts of together %d documents merged to depth %d", len(parts), first, depth)


def _found(path: Path, depths: list[int]) -> tuple[np.ndarray, np.ndarray, int]:
    """Return rows int64 and scores float64 (queries, candidates) of a part, and how many documents it has."""
    part = Candidates(path)
    documents = part.metadata.get("documents")
    if type(documents) is not int or part.depths != depths:
        raise InputError(f"{path}: not a part searched to depth {depths[-1]}; delete it and run again")
    return *part.read(0), documents
