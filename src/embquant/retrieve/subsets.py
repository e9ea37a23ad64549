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
    first = subsets.first[whole[1]]
    first[whole[1] < 0] = len(subsets.sizes)
    counts = [(first <= number).sum(axis=1) for number in range(len(subsets.sizes))]
    unknown = [np.flatnonzero(count < subsets.depth) for count in counts]
    found = index.search_subsets(queries, subsets.depth + (own_rows is not None), subsets, unknown)
    for number, (places, more) in enumerate(zip(unknown, found, strict=True)):
        kept = more if own_rows is None else without_rows(*more, own_rows[places], subsets.depth)
        if len(places) < len(queries):
            kept = _joined(whole, first <= number, places, kept, subsets.depth)
        check_scores(*kept)
        yield as_table(*kept)


def _joined(
    whole: tuple[np.ndarray, np.ndarray],
    among: np.ndarray,
    searched: np.ndarray,
    found: tuple[np.ndarray, np.ndarray],
    depth: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return what was ``found`` for the ``searched`` queries, and for the others the first of ``whole`` in the subset.

    ``among`` bool (queries, candidates) says which of ``whole`` are in the subset.
    """
    known = np.delete(np.arange(len(among)), searched)
    queries, columns = np.nonzero(among[known])
    firsts = np.searchsorted(queries, np.arange(len(known)))
    columns = columns[firsts[:, None] + np.arange(depth)]
    scores, rows = (np.empty((len(among), depth), values.dtype) for values in whole)
    for joined, of_whole, of_searched in zip((scores, rows), whole, found, strict=True):
        joined[known] = np.take_along_axis(of_whole[known], columns, axis=1)
        if len(searched):
            joined[searched] = of_searched
    return scores, rows
