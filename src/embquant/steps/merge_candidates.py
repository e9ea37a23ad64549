"""The command ``merge-candidates``."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa

from embquant.errors import InputError
from embquant.exact.topk import best, without_rows
from embquant.files.inapplicable import passed_on
from embquant.retrieve.candidates import Candidates, as_table, noted_subsets, read_own_rows, write_candidates

log = logging.getLogger(__name__)


def merge_candidates(
    *,
    parts: Annotated[Sequence[Path], "what search-part found, in order of parts"],
    queries: Annotated[Path | None, "queries of the dataset, which name their own documents"] = None,
    output: Annotated[Path, "candidates (Parquet)"],
) -> None:
    """Merge the candidates of all parts of the corpus, and of its subsets.

    The result is what a search of the whole corpus finds. One part after the other is merged into the best so far,
    so that memory doesn't grow with the number of parts.
    """
    for part in parts:
        if passed_on(part, output):
            return
    whole = Candidates(parts[0])
    starts = _starts(parts, whole)
    own_rows = read_own_rows(queries, len(whole.read(0)[0]))
    one_deeper = own_rows is not None
    depth = whole.depths[-1] - one_deeper
    metadata = {"depths": [depth], **noted_subsets(whole.subsets, whole.subset_depth - one_deeper)}

    def merged() -> Iterator[pa.Table]:
        for number, searched in enumerate(whole.searches()):
            scores, rows = _merged(parts, number, starts)
            if own_rows is not None:
                scores, rows = without_rows(scores, rows, own_rows, searched.depths[-1] - 1)
            yield as_table(scores, rows)

    write_candidates(output, merged(), metadata)
    log.info("%d parts of together %d documents merged to depth %d", len(parts), starts[-1], depth)


def _starts(parts: Sequence[Path], first: Candidates) -> list[int]:
    """Return the row in the corpus at which each of ``parts`` starts, and last the number of documents.

    All must have been searched as the ``first``.
    """
    starts = [0]
    for path in parts:
        part = Candidates(path)
        documents = part.metadata.get("documents")
        if type(documents) is not int or (part.depths, part.subsets) != (first.depths, first.subsets):
            raise InputError(
                f"{path}: not a part searched to depth {first.depths[-1]} and in {len(first.subsets)} subsets; "
                "delete it and run again"
            )
        starts.append(starts[-1] + documents)
    return starts


def _merged(parts: Sequence[Path], number: int, starts: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and rows in the corpus, (queries, candidates), of the best that search ``number`` found."""
    first = Candidates(parts[0]).searches()[number]
    rows, scores = first.read(0)
    for path, start in zip(parts[1:], starts[1:], strict=False):
        part_rows, part_scores = Candidates(path).searches()[number].read(0)
        if len(part_rows) != len(rows):
            raise InputError(f"{path}: holds {len(part_rows)} queries, expected {len(rows)}; delete it and run again")
        rows = np.concatenate([rows, part_rows + start], axis=1)
        scores, rows = best(np.concatenate([scores, part_scores], axis=1), rows, first.depths[-1])
    return scores, rows
