"""What a search finds in nested subsets of a corpus, besides what it finds in the corpus."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from embquant.entries import read_entry
from embquant.errors import InputError
from embquant.exact.subsets import Subsets, Wanted
from embquant.exact.topk import without_rows
from embquant.files.parquet import read_table
from embquant.indexes.base import FlatIndex, Index
from embquant.retrieve.candidates import as_table, check_scores, noted_subsets


def read_subsets(growth: Mapping[str, Any], corpus: Path | None, qrels: Path | None, documents: int) -> Subsets | None:
    """Choose subsets of a dataset's ``corpus`` of so many ``documents``; None if none is wanted.

    ``growth`` has the keys of :class:`embquant.exact.subsets.Wanted`, or none. The subsets keep all documents that
    ``qrels`` names. Files of another corpus are an InputError.
    """
    if not growth:
        return None
    if corpus is None or qrels is None:
        raise InputError("--growth needs --corpus and --qrels, which tell what subsets hold")
    ids = read_table(corpus, ["id"]).column(0)
    judged = read_table(qrels, ["doc_row"]).column(0).to_numpy()
    if len(ids) != documents or not (judged < documents).all():
        raise InputError(f"{corpus}, {qrels}: not those of {documents} documents; delete them and run again")
    return Subsets.of(ids.to_pylist(), judged[judged >= 0], read_entry(Wanted, growth, "--growth"))


def noted(subsets: Subsets | None) -> dict[str, Any]:
    """Return what a file of candidates says of subsets in its metadata."""
    return noted_subsets(subsets.sizes, subsets.depth) if subsets else {}


def searched_subsets(
    index: Index[Any],
    queries: np.ndarray,
    subsets: Subsets | None,
    own_rows: np.ndarray | None,
    whole: tuple[np.ndarray, np.ndarray],
) -> Iterator[pa.Table]:
    """Yield what is found in each of the subsets, the smallest first, as a table of candidates.

    ``own_rows`` int64 (queries,), −1 for none, are left out of results; None if no query has one. ``whole`` are scores
    and rows (queries, candidates) of an exact search of all documents. Where enough of them are in a subset, they are
    what a search of it finds; the smaller subsets are searched.
    """
    if subsets is None:
        return
    if not isinstance(index, FlatIndex):
        raise InputError(
            "--growth: an index that isn't flat can't be searched in subsets, without building one of each"
        )
    known = [_among(*whole, subsets, number) for number in range(len(subsets.sizes))]
    searched = max((number + 1 for number, found in enumerate(known) if found is None), default=0)
    depth = subsets.depth + (own_rows is not None)
    for scores, rows in index.search_subsets(queries, depth, subsets.smallest(searched)):
        kept = (scores, rows) if own_rows is None else without_rows(scores, rows, own_rows, subsets.depth)
        check_scores(*kept)
        yield as_table(*kept)
    yield from (as_table(*found) for found in known[searched:] if found is not None)


def _among(scores: np.ndarray, rows: np.ndarray, subsets: Subsets, number: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the first candidates that are in a subset, (queries, depth); None if a query has too few."""
    is_in = (rows >= 0) & (subsets.first[rows] <= number)
    if is_in.sum(axis=1).min(initial=subsets.depth) < subsets.depth:
        return None
    places = np.argsort(~is_in, axis=1, kind="stable")[:, : subsets.depth]
    return np.take_along_axis(scores, places, axis=1), np.take_along_axis(rows, places, axis=1)
