"""Several prepared datasets as one corpus: a way to large corpora of real text.

Ids are prefixed with the dataset's name ("scifact/4983"), which is the group of its documents. With ``documents``, the
corpus is cut to that number of rows, or its rows are repeated from the start, with ids that end in "#2", "#3" and so
on. A copy of a relevant document has the same text, so no search can prefer one to the other: it is judged as relevant
as the first copy.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embquant.datasets.collection import BATCH_ROWS, CORPUS, QRELS, QUERIES, Collection, Named, batch
from embquant.datasets.spec import PooledSpec
from embquant.errors import InputError
from embquant.files.atomic import read_json
from embquant.files.parquet import count_rows, read_batches, read_table


@dataclass(frozen=True)
class Member:
    """A prepared dataset: its name and folder, whether it is judged, and where its rows begin in the pool."""

    name: str
    folder: Path
    judged: bool
    fingerprint: str
    first_row: int
    documents: int

    def prefixed(self, ids: pa.Array | pa.ChunkedArray, copy: int = 1) -> pa.Array | pa.ChunkedArray:
        """Return ``ids`` as they are in copy ``copy`` of the pool, counted from 1."""
        return pc.binary_join_element_wise(f"{self.name}/", ids, "" if copy == 1 else f"#{copy}", "")


def open_pooled(spec: PooledSpec, folders: Sequence[Path]) -> Collection:
    """Pool the prepared datasets in ``folders``, which are those that ``spec`` names, in the same order.

    If only some have judgements, the queries of the others are left out. ``max_queries`` applies to each dataset.
    """
    members = _members(spec, folders)
    total = sum(member.documents for member in members)
    documents = spec.documents or total
    queried = [member for member in members if member.judged] or members
    parts = [_queries(member, documents, total, spec.max_queries) for member in queried]
    unjudged = sum(count_rows([member.folder / "queries.parquet"]) for member in members if member not in queried)
    return Collection(
        corpus=Named("pooled", _corpus(members, documents)),
        queries=Named("pooled", [batch for queries, _, _ in parts for batch in queries.to_batches()]),
        qrels=Named("pooled", [batch for _, qrels, _ in parts for batch in qrels.to_batches()])
        if queried[0].judged
        else None,
        identical_ids=None,
        origin={"fingerprints": {member.name: member.fingerprint for member in members}},
        left_out={
            "queries_of_datasets_without_judgements": unjudged,
            "queries_whose_documents_were_cut": sum(cut for _, _, cut in parts),
        },
    )


def _members(spec: PooledSpec, folders: Sequence[Path]) -> list[Member]:
    if not spec.datasets or len(set(spec.datasets)) < len(spec.datasets):
        raise InputError(f"pooled dataset: datasets must name each dataset once, not {list(spec.datasets)}")
    if len(folders) != len(spec.datasets):
        raise InputError(f"pooled dataset: {len(spec.datasets)} datasets, but {len(folders)} folders in --pool")
    members, first = [], 0
    for name, folder in zip(spec.datasets, folders, strict=True):
        description = read_json(folder / "dataset.json")
        if description.get("name") != name:
            raise InputError(f"{folder}: holds the dataset {description.get('name')!r}, expected {name!r}")
        documents = count_rows([folder / "corpus.parquet"])
        members.append(Member(name, folder, description["judged"], description["fingerprint"], first, documents))
        first += documents
    return members


def _corpus(members: Sequence[Member], documents: int) -> Iterator[pa.RecordBatch]:
    """Yield the documents of all members in order, and again from the start until there are enough."""
    for copy, member in ((copy, member) for copy in itertools.count(1) for member in members):
        for rows in read_batches(member.folder / "corpus.parquet", ["id", "text", "display"], BATCH_ROWS):
            rows = rows.slice(0, documents)
            columns = {"id": member.prefixed(rows.column("id"), copy), "text": rows.column("text")}
            yield batch(CORPUS, columns | {"display": rows.column("display"), "group": [member.name] * rows.num_rows})
            documents -= rows.num_rows
            if not documents:
                return


def _queries(member: Member, documents: int, total: int, most: int | None) -> tuple[pa.Table, pa.Table, int]:
    """Return the first ``most`` queries of ``member``, their judgements, and how many lost all to the cut."""
    queries = read_table(member.folder / "queries.parquet", ["id", "text", "own_row"])
    qrels = read_table(member.folder / "qrels.parquet", [*QRELS.names, "query_row", "doc_row"])
    qrels = _within_cut(qrels, documents - member.first_row)
    rows = np.unique(qrels["query_row"].to_numpy()) if member.judged else np.arange(len(queries))
    cut = len(queries) - len(rows)
    rows = rows[:most]
    queries = queries.take(rows)
    ids = member.prefixed(queries["id"])
    own_ids = pc.if_else(pc.greater_equal(queries["own_row"], 0), ids, None)
    nulls = pa.nulls(len(queries), pa.string())
    return (
        pa.table([ids, queries["text"], own_ids, nulls], schema=QUERIES),
        _judgements(member, qrels.filter(pc.is_in(qrels["query_row"], pa.array(rows))), documents, total),
        cut,
    )


def _within_cut(qrels: pa.Table, documents: int) -> pa.Table:
    """Return the judgements of the first ``documents`` of a dataset.

    Those of documents that its corpus lacks anyway stay, unless the cut takes all others of their query.
    """
    query_rows, doc_rows = qrels["query_row"].to_numpy(), qrels["doc_row"].to_numpy()
    beyond = doc_rows >= documents
    lost = np.setdiff1d(query_rows[beyond], query_rows[~beyond & (doc_rows >= 0)])
    return qrels.filter(pa.array(~beyond & ~np.isin(query_rows, lost)))


def _judgements(member: Member, qrels: pa.Table, documents: int, total: int) -> pa.Table:
    """Return ``qrels`` for every copy of their documents in the corpus."""
    in_corpus = qrels["doc_row"].to_numpy() >= 0
    rows = qrels["doc_row"].to_numpy() + member.first_row
    copies = []
    for copy in range(1, -(-documents // total) + 1):
        copied = rows + (copy - 1) * total < documents
        kept = qrels.filter(pa.array(np.where(in_corpus, copied, copy == 1)))
        columns = [member.prefixed(kept["query_id"]), member.prefixed(kept["doc_id"], copy), kept["relevance"]]
        copies.append(pa.table(columns, schema=QRELS))
    return pa.concat_tables(copies)
