"""From tables with columns of any name to a collection: what files and hub repositories have in common."""

from dataclasses import dataclass
from typing import Any

from embquant.datasets.collection import Collection, HeldOut, Named
from embquant.datasets.columns import read_corpus, read_qrels, read_queries
from embquant.datasets.formats import Table
from embquant.datasets.spec import ByKey, Columns, FilesSpec, HuggingfaceSpec
from embquant.errors import InputError


@dataclass(frozen=True)
class Source:
    """A table and the columns that the user named."""

    table: Table
    columns: Columns


def assemble(
    spec: FilesSpec | HuggingfaceSpec,
    corpus: Source,
    queries: Source | None,
    qrels: Source | None,
    origin: dict[str, Any],
) -> Collection:
    """Return the collection of these tables; judgements go by key where ``spec.qrels`` says so.

    Rows need no ids unless judgements name them: without an id column the row number is the id. Without queries a
    sample of the documents is held out as queries.
    """
    key = spec.qrels.key if isinstance(spec.qrels, ByKey) else None
    if queries is None and (qrels is not None or key is not None):
        raise InputError(f"{corpus.table.name}: there are judgements but no queries; name the table of queries")
    if queries is not None and spec.held_out_queries is not None:
        raise InputError(
            f"{queries.table.name}: held_out_queries is for a corpus without queries; remove one of the two"
        )
    number_rows = qrels is None
    documents = read_corpus(corpus.table, corpus.columns, key and key.corpus, number_rows)
    asked: Named | HeldOut = HeldOut(spec.held_out_queries, spec.seed)
    if queries is not None:
        rows = read_queries(queries.table, queries.columns, key and key.queries, number_rows)
        asked = Named(queries.table.name, rows)
    return Collection(
        corpus=Named(corpus.table.name, documents),
        queries=asked,
        qrels=None if qrels is None else Named(qrels.table.name, read_qrels(qrels.table, qrels.columns)),
        by_key=key is not None,
        max_queries=spec.max_queries,
        origin=origin,
    )
