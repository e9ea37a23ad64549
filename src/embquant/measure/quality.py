"""The quality of every setting of a method: rankings by rescore store, multiplier and top_k, and their metrics."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from embquant.errors import InputError
from embquant.files.parquet import count_rows, read_table
from embquant.measure.judgements import Judgements
from embquant.measure.metrics import Metric, Reference
from embquant.measure.pool import Pool
from embquant.measure.ties import EPSILON, TiedGains, last_tied
from embquant.retrieve.candidates import Candidates, within
from embquant.retrieve.rescoring import Scorer
from embquant.study import NO_STORE, Setting

INDEX_OVERLAP = "index_overlap"
OVER_TIES = ("_expected", "_least", "_greatest")
"""Ends of the names of columns on ties: a judged metric's mean over all orders of tied documents, and its span."""

STORES_LEFT_OUT = "stores_left_out"
"""In the metadata of a file of metrics: the rescore stores that can't be, and why."""

CLIPPED = "clipped"
"""In the metadata of a file of metrics: the share of values outside of the range of each store's codec that has one,
and of the method's own under the name of no store."""


@dataclass(frozen=True)
class Best:
    """What a setting returns, and what it might have returned had ties been broken in another way.

    ``order`` int64 (queries, depth) are the places in the pool by descending score of ``scorer``; None for both stands
    for no rescoring, where the pool's own order holds.
    """

    pool: Pool
    setting: Setting
    scorer: Scorer | None = None
    order: np.ndarray | None = None

    @cached_property
    def places(self) -> np.ndarray:
        """The places in the pool of the documents that are returned, int64 (queries, top_k), −1 for none."""
        best = self._candidates[:, : self.setting.top_k]
        return np.pad(best, ((0, 0), (0, self.setting.top_k - best.shape[1])), constant_values=-1)

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

    def gains(self, judgements: Judgements) -> np.ndarray:
        """Return their relevance, float64 (queries, top_k), 0 where there is no document."""
        return self._take(self.pool.gains(judgements), 0.0)

    def ties(self, judgements: Judgements) -> TiedGains:
        """Return the gains of the documents that are returned, and of others that are tied with the last of them.

        Only candidates are known: of a method that is rescored those of its depth, else all that one search found. So
        the candidates themselves are taken as they are, though a tie at their depth might have left some of them out.
        """
        scores = self.pool.found_scores if self.scorer is None else self.pool.scores(self.scorer)
        scores = np.take_along_axis(scores, self._candidates, axis=1)
        count = last_tied(scores, self.setting.top_k)
        gains = np.take_along_axis(self.pool.gains(judgements), self._candidates[:, :count], axis=1)
        return TiedGains.of_scores(gains, scores[:, :count])

    @cached_property
    def _candidates(self) -> np.ndarray:
        """The places in the pool of the documents that the setting ranks, best first, int64 (queries, candidates)."""
        if self.order is None:
            return np.broadcast_to(np.arange(self.pool.rows.shape[1]), self.pool.rows.shape)
        return self.order[self.order < self.setting.depth].reshape(len(self.order), -1)

    def _take(self, values: np.ndarray, otherwise: float) -> np.ndarray:
        return np.where(self.places < 0, otherwise, np.take_along_axis(values, self.places, axis=1))


class Sweep:
    """All settings of a method from one search for candidates.

    Each store scores the deepest candidates once; a smaller multiplier ranks a prefix of the same scores.
    """

    def __init__(
        self,
        candidates: Candidates,
        queries: np.ndarray,
        stores: Mapping[str, Scorer],
        threads: int = 1,
        others: Sequence[Pool] = (),
        known: Pool | None = None,
    ) -> None:
        """Rescore ``candidates`` by float32 ``queries`` (queries, dim) and ``stores``, on ``threads`` threads.

        ``others`` have scores that needn't be computed again; ``known`` is what the first search found, if it has been
        read already.
        """
        self._candidates = candidates
        self._queries = queries
        self._stores = stores
        self._threads = threads
        self._others = others
        self._pools: dict[int, Pool] = {} if known is None else {0: known}

    def pool(self, group: int) -> Pool:
        """Return the candidates of one search; those of the last one asked for are kept, with their scores."""
        if group not in self._pools:
            self._pools = {group: Pool(*self._candidates.read(group), self._queries, self._threads, self._others)}
        return self._pools[group]

    def rankings(self, settings: Sequence[Setting]) -> Iterator[tuple[Setting, Best]]:
        """Yield each setting with its best documents. Every search that a setting needs is read once."""
        groups = {setting: self._candidates.group(setting.depth) for setting in settings}
        for group in sorted(set(groups.values())):
            searched = [setting for setting in settings if groups[setting] == group]
            pool = self.pool(group)
            for store in dict.fromkeys(setting.store for setting in searched):
                scorer = None if store == NO_STORE else self._stores[store]
                order = None if scorer is None else pool.order(scorer)
                for setting in searched:
                    if setting.store == store:
                        yield setting, Best(pool, setting, scorer, order)


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


def values_over_ties(best: Best, judgements: Judgements, metrics: Sequence[Metric]) -> dict[str, np.ndarray]:
    """Return each judged metric's mean over all orders of ties, and its span, float64 (queries,) by column."""
    ties = best.ties(judgements)
    return {
        f"{metric}{name}": values
        for metric in metrics
        if metric.judged
        for name, values in zip(OVER_TIES, metric.over_ties(ties, judgements, best.setting.top_k), strict=True)
    }


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


def read_judged(qrels: Path) -> np.ndarray:
    """Return the rows, int64, of the documents of a corpus that have a judgement, whatever their relevance."""
    rows = np.unique(read_table(qrels, ["doc_row"]).column(0).to_numpy())
    return rows[rows >= 0]


def metrics_schema(metrics: Sequence[Metric]) -> pa.Schema:
    """Return the columns of metrics.parquet: one row per query and setting."""
    keys = [("query_id", pa.string()), ("rescore_store", pa.string())]
    keys += [("rescore_multiplier", pa.int64()), ("top_k", pa.int64())]
    over_ties = [f"{metric}{value}" for metric in metrics if metric.judged for value in OVER_TIES]
    return pa.schema(keys + [(name, pa.float64()) for name in [*map(str, metrics), INDEX_OVERLAP, *over_ties]])


def metrics_table(
    setting: Setting, ids: pa.Array, metrics: Sequence[Metric], values: Mapping[str, np.ndarray]
) -> pa.Table:
    """Return the rows of a setting; ``values`` float64 (queries,) by column, which are missing where there are none."""
    keys = {"query_id": ids, **{name: pa.repeat(pa.scalar(value), len(ids)) for name, value in _keys(setting).items()}}
    nothing = np.full(len(ids), np.nan)
    schema = metrics_schema(metrics)
    columns = [keys.get(name, pa.array(values.get(name, nothing), from_pandas=True)) for name in schema.names]
    return pa.table(columns, schema=schema)


def _keys(setting: Setting) -> dict[str, str | int]:
    return {"rescore_store": setting.store, "rescore_multiplier": setting.multiplier, "top_k": setting.top_k}
