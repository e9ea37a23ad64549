"""Which queries are evaluated, and their judgements as rows of the two tables.

These are the queries that have text and, if there are judgements, a relevant document.
"""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embquant.datasets.collection import QRELS, QUERIES, Collection, HeldOut, Named
from embquant.datasets.corpus import StagedCorpus, check_unique
from embquant.errors import InputError

QUERIES_FILE = pa.schema([QUERIES.field("id"), QUERIES.field("text"), ("own_row", pa.int64())])
"""The columns of queries.parquet. ``own_row`` is the row of the document that is the query itself, which is no result
of the query's search; −1 if there is none."""

QRELS_FILE = pa.schema(
    [
        ("query_id", pa.string()),
        ("doc_id", pa.string()),
        ("relevance", pa.int32()),
        ("query_row", pa.int64()),
        ("doc_row", pa.int64()),
    ]
)
"""The columns of qrels.parquet: ids, and the rows they have in queries.parquet and corpus.parquet.

``doc_row`` is −1 for a document that the corpus lacks.
"""

HELD_OUT = 1000
"""Default number of documents that become queries; never more than a tenth of the corpus."""


def hold_out(corpus: StagedCorpus, wanted: HeldOut) -> tuple[pa.Table, np.ndarray]:
    """Return a sample of documents with text as queries, and their rows (int64), which must leave the corpus."""
    with_text = np.flatnonzero(corpus.lengths)
    count = wanted.count or max(1, min(HELD_OUT, len(corpus.lengths) // 10))
    if count >= len(with_text):
        raise InputError(
            f"{corpus.name}: can't hold out {count} queries from {len(with_text)} documents with text; "
            "lower held_out_queries, or give queries"
        )
    rows = np.sort(np.random.default_rng(wanted.seed).choice(with_text, count, replace=False))
    taken = np.zeros(len(corpus.lengths), bool)
    taken[rows] = True
    batches, first = [], 0
    for batch in corpus.batches():
        batches.append(batch.select(["id", "text"]).filter(pa.array(taken[first : first + batch.num_rows])))
        first += batch.num_rows
    queries = pa.Table.from_batches(batches).append_column("own_row", pa.repeat(pa.scalar(-1), count))
    return queries.cast(QUERIES_FILE), rows


def select_queries(
    collection: Collection, corpus: StagedCorpus, named: Named, left_out: Counter[str]
) -> tuple[pa.Table, pa.Table]:
    """Return the queries to evaluate, in the columns of ``QUERIES``, and their judgements in those of the file.

    What is left out is counted.
    """
    queries = pa.Table.from_batches(named.batches, QUERIES)
    if not len(queries):
        raise InputError(f"{named.name}: no queries")
    check_unique(queries["id"], named.name, "query")
    evaluated = pc.not_equal(pc.utf8_trim_whitespace(queries["text"]), "").to_numpy()
    left_out["queries_without_text"] = int((~evaluated).sum())
    pairs = None
    if collection.by_key:
        pairs = join_by_key(corpus, queries["key"])
    elif collection.qrels is not None:
        known = (corpus.name, corpus.ids), (named.name, queries["id"])
        pairs = resolve_qrels(collection.qrels, *known, left_out)
    if pairs is not None:
        judged = np.zeros(len(queries), bool)
        judged[pairs["query_row"].to_numpy()] = True
        left_out["queries_without_relevant_document"] = int((evaluated & ~judged).sum())
        evaluated &= judged
    rows = np.flatnonzero(evaluated)
    if not len(rows):
        has = "text" if pairs is None else "text and a relevant document"
        why = f"; {collection.qrels.name} has no relevance above 0 for them" if collection.qrels and not pairs else ""
        raise InputError(f"{named.name}: none of {len(queries)} queries has {has}{why}")
    kept = rows[: collection.max_queries]
    left_out["queries_beyond_max_queries"] = len(rows) - len(kept)
    queries = queries.take(kept)
    return queries, QRELS_FILE.empty_table() if pairs is None else _with_ids(pairs, kept, queries)


def _with_ids(pairs: pa.Table, kept: np.ndarray, queries: pa.Table) -> pa.Table:
    """Return the judgements of the ``kept`` query rows, renumbered, with ids."""
    pairs = pairs.filter(pc.is_in(pairs["query_row"], value_set=pa.array(kept)))
    query_rows = np.searchsorted(kept, pairs["query_row"].to_numpy())
    columns = {
        "query_id": queries["id"].take(query_rows),
        "doc_id": pairs["doc_id"],
        "relevance": pairs["relevance"],
        "query_row": query_rows,
        "doc_row": pairs["doc_row"],
    }
    return pa.table(columns, schema=QRELS_FILE)


def resolve_qrels(
    qrels: Named, documents: tuple[str, pa.ChunkedArray], queries: tuple[str, pa.ChunkedArray], left_out: Counter[str]
) -> pa.Table:
    """Return the relevant pairs as query_row, doc_id, doc_row, relevance, ordered by the two rows.

    ``documents`` and ``queries`` are name and ids of the two tables. A document that the corpus lacks stays relevant,
    with row −1 (trec_eval). What is judged for an unknown query affects nothing and is left out. A repeated judgement
    counts once; documents that aren't relevant are left out. Raises InputError for a pair with two different
    judgements, and where no judgement at all names a known query, or a known document.
    """
    table = pa.Table.from_batches(qrels.batches, QRELS)
    query_rows = _find(table["query_id"], qrels.name, "query", *queries)
    doc_rows = _find(table["doc_id"], qrels.name, "document", *documents)
    left_out["judgements_of_unknown_queries"] = int((query_rows < 0).sum())
    numbers = np.flatnonzero(query_rows >= 0)
    unknown = np.flatnonzero(doc_rows < 0)
    corpus = len(documents[1])
    doc_rows[unknown] = corpus + table["doc_id"].take(unknown).combine_chunks().dictionary_encode().indices.to_numpy()
    relevance = table["relevance"].to_numpy()
    order = numbers[np.lexsort((doc_rows[numbers], query_rows[numbers]))]
    query_rows, doc_rows, relevance = query_rows[order], doc_rows[order], relevance[order]
    repeated = np.zeros(len(order), bool)
    repeated[1:] = (query_rows[1:] == query_rows[:-1]) & (doc_rows[1:] == doc_rows[:-1])
    differs = np.flatnonzero(repeated[1:] & (relevance[1:] != relevance[:-1]))
    if len(differs):
        first, second = sorted(order[differs[0] : differs[0] + 2].tolist())
        pair = f"query {table['query_id'][second].as_py()!r} and document {table['doc_id'][second].as_py()!r}"
        raise InputError(f"{qrels.name}: judgements {first + 1} and {second + 1} differ on {pair}; keep one of them")
    left_out["judgements_repeated"] = int(repeated.sum())
    left_out["judgements_not_relevant"] = int((~repeated & (relevance <= 0)).sum())
    keep = ~repeated & (relevance > 0)
    doc_ids = table["doc_id"].take(order[keep])
    doc_rows = np.where(doc_rows < corpus, doc_rows, -1)
    return _pairs(query_rows[keep], doc_ids, doc_rows[keep], relevance[keep])


def join_by_key(corpus: StagedCorpus, query_keys: pa.ChunkedArray) -> pa.Table:
    """Return all pairs of a query and a document with the same key, relevance 1; a null key has no pairs."""
    documents = pa.table({"key": corpus.keys, "doc_row": np.arange(len(corpus.keys))})
    queries = pa.table({"key": query_keys, "query_row": np.arange(len(query_keys))})
    pairs = queries.join(documents, "key", join_type="inner").sort_by(
        [("query_row", "ascending"), ("doc_row", "ascending")]
    )
    doc_ids, doc_rows = corpus.ids.take(pairs["doc_row"]), pairs["doc_row"].to_numpy()
    return _pairs(pairs["query_row"].to_numpy(), doc_ids, doc_rows, np.ones(len(pairs), np.int32))


def _find(ids: pa.ChunkedArray, name: str, what: str, where: str, known: pa.ChunkedArray) -> np.ndarray:
    """Return the row of each of ``ids`` in ``known``, int64, −1 for none; an InputError if all are unknown."""
    rows = pc.index_in(ids, value_set=known)
    if len(ids) and rows.null_count == len(ids):
        raise InputError(
            f"{name}: none of {len(ids)} judgements names a {what} of {where}; the first names {ids[0].as_py()!r}, "
            f"where {where} has {known[0].as_py()!r}"
        )
    found: np.ndarray = pc.fill_null(rows, -1).to_numpy().astype(np.int64)
    return found


def _pairs(query_rows: np.ndarray, doc_ids: pa.ChunkedArray, doc_rows: np.ndarray, relevance: np.ndarray) -> pa.Table:
    columns = {"query_row": query_rows, "doc_id": doc_ids, "doc_row": doc_rows, "relevance": relevance}
    return pa.table(columns)
