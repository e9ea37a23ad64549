"""The quality of every setting of a method: rankings by rescore store, multiplier and top_k, and their metrics."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from embquant.errors import InputError
from embquant.exact.topk import rank
from embquant.files.parquet import count_rows, read_table
from embquant.measure.metrics import EPSILON, Judgements, Metric
from embquant.retrieve.candidates import Candidates, within
from embquant.retrieve.rescoring import Scorer
from embquant.study.settings import NO_STORE, Cell

INDEX_OVERLAP = "index_overlap"

EXACT = "=exact"
"""What the float32 store is called that overlap is told by, where it is none of the stores that rescore."""


class IndexLoss:
    """What an approximate index loses of an exact scan of its own codes, which the codes' own loss is no part of."""

    def __init__(self, exact: Candidates | None, found: Candidates) -> None:
        """Compare the candidates ``found`` with those of an exact scan, where there is one."""
        self._exact = exact
        self._found = found

    def overlap(self, cell: Cell, queries: int) -> np.ndarray:
        """Return the share of the exact scan's first top_k that was found, float64 (queries,); NaN after rescoring.

        A document that is not among them counts if its score is the least of theirs: it is tied with one that is.
        """
        if self._exact is None or cell.store != NO_STORE:
            return np.full(queries, np.nan)
        rows, scores = (part[:, : cell.top_k] for part in self._found.read(self._found.group(cell.depth)))
        wanted, theirs = (part[:, : cell.top_k] for part in self._exact.read(0))
        among = np.array([np.isin(mine, exact) for mine, exact in zip(rows, wanted, strict=True)])
        tied = np.abs(scores - theirs[:, -1:]) <= EPSILON * np.maximum(1, np.abs(theirs[:, -1:]))
        return ((among | tied) & (rows >= 0)).sum(axis=1) / wanted.shape[1]


class Pool:
    """The candidates of one search, each scored once by each store."""

    def __init__(self, rows: np.ndarray, queries: np.ndarray, stores: Mapping[str, Scorer], threads: int) -> None:
        """Take candidates ``rows`` int64 (queries, depth), −1 for none, and float32 ``queries`` (queries, dim)."""
        self.rows = rows
        self._queries = queries
        self._stores = stores
        self._threads = threads
        self._scores: dict[str, np.ndarray] = {}

    def scores(self, store: str) -> np.ndarray:
        """Return the candidates' scores by a store, float64 (queries, depth)."""
        if store not in self._scores:
            self._scores[store] = self._stores[store].score(self._queries, self.rows, self._threads)
        return self._scores[store]

    def order(self, store: str) -> np.ndarray:
        """Return the candidates' places, int64 (queries, depth), best first, ties by ascending row."""
        return rank(self.scores(store), self.rows, self.rows.shape[1])


@dataclass(frozen=True)
class Best:
    """The documents that a setting returns: ``places`` int64 (queries, top_k) in the pool, −1 for none."""

    pool: Pool
    places: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """The documents, int64 (queries, top_k), −1 where there is none."""
        return self._take(self.pool.rows, -1)

    def scores(self, store: str) -> np.ndarray:
        """Return their scores by a store, float64 (queries, top_k), −inf where there is no document."""
        return self._take(self.pool.scores(store), -np.inf)

    def _take(self, values: np.ndarray, otherwise: float) -> np.ndarray:
        return np.where(self.places < 0, otherwise, np.take_along_axis(values, self.places, axis=1))


class Sweep:
    """All settings of a method from one candidate search.

    Each store scores the deepest candidates once; a smaller multiplier ranks a prefix of the same scores.
    """

    def __init__(
        self, candidates: Candidates, queries: np.ndarray, stores: Mapping[str, Scorer], threads: int = 1
    ) -> None:
        """Rescore ``candidates`` by float32 ``queries`` (queries, dim) and ``stores``, on ``threads`` threads."""
        self._candidates = candidates
        self._queries = queries
        self._stores = stores
        self._threads = threads

    def rankings(self, grid: Sequence[Cell]) -> Iterator[tuple[Cell, Best]]:
        """Yield each cell with its best documents."""
        groups = {cell: self._candidates.group(cell.depth) for cell in grid}
        for group in sorted(set(groups.values())):
            here = [cell for cell in grid if groups[cell] == group]
            rows, _ = self._candidates.read(group)
            pool = Pool(rows[:, : max(cell.depth for cell in here)], self._queries, self._stores, self._threads)
            for store in dict.fromkeys(cell.store for cell in here):
                order = None if store == NO_STORE else pool.order(store)
                yield from ((cell, Best(pool, _places(pool, order, cell))) for cell in here if cell.store == store)


def _places(pool: Pool, order: np.ndarray | None, cell: Cell) -> np.ndarray:
    """Take the best ``top_k`` of the first ``depth`` candidates, in ``order`` or as they were found."""
    queries, depth = pool.rows.shape
    if order is None:
        best = np.broadcast_to(np.arange(min(depth, cell.top_k)), (queries, min(depth, cell.top_k)))
    else:
        among = order < cell.depth
        among &= among.cumsum(axis=1, dtype=np.int32) <= cell.top_k
        best = order[among].reshape(queries, -1)
    return np.pad(best, ((0, 0), (0, cell.top_k - best.shape[1])), constant_values=-1)


def read_judgements(qrels: Path, queries: int, documents: int) -> Judgements | None:
    """Read the judgements of a dataset; None if it has none."""
    if count_rows([qrels]) == 0:
        return None
    table = read_table(qrels, ["query_row", "doc_row", "relevance"])
    whole = all(pa.types.is_integer(column.type) and not column.null_count for column in table.columns)
    query_rows, doc_rows, relevance = (column.to_numpy() for column in table.columns)
    if not whole or not (within(query_rows, 0, queries) and within(doc_rows, 0, documents)):
        raise InputError(f"{qrels}: not the judgements of {queries} queries and {documents} documents; delete it")
    return Judgements.from_rows(query_rows, doc_rows, relevance, queries, documents)


def metrics_schema(metrics: Sequence[Metric]) -> pa.Schema:
    """Return the columns of metrics.parquet: one row per query and setting."""
    keys = [("query_id", pa.string()), ("rescore_store", pa.string())]
    keys += [("rescore_multiplier", pa.int64()), ("top_k", pa.int64())]
    return pa.schema(keys + [(name, pa.float64()) for name in [*map(str, metrics), INDEX_OVERLAP]])


def metrics_table(cell: Cell, ids: pa.Array, metrics: Sequence[Metric], values: Sequence[np.ndarray]) -> pa.Table:
    """Return the rows of a setting; ``values`` are float64 (queries,) of each metric and of the index overlap."""
    keys = [ids] + [pa.repeat(pa.scalar(value), len(ids)) for value in (cell.store, cell.multiplier, cell.top_k)]
    return pa.table(keys + [pa.array(value, from_pandas=True) for value in values], schema=metrics_schema(metrics))
