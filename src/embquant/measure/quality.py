"""The quality of every setting of a method: rankings by rescore store, multiplier and top_k, and their metrics."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from embquant.errors import InputError
from embquant.exact.topk import rank
from embquant.files.parquet import count_rows, read_table
from embquant.measure.judgements import Judgements
from embquant.measure.metrics import EPSILON, Metric, Reference
from embquant.retrieve.candidates import Candidates, within
from embquant.retrieve.rescoring import Scorer
from embquant.study import NO_STORE, Setting

INDEX_OVERLAP = "index_overlap"

STORES_LEFT_OUT = "stores_left_out"
"""In the metadata of a file of metrics: the rescore stores that can't be, and why."""


class Pool:
    """The candidates of one search, each scored once by each store."""

    def __init__(self, rows: np.ndarray, found_scores: np.ndarray, queries: np.ndarray, threads: int) -> None:
        """Take the candidates of float32 ``queries`` (queries, dim).

        ``rows`` int64, −1 for none, and ``found_scores`` float64 (queries, depth) are what the first stage found, best
        first.
        """
        self.rows = rows
        self.found_scores = found_scores
        self._queries = queries
        self._threads = threads
        self._scores: dict[int, np.ndarray] = {}

    def scores(self, scorer: Scorer) -> np.ndarray:
        """Return the scores of all candidates by a store, float64 (queries, depth)."""
        if id(scorer) not in self._scores:
            self._scores[id(scorer)] = scorer.score(self._queries, self.rows, self._threads)
        return self._scores[id(scorer)]

    def order(self, scorer: Scorer) -> np.ndarray:
        """Return the places of the candidates, int64 (queries, depth), best first, ties by ascending row."""
        return rank(self.scores(scorer), self.rows, self.rows.shape[1])


@dataclass(frozen=True)
class Best:
    """The documents that a setting returns: ``places`` int64 (queries, top_k) in the pool, −1 for none."""

    pool: Pool
    places: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """The documents, int64 (queries, top_k), −1 where there is none."""
        return self._take(self.pool.rows, -1)

    @property
    def found_scores(self) -> np.ndarray:
        """Their scores in the first stage, float64 (queries, top_k), −inf where there is no document."""
        return self._take(self.pool.found_scores, -np.inf)

    def scores(self, scorer: Scorer) -> np.ndarray:
        """Return their scores by a store, float64 (queries, top_k), −inf where there is no document."""
        return self._take(self.pool.scores(scorer), -np.inf)

    def _take(self, values: np.ndarray, otherwise: float) -> np.ndarray:
        return np.where(self.places < 0, otherwise, np.take_along_axis(values, self.places, axis=1))


class Sweep:
    """All settings of a method from one search for candidates.

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

    def rankings(self, settings: Sequence[Setting]) -> Iterator[tuple[Setting, Best]]:
        """Yield each setting with its best documents. Every search that a setting needs is read once."""
        groups = {setting: self._candidates.group(setting.depth) for setting in settings}
        for group in sorted(set(groups.values())):
            searched = [setting for setting in settings if groups[setting] == group]
            depth = max(setting.depth for setting in searched)
            rows, scores = (values[:, :depth] for values in self._candidates.read(group))
            pool = Pool(rows, scores, self._queries, self._threads)
            for store in dict.fromkeys(setting.store for setting in searched):
                order = None if store == NO_STORE else pool.order(self._stores[store])
                for setting in searched:
                    if setting.store == store:
                        yield setting, Best(pool, _places(pool, order, setting))


def _places(pool: Pool, order: np.ndarray | None, setting: Setting) -> np.ndarray:
    """Take the best ``top_k`` of the first ``depth`` candidates, in ``order`` or as they were found."""
    queries, depth = pool.rows.shape
    top_k = min(depth, setting.top_k)
    if order is None:
        best = np.broadcast_to(np.arange(top_k), (queries, top_k))
    else:
        among = order < setting.depth
        among &= among.cumsum(axis=1, dtype=np.int32) <= setting.top_k
        best = order[among].reshape(queries, -1)
    return np.pad(best, ((0, 0), (0, setting.top_k - best.shape[1])), constant_values=-1)


def index_overlap(best: Best, twin: Reference) -> np.ndarray:
    """Return the recall of an approximate index against an exact scan of the same codes, float64 (queries,).

    This is the loss of the index without that of the codec. ``twin`` is what the exact scan finds. A document that is
    not among its first top_k counts if its score is the last one's: the two are tied.
    """
    rows, scores = best.rows, best.found_scores
    wanted = twin.first(rows.shape[1])
    least = np.where(wanted.rows >= 0, wanted.scores, np.inf).min(axis=1, keepdims=True)
    among = np.array([np.isin(found, exact) for found, exact in zip(rows, wanted.rows, strict=True)])
    tied = np.abs(scores - least) <= EPSILON * np.abs(least)
    return ((among | tied) & (rows >= 0)).sum(axis=1) / np.maximum(1, (wanted.rows >= 0).sum(axis=1))


def read_judgements(qrels: Path, queries: int, documents: int) -> Judgements | None:
    """Read the judgements of a dataset; None if it has none."""
    if count_rows([qrels]) == 0:
        return None
    table = read_table(qrels, ["query_row", "doc_row", "relevance"])
    whole = all(pa.types.is_integer(column.type) and not column.null_count for column in table.columns)
    query_rows, doc_rows, relevance = (column.to_numpy() for column in table.columns)
    if not whole or not (within(query_rows, 0, queries) and within(doc_rows, -1, documents)):
        raise InputError(f"{qrels}: not the judgements of {queries} queries and {documents} documents; delete it")
    return Judgements.from_rows(query_rows, doc_rows, relevance, queries, documents)


def metrics_schema(metrics: Sequence[Metric]) -> pa.Schema:
    """Return the columns of metrics.parquet: one row per query and setting."""
    keys = [("query_id", pa.string()), ("rescore_store", pa.string())]
    keys += [("rescore_multiplier", pa.int64()), ("top_k", pa.int64())]
    return pa.schema(keys + [(name, pa.float64()) for name in [*map(str, metrics), INDEX_OVERLAP]])


def metrics_table(setting: Setting, ids: pa.Array, metrics: Sequence[Metric], values: Sequence[np.ndarray]) -> pa.Table:
    """Return the rows of a setting; ``values`` are float64 (queries,) of each metric and of the index overlap."""
    columns = (setting.store, setting.multiplier, setting.top_k)
    keys = [ids] + [pa.repeat(pa.scalar(value), len(ids)) for value in columns]
    return pa.table(keys + [pa.array(value, from_pandas=True) for value in values], schema=metrics_schema(metrics))
