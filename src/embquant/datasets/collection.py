"""What every source delivers: three tables, read once, in batches, with columns of fixed names and types."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa

CORPUS = pa.schema([(name, pa.string()) for name in ("id", "text", "display", "body", "key", "group")])
"""A document: its id, the embedded text, and, each of them or null, another text to show, the text without the title
that ``text`` begins with, its key for judgements, and what groups it with others: a language, a date."""

QUERIES = pa.schema([(name, pa.string()) for name in ("id", "text", "own_id", "key")])
"""A query: its id, its text ("" if the source has none), the id of the document that is the query itself (null if
there is none or the source doesn't know), and its key (or null)."""

QRELS = pa.schema([("query_id", pa.string()), ("doc_id", pa.string()), ("relevance", pa.int32())])
"""A relevance judgement; a document is relevant if its relevance is above zero."""

IdenticalIds = Literal["auto", "exclude", "keep"]

BATCH_ROWS = 4096
"""Rows a source reads at a time: a few MiB of text for passages, tens of MiB for long articles."""


@dataclass(frozen=True)
class HeldOut:
    """Documents that become queries: ``count`` of them (None: a tenth, at most 1000), drawn with ``seed``."""

    count: int | None
    seed: int


@dataclass(frozen=True)
class Named:
    """A table in batches, and its name in messages: a file or a repository."""

    name: str
    batches: Iterable[pa.RecordBatch]


@dataclass(frozen=True)
class Collection:
    """A corpus, its queries and its judgements, before they are checked.

    ``qrels`` is None if there are no judgements, or if a query is relevant to the documents with its key (``by_key``).
    ``origin`` describes what was read (digests, commits); ``left_out`` counts what the source itself dropped. Both may
    be filled while the batches are read. ``identical_ids`` says when a document with the id of a query is that
    query's own document: see :mod:`embquant.datasets.identical`; None if ``own_id`` of the queries says it.
    """

    corpus: Named
    queries: Named | HeldOut
    qrels: Named | None = None
    by_key: bool = False
    max_queries: int | None = None
    identical_ids: IdenticalIds | None = "auto"
    origin: dict[str, Any] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)


def batch(schema: pa.Schema, columns: Mapping[str, pa.Array | Sequence[Any]]) -> pa.RecordBatch:
    """Build a batch of ``schema``; columns that are not given are null."""
    rows = len(next(iter(columns.values())))
    arrays = []
    for name, kind in zip(schema.names, schema.types, strict=True):
        values = columns.get(name)
        if values is None:
            values = pa.nulls(rows, kind)
        arrays.append(values if isinstance(values, pa.Array) else pa.array(values, kind))
    return pa.record_batch(arrays, schema)
