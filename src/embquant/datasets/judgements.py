"""Relevance judgements: checked against corpus and queries, as rows of the two."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embquant.datasets.collection import QRELS, Named
from embquant.errors import InputError


def resolve_qrels(
    qrels: Named, documents: tuple[str, pa.ChunkedArray], queries: tuple[str, pa.ChunkedArray], left_out: Counter[str]
) -> pa.Table:
    """Return the relevant pairs as query_row, doc_row, relevance, ordered by the two rows.

    ``documents`` and ``queries`` are name and ids of the two tables. An unknown id is an InputError, and so is a pair
    that is judged twice and differently; the same judgement twice counts once. What isn't relevant is left out.
    """
    table = pa.Table.from_batches(qrels.batches, QRELS)
    query_rows = _find(table["query_id"], qrels.name, "query", *queries)
    doc_rows = _find(table["doc_id"], qrels.name, "document", *documents)
    relevance = table["relevance"].to_numpy()
    order = np.lexsort((doc_rows, query_rows))
    query_rows, doc_rows, relevance = query_rows[order], doc_rows[order], relevance[order]
    again = np.zeros(len(order), bool)
    again[1:] = (query_rows[1:] == query_rows[:-1]) & (doc_rows[1:] == doc_rows[:-1])
    differs = np.flatnonzero(again[1:] & (relevance[1:] != relevance[:-1]))
    if len(differs):
        first, second = sorted(order[differs[0] : differs[0] + 2].tolist())
        pair = f"query {table['query_id'][second].as_py()!r} and document {table['doc_id'][second].as_py()!r}"
        raise InputError(f"{qrels.name}: judgements {first + 1} and {second + 1} differ on {pair}; keep one of them")
    left_out["judgements_repeated"] = int(again.sum())
    left_out["judgements_not_relevant"] = int((~again & (relevance <= 0)).sum())
    keep = ~again & (relevance > 0)
    return _pairs(query_rows[keep], doc_rows[keep], relevance[keep])


def join_by_key(doc_keys: pa.ChunkedArray, query_keys: pa.ChunkedArray) -> pa.Table:
    """Return all pairs of a query and a document with the same key, relevance 1; a null key has no pairs."""
    documents = pa.table({"key": doc_keys, "doc_row": np.arange(len(doc_keys))})
    queries = pa.table({"key": query_keys, "query_row": np.arange(len(query_keys))})
    pairs = queries.join(documents, "key", join_type="inner").sort_by(
        [("query_row", "ascending"), ("doc_row", "ascending")]
    )
    return _pairs(pairs["query_row"].to_numpy(), pairs["doc_row"].to_numpy(), np.ones(len(pairs), np.int32))


def _find(ids: pa.ChunkedArray, name: str, what: str, where: str, known: pa.ChunkedArray) -> np.ndarray:
    rows = pc.index_in(ids, value_set=known)
    if rows.null_count:
        unknown = np.flatnonzero(rows.is_null().to_numpy())
        raise InputError(
            f"{name}: judgement {unknown[0] + 1} names the {what} {ids[int(unknown[0])].as_py()!r}, which {where} "
            f"doesn't have ({len(unknown)} of {len(ids)} judgements name unknown ids)"
        )
    return rows.to_numpy().astype(np.int64)


def _pairs(query_rows: np.ndarray, doc_rows: np.ndarray, relevance: np.ndarray) -> pa.Table:
    return pa.table({"query_row": query_rows, "doc_row": doc_rows, "relevance": relevance})
