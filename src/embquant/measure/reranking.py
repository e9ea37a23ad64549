"""Reranking: the documents that settings return are ranked again, by scores of pairs of a query and a document."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from embquant.exact.topk import best
from embquant.files.matrices import flat_values
from embquant.files.parquet import open_parquet, write_parquet
from embquant.measure.evaluation import FIRST_STAGE_RECALL
from embquant.measure.judged import Recall
from embquant.measure.judgements import Judgements
from embquant.measure.lists import list_values
from embquant.measure.metrics import Metric, Reference
from embquant.measure.quality import metrics_schema, metrics_table
from embquant.study import Setting

SCHEMA = pa.schema(
    [("store", pa.string()), ("multiplier", pa.int64()), ("top_k", pa.int64()), ("rows", pa.list_(pa.int64()))]
)
"""The columns of a file of what settings return: a row per query, −1 for no document; a row group is a setting."""

ROW_BITS = 32


def write_returned(path: Path, returned: Sequence[tuple[Setting, np.ndarray]]) -> None:
    """Write what settings return, rows int64 (queries, top_k) each."""

    def tables() -> Iterator[pa.Table]:
        for setting, rows in returned:
            keys = (setting.store, setting.multiplier, setting.top_k)
            lists = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1]).cast(SCHEMA[3].type)
            yield pa.table([*([key] * len(rows) for key in keys), lists], schema=SCHEMA)

    write_parquet(path, SCHEMA, tables())


def read_returned(path: Path) -> Iterator[tuple[Setting, np.ndarray]]:
    """Yield what settings return, rows int64 (queries, top_k) each."""
    file = open_parquet(path, SCHEMA.names)
    for number in range(file.num_row_groups):
        table = file.read_row_group(number)
        setting = Setting(*(table.column(name)[0].as_py() for name in SCHEMA.names[:3]))
        yield setting, flat_values(table.column("rows").combine_chunks()).to_numpy().reshape(-1, setting.top_k)


def pair_keys(rows: np.ndarray) -> np.ndarray:
    """Return one int64 per query and document of ``rows`` (queries, k), ascending and each once."""
    keys = np.arange(len(rows))[:, None] << ROW_BITS | rows
    distinct: np.ndarray = np.unique(keys[rows >= 0])
    return distinct


@dataclass(frozen=True)
class Reranking:
    """Scores of pairs, and how the lists that they rank are measured.

    ``keys`` int64 (pairs,), ascending, are those of :func:`pair_keys`, ``scores`` float64 (pairs,). A pair that is not
    among them comes last.
    """

    keys: np.ndarray
    scores: np.ndarray
    metrics: Sequence[Metric]
    judgements: Judgements | None

    def ranked(self, rows: np.ndarray) -> Reference:
        """Return the documents ``rows`` (queries, k), −1 for none, best first, ties by ascending row."""
        wanted = np.arange(len(rows))[:, None] << ROW_BITS | rows
        places = np.searchsorted(self.keys, wanted).clip(max=len(self.keys) - 1)
        known = (self.keys[places] == wanted) & (rows >= 0)
        least = self.scores.min(initial=0.0)
        scores = np.where(known, self.scores[places], least - 1 - abs(least))  # finite: −inf stands for no document
        scores, ranked = best(np.where(rows >= 0, scores, -np.inf), rows, rows.shape[1])
        return Reference(ranked, scores)

    def table(self, setting: Setting, rows: np.ndarray, reference: Reference, ids: pa.Array) -> pa.Table:
        """Return the metrics of a setting that returns ``rows``, and the recall of what it returns, per query.

        ``reference`` is what float32 returns at the same ``top_k``, ranked.
        """
        ranked = self.ranked(rows)
        top_k = rows.shape[1]
        values = list_values(ranked.rows, ranked.scores, top_k, self.metrics, self.judgements, reference)
        recall = np.full(len(rows), np.nan)
        if self.judgements is not None:
            recall = Recall.of_gains(self.judgements.gains(rows), self.judgements, top_k)
        table = metrics_table(setting, ids, self.metrics, values)
        return table.append_column(FIRST_STAGE_RECALL, pa.array(recall, from_pandas=True))

    @property
    def schema(self) -> pa.Schema:
        """The columns of a file of such tables."""
        return metrics_schema(self.metrics).append(pa.field(FIRST_STAGE_RECALL, pa.float64()))
