"""The settings of a method, measured on what a search found in a corpus or in a subset of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import pyarrow as pa

from embquant.measure.crowding import LEAST_GROWING, REACH, Listed, project
from embquant.measure.judged import Recall
from embquant.measure.judgements import Judgements
from embquant.measure.metrics import Metric, Ranking, Reference
from embquant.measure.pool import Pool
from embquant.measure.quality import (
    INDEX_OVERLAP,
    Best,
    Sweep,
    index_overlap,
    metrics_schema,
    metrics_table,
    values_over_ties,
)
from embquant.retrieve.candidates import Candidates
from embquant.retrieve.rescoring import Store
from embquant.study import NO_STORE, Setting

DOCUMENTS, FIRST_STAGE_RECALL, PROJECTED_FROM = "documents", "first_stage_recall", "projected_from"


@dataclass(frozen=True)
class Evaluation:
    """What a method and float32 found in a corpus or a subset, and what they are judged by.

    ``candidates`` are the method's, ``reference`` float32's, ``twin`` those of an exact scan of the same codes, if it
    is searched. ``vectors`` float32 (queries, dim) are the queries; ``stores`` rescore their candidates. ``judged``
    int64 are the rows of documents with any judgement, which are in a corpus of any size. ``known`` are the
    candidates, if they have been read already.
    """

    candidates: Candidates
    reference: Candidates
    twin: Candidates | None
    float32: Store
    stores: Mapping[str, Store]
    vectors: np.ndarray
    judgements: Judgements | None
    judged: np.ndarray
    metrics: Sequence[Metric]
    threads: int
    known: Pool | None = None

    def measured(self, settings: Sequence[Setting]) -> Iterator[tuple[Setting, Best, Ranking, dict[str, np.ndarray]]]:
        """Yield each setting with its best documents and its metrics per query, float64 (queries,) by column."""
        twin = Reference(*self.twin.read(0)) if self.twin else None
        for setting, best in self._sweep.rankings(settings):
            gains = None if self.judgements is None else best.gains(self.judgements)
            ranking = Ranking(best.rows, best.scores(self.float32), gains)
            reference = self._exact.first(setting.top_k)
            values = {str(metric): metric.compute(ranking, self.judgements, reference) for metric in self.metrics}
            if self.judgements is not None:
                values |= values_over_ties(best, self.judgements, self.metrics)
            if twin is not None and setting.store == NO_STORE:
                values[INDEX_OVERLAP] = index_overlap(best, twin)
            yield setting, best, ranking, values

    def in_subsets(self, settings: Sequence[Setting], ids: pa.Array) -> Iterator[pa.Table]:
        """Yield a table of growth.parquet per searched subset; ``ids`` are those of the queries."""
        for size, subset in self._subsets():
            yield pa.concat_tables(
                growth_rows(metrics_table(setting, ids, self.metrics, values), size, best, self.judgements)
                for setting, best, _, values in subset.measured(settings)
            )

    def factors(self, documents: int, targets: Sequence[int]) -> dict[int, float]:
        """Return those ``targets``, numbers of documents, that can be projected from this corpus, and how far they are.

        A factor says how many times as many documents without judgements there are.
        """
        kept = len(self.judged)
        if self.judgements is None or documents - kept < LEAST_GROWING:
            return {}
        factors = {target: (target - kept) / (documents - kept) for target in targets if target > documents}
        return {target: factor for target, factor in factors.items() if factor <= REACH}

    def projected(
        self, settings: Sequence[Setting], ids: pa.Array, depth: int, documents: int, factors: Mapping[int, float]
    ) -> Iterator[pa.Table]:
        """Yield a table of growth.parquet per projected size; the first size is the corpus's own.

        It is projected from the first ``depth`` candidates of an exact search, as
        :func:`embquant.measure.crowding.project` says. ``factors`` are those of :meth:`factors`.
        """
        if self.judgements is None or not factors:
            return
        pool = self._sweep.pool(0)
        projection = project(
            Listed.of(pool.rows[:, :depth], pool.found_scores[:, :depth], self.judgements, self.judged),
            {name: pool.scores(store)[:, :depth] for name, store in self.stores.items()},
            Listed.of(self._exact.rows[:, :depth], self._exact.scores[:, :depth], self.judgements, self.judged),
            settings,
            self.metrics,
            self.judgements,
            list(factors.values()),
        )
        for place, size in enumerate([documents, *factors]):
            tables = []
            for setting in settings:
                values = {metric: sizes[place] for (of, metric), sizes in projection.values.items() if of == setting}
                table = metrics_table(setting, ids, self.metrics, values)
                tables.append(_with_size(table, size, documents, projection.recall[setting][place]))
            yield pa.concat_tables(tables)

    @cached_property
    def _exact(self) -> Reference:
        return Reference(*self.reference.read(0))

    @cached_property
    def _sweep(self) -> Sweep:
        """The method's candidates; float32 has scored its own, so that few others need scoring by it."""
        return Sweep(self.candidates, self.vectors, self.stores, self.threads, [self._scored_exactly], self.known)

    @property
    def _scored_exactly(self) -> Pool:
        return Pool(self._exact.rows, self._exact.scores, self.vectors).scored(self.float32, self._exact.scores)

    def _subsets(self) -> Iterator[tuple[int, Self]]:
        """Yield each subset's number of documents and what was found in it.

        The candidates of several are scored at once, as many as are no more than those of the corpus. Those that are
        candidates of the corpus, too, are scored already.
        """
        sizes = self.candidates.subsets
        subsets = [
            replace(self, candidates=self.candidates.subset(size), reference=self.reference.subset(size), twin=None)
            for size in sizes
        ]
        depth = self.candidates.subset_depth
        at_once = max(1, self.candidates.depths[-1] // depth)
        for first in range(0, len(sizes), at_once):
            some = subsets[first : first + at_once]
            rows, scores = _joined([one.candidates.read(0) for one in some])
            exact = Pool(*_joined([(one._exact.rows, one._exact.scores) for one in some]), self.vectors)
            others = [self._sweep.pool(0), exact.scored(self.float32, exact.found_scores)]
            joint = Pool(rows, scores, self.vectors, self.threads, others)
            for place, one in enumerate(some):
                columns = slice(place * depth, (place + 1) * depth)  # a subset has more documents than a search finds
                yield sizes[first + place], replace(one, known=joint.part(columns))


def _joined(found: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and scores (queries, candidates) of several searches beside each other."""
    rows, scores = (np.concatenate(values, axis=1) for values in zip(*found, strict=True))
    return rows, scores


def growth_schema(metrics: Sequence[Metric]) -> pa.Schema:
    """Return the columns of growth.parquet: those of metrics.parquet, and for how many documents they are.

    ``projected_from`` is the size from which values are projected, missing where they were measured.
    """
    sizes = [pa.field(name, pa.int64()) for name in (DOCUMENTS, PROJECTED_FROM)]
    return pa.schema([*metrics_schema(metrics), *sizes, pa.field(FIRST_STAGE_RECALL, pa.float64())])


def growth_rows(table: pa.Table, documents: int, best: Best, judgements: Judgements | None) -> pa.Table:
    """Return rows of metrics with the columns that growth.parquet has besides.

    ``documents`` is the size of the subset; the recall of the first stage is that of the candidates that the setting
    rescores, which bounds what rescoring can reach.
    """
    recall = np.full(len(table), np.nan)
    if judgements is not None:
        recall = Recall.of_gains(best.pool.gains(judgements)[:, : best.setting.depth], judgements, 0)
    return _with_size(table, documents, None, recall)


def _with_size(table: pa.Table, documents: int, projected_from: int | None, recall: np.ndarray) -> pa.Table:
    for name, size in ((DOCUMENTS, documents), (PROJECTED_FROM, projected_from)):
        table = table.append_column(name, pa.repeat(pa.scalar(size, pa.int64()), len(table)))
    return table.append_column(FIRST_STAGE_RECALL, pa.array(recall, from_pandas=True))
