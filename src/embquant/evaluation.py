"""``evaluate-run``: measure every rescore store, multiplier and top_k of a method on its candidates."""

import argparse
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from embquant.artifacts import count_rows, read_matrices, read_table, write_parquet
from embquant.grid import NO_STORE, Cell, cells, named_manifests
from embquant.methods import Method
from embquant.metrics import EPSILON, Exact, Judgements, Metric, Ranking, parse_metric
from embquant.rescoring import Store
from embquant.search import Candidates
from embquant.topk import rank

INDEX_OVERLAP = "index_overlap"

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``evaluate-run``."""
    parser.add_argument("--method", required=True, type=Path, help="definition of the method")
    parser.add_argument("--candidates", required=True, type=Path, help="its candidates")
    parser.add_argument("--exact", required=True, type=Path, help="candidates of the exact float32 search")
    parser.add_argument(
        "--own-exact", nargs="*", default=[], type=Path, help="candidates of an exact scan of the same codes, if any"
    )
    parser.add_argument("--exact-store", required=True, type=Path, help="manifest of the flat float32 index")
    parser.add_argument("--queries", required=True, type=Path, help="query embeddings")
    parser.add_argument("--qrels", required=True, type=Path, help="judgements of the dataset")
    parser.add_argument("--stores", nargs="*", default=[], metavar="NAME=MANIFEST", help="rescore stores")
    parser.add_argument("--multipliers", required=True, nargs="+", type=int, help="rescore multipliers")
    parser.add_argument("--top-k", required=True, nargs="+", type=int, help="documents returned")
    parser.add_argument("--metrics", required=True, nargs="+", help="metrics, as ir-measures writes them")
    parser.add_argument("--output", required=True, type=Path, help="metrics of each query (Parquet)")


def run(arguments: argparse.Namespace) -> None:
    """Measure and write one row a query and setting."""
    method = Method.read(arguments.method)
    stores = {name: Store.open(manifest) for name, manifest in named_manifests(arguments.stores).items()}
    metrics = [parse_metric(name) for name in arguments.metrics]
    exact_store = Store.open(arguments.exact_store)
    queries = np.concatenate(list(read_matrices([arguments.queries], "embedding")))
    ids = read_table(arguments.queries, ["id"]).column(0).combine_chunks()
    judgements = read_judgements(arguments.qrels, len(queries), len(exact_store.index.codes))
    exact = Exact(*Candidates(arguments.exact).read(0))
    sweep = Sweep(Candidates(arguments.candidates), queries, stores)
    grid = cells(list(stores), arguments.multipliers, arguments.top_k)
    own_exact = [Candidates(path) for path in arguments.own_exact]
    index_loss = IndexLoss(own_exact[0] if own_exact else None, Candidates(arguments.candidates))

    def measured() -> Iterator[pa.Table]:
        for cell, rows in sweep.rankings(grid):
            ranking = Ranking(rows, exact_store.score(queries, rows))
            truth = Exact(exact.rows[:, : cell.top_k], exact.scores[:, : cell.top_k])
            values = [metric.compute(ranking, judgements, truth) for metric in metrics]
            yield _table(cell, ids, metrics, [*values, index_loss.overlap(cell, len(queries))])

    write_parquet(arguments.output, _schema(metrics), measured(), {"method": method.name})
    log.info("%s: %d settings of %d queries", method.name, len(grid), len(queries))


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


class Sweep:
    """All settings of a method from one candidate search.

    Each store scores the deepest candidates once; a smaller multiplier ranks a prefix of the same scores.
    """

    def __init__(self, candidates: Candidates, queries: np.ndarray, stores: dict[str, Store]) -> None:
        """Rescore ``candidates`` by float32 ``queries`` (queries, dim) and each of ``stores``."""
        self._candidates = candidates
        self._queries = queries
        self._stores = stores

    def rankings(self, grid: Sequence[Cell]) -> Iterator[tuple[Cell, np.ndarray]]:
        """Yield each cell with its ranked rows, int64 (queries, top_k), −1 where there is no document."""
        for group in sorted({self._candidates.group(cell.depth) for cell in grid}):
            rows, _ = self._candidates.read(group)
            for store in dict.fromkeys(cell.store for cell in grid):
                here = [cell for cell in grid if cell.store == store and self._candidates.group(cell.depth) == group]
                if here:
                    order = self._order(store, rows[:, : max(cell.depth for cell in here)])
                    yield from ((cell, _ranked(rows, order, cell)) for cell in here)

    def _order(self, store: str, rows: np.ndarray) -> np.ndarray:
        if store == NO_STORE:
            return np.broadcast_to(np.arange(rows.shape[1]), rows.shape)
        return rank(self._stores[store].score(self._queries, rows), rows, rows.shape[1])


def _ranked(rows: np.ndarray, order: np.ndarray, cell: Cell) -> np.ndarray:
    """Take the best ``top_k`` of the first ``depth`` candidates, in ``order``."""
    among = order < cell.depth
    among &= among.cumsum(axis=1, dtype=np.int32) <= cell.top_k
    best = order[among].reshape(len(order), -1)
    ranked = np.take_along_axis(rows, best, axis=1)
    return np.pad(ranked, ((0, 0), (0, cell.top_k - ranked.shape[1])), constant_values=-1)


def read_judgements(qrels: Path, queries: int, documents: int) -> Judgements | None:
    """Read the judgements of a dataset; None if it has none."""
    if count_rows([qrels]) == 0:
        return None
    columns = read_table(qrels, ["query_row", "doc_row", "relevance"]).columns
    return Judgements.from_rows(*(column.to_numpy() for column in columns), queries, documents)


def _schema(metrics: Sequence[Metric]) -> pa.Schema:
    keys = [("query_id", pa.string()), ("rescore_store", pa.string())]
    keys += [("rescore_multiplier", pa.int64()), ("top_k", pa.int64())]
    return pa.schema(keys + [(name, pa.float64()) for name in [*map(str, metrics), INDEX_OVERLAP]])


def _table(cell: Cell, ids: pa.Array, metrics: Sequence[Metric], values: Sequence[np.ndarray]) -> pa.Table:
    keys = [ids] + [pa.repeat(pa.scalar(value), len(ids)) for value in (cell.store, cell.multiplier, cell.top_k)]
    return pa.table(keys + [pa.array(value, from_pandas=True) for value in values], schema=_schema(metrics))
