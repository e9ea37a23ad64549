"""What every source delivers: three tables, read once, in batches, with columns of fixed names and types."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

CORPUS = pa.schema([("id", pa.string()), ("text", pa.string()), ("display", pa.string()), ("key", pa.string())])
"""A document: its id, the embedded text, another text to show (or null), and its key for judgements (or null)."""

QUERIES = pa.schema([("id", pa.string()), ("text", pa.string()), ("key", pa.string())])
"""A query: its id, its text ("" if the source has none) and its key (or null)."""

QRELS = pa.schema([("query_id", pa.string()), ("doc_id", pa.string()), ("relevance", pa.int32())])
"""A relevance judgement; a document is relevant if its relevance is above zero."""

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
    be filled while the batches are read.
    """

    corpus: Named
    queries: Named | HeldOut
    qrels: Named | None = None
    by_key: bool = False
    max_queries: int | None = None
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
