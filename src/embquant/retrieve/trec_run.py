"""Run files in TREC's format, which stand in for another search: query, Q0, document, rank, score, tag."""

import logging
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embquant.datasets.lines import numbered_lines
from embquant.errors import InputError
from embquant.files.parquet import read_table

log = logging.getLogger(__name__)

FIELDS = 6


def read_run(path: Path, queries: Path, corpus: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the lines of a run as rows of queries and documents, int64 (lines,) each, and scores, float64 (lines,).

    Lines of a query that isn't evaluated are left out. Those of a document that the corpus lacks, and queries without a
    line, are counted in the log. Raises InputError for a line that can't be read, a document that a query has twice,
    and where no line names a known query and a known document.
    """
    asked, found, scores, numbers = _columns(path)
    known_queries, known_documents = (read_table(table, ["id"]).column(0) for table in (queries, corpus))
    query_rows, doc_rows = _rows(asked, known_queries), _rows(found, known_documents)
    evaluated = query_rows >= 0
    keep = evaluated & (doc_rows >= 0)
    if not keep.any():
        raise InputError(
            f"{path}: no line names a query of {queries} and a document of {corpus}; the first line names "
            f"{asked[0]!r} and {found[0]!r}, where these have {known_queries[0].as_py()!r} and "
            f"{known_documents[0].as_py()!r}"
            if asked
            else f"{path}: no lines, expected those of a run"
        )
    _check_unique(path, query_rows[keep], doc_rows[keep], numbers[keep])
    without = len(known_queries) - len(np.unique(query_rows[keep]))
    for count, what in (
        (int((~evaluated).sum()), "lines of queries that aren't evaluated"),
        (int((evaluated & ~keep).sum()), "lines of documents that the corpus lacks, left out"),
        (without, "queries without a line, which find nothing"),
    ):
        if count:
            log.warning("%s: %d %s", path, count, what)
    return query_rows[keep], doc_rows[keep], scores[keep]


def _columns(path: Path) -> tuple[list[str], list[str], np.ndarray, np.ndarray]:
    asked, found, scores, numbers = [], [], [], []
    for number, query, document, score in _lines(path):
        asked.append(query)
        found.append(document)
        scores.append(score)
        numbers.append(number)
    return asked, found, np.array(scores, np.float64), np.array(numbers, np.int64)


def _lines(path: Path) -> Iterator[tuple[int, str, str, float]]:
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a run in TREC's format")
    for number, line in numbered_lines(path):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != FIELDS:
            raise InputError(
                f"{path}: line {number} has {len(fields)} fields, "
                f"expected {FIELDS}: query, Q0, document, rank, score, tag"
            )
        try:
            score = float(fields[4])
        except ValueError:
            score = math.nan
        if not math.isfinite(score):
            raise InputError(f"{path}: line {number} has the score {fields[4]!r}, expected a number")
        yield number, fields[0], fields[2], score


def _rows(ids: list[str], known: pa.ChunkedArray) -> np.ndarray:
    rows: np.ndarray = pc.fill_null(pc.index_in(pa.array(ids, pa.string()), value_set=known), -1).to_numpy()
    return rows.astype(np.int64)


def _check_unique(path: Path, query_rows: np.ndarray, doc_rows: np.ndarray, numbers: np.ndarray) -> None:
    order = np.lexsort((numbers, doc_rows, query_rows))
    query_rows, doc_rows = query_rows[order], doc_rows[order]
    twice = np.flatnonzero((query_rows[1:] == query_rows[:-1]) & (doc_rows[1:] == doc_rows[:-1]))
    if len(twice):
        first, second = numbers[order][twice[0] : twice[0] + 2]
        raise InputError(f"{path}: line {second} has the query and the document of line {first}; keep one of them")


def as_lists(
    query_rows: np.ndarray, doc_rows: np.ndarray, scores: np.ndarray, queries: int, depth: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return scores float64 and rows int64 (queries, depth) of the lines of a run, best first, ties by row.

    Where a query has fewer lines, the row is −1 and the score −inf.
    """
    order = np.lexsort((doc_rows, -scores, query_rows))
    query_rows, doc_rows, scores = query_rows[order], doc_rows[order], scores[order]
    places = np.arange(len(order)) - np.searchsorted(query_rows, query_rows)
    within = places < depth
    rows, found = np.full((queries, depth), -1), np.full((queries, depth), -np.inf)
    rows[query_rows[within], places[within]] = doc_rows[within]
    found[query_rows[within], places[within]] = scores[within]
    return found, rows
