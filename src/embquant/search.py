"""``search-index``: find each query's candidates, once, as deep as any multiplier needs them."""

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from embquant.artifacts import open_parquet, read_matrices, read_metadata, write_parquet
from embquant.indexes.base import Index
from embquant.indexes.build import open_index
from embquant.methods import Method, index_of

log = logging.getLogger(__name__)

SCHEMA = pa.schema(
    [
        ("query_row", pa.int64()),
        ("rows", pa.list_(pa.int64())),
        ("scores", pa.list_(pa.float64())),
    ]
)
"""One row group a depth, in the order of the file's metadata ``depths``; −1 where no document was found."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``search-index``."""
    parser.add_argument("--method", required=True, type=Path, help="definition of the method")
    parser.add_argument("--queries", required=True, type=Path, help="query embeddings")
    parser.add_argument("--depths", required=True, nargs="+", type=int, help="numbers of candidates asked for")
    parser.add_argument("--threads", type=int, default=1, help="threads of the search (default 1)")
    parser.add_argument("--output", required=True, type=Path, help="candidates (Parquet)")


def run(arguments: argparse.Namespace) -> None:
    """Search the index at the deepest depth; an approximate index at each, since depth changes what it finds."""
    threadpool_limits(arguments.threads, "blas")
    method = Method.read(arguments.method)
    # Mapped: each code is read once, so that memory doesn't grow with the corpus.
    codec, index = open_index(index_of(arguments.method), arguments.threads, method.search, mapped=True)
    queries = np.concatenate(list(read_matrices([arguments.queries], "embedding")))
    depths = sorted(set(arguments.depths))[-1 if index.exact else 0 :]
    encoded = codec.encode_queries(queries, method.scoring)
    write_parquet(arguments.output, SCHEMA, _searched(index, encoded, depths), {"depths": depths})
    log.info("%s: %d queries searched to depth %d", method.name, len(queries), depths[-1])


def _searched(index: Index, queries: np.ndarray, depths: list[int]) -> Iterator[pa.Table]:
    for depth in depths:
        scores, rows = index.candidates(queries, depth)
        if rows.shape[1] < depth:
            log.info("depth %d is beyond the corpus and clipped to its %d documents", depth, rows.shape[1])
        yield pa.table([np.arange(len(rows)), _lists(rows), _lists(scores.astype(np.float64))], schema=SCHEMA)


def _lists(matrix: np.ndarray) -> pa.ListArray:
    offsets = np.arange(len(matrix) + 1, dtype=np.int32) * matrix.shape[1]
    return pa.ListArray.from_arrays(offsets, np.ascontiguousarray(matrix).reshape(-1))


class Candidates:
    """Reads what ``search-index`` wrote."""

    def __init__(self, path: Path) -> None:
        """Open a candidates file."""
        self._file = open_parquet(path, SCHEMA.names)
        self._depths = read_metadata(path)["depths"]

    def group(self, depth: int) -> int:
        """Return the row group of the shallowest search that reaches ``depth``."""
        return int(np.searchsorted(self._depths, depth))

    def read(self, group: int) -> tuple[np.ndarray, np.ndarray]:
        """Return rows int64 and scores float64 (queries, candidates) of a row group, best first."""
        table = self._file.read_row_group(group, columns=["rows", "scores"])
        rows, scores = (column.combine_chunks().flatten().to_numpy() for column in table.columns)
        return rows.reshape(table.num_rows, -1), scores.reshape(table.num_rows, -1)
