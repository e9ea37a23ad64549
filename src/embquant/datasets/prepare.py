"""Opens a collection of any source, and writes it as corpus, queries and judgements."""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embquant.datasets.collection import Collection, HeldOut
from embquant.datasets.corpus import TableDigest, stage_corpus
from embquant.datasets.identical import with_own_rows
from embquant.datasets.queries import QRELS_FILE, QUERIES_FILE, hold_out, select_queries
from embquant.files.parquet import write_parquet

PERCENTILES = (0, 5, 25, 50, 75, 95, 99, 100)

log = logging.getLogger(__name__)


def write_dataset(name: str, collection: Collection, staging: Path, output: Path) -> dict[str, Any]:
    """Check a collection and write its tables to the folder ``output``; return what dataset.json says of it.

    ``staging`` is a temporary file for the texts. The fingerprint depends on ids, texts and judgements alone, not on
    where they came from.
    """
    left_out: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    staged = stage_corpus(collection.corpus, staging)
    held_out = np.zeros(0, np.int64)
    if isinstance(collection.queries, HeldOut):
        queries, held_out = hold_out(staged, collection.queries)
        qrels = QRELS_FILE.empty_table()
        left_out["documents_held_out_as_queries"] = len(held_out)
    else:
        queries, qrels = select_queries(collection, staged, collection.queries, left_out)
        queries = with_own_rows(queries, staged, collection.identical_ids, left_out, kept)
        kept["judgements_of_documents_that_the_corpus_lacks"] = pc.sum(pc.less(qrels["doc_row"], 0)).as_py() or 0
    corpus = staged.without(held_out)
    left_out.update(collection.left_out)
    own = ["own_row"] if pc.any(pc.greater_equal(queries["own_row"], 0)).as_py() else []
    (output / "dataset.json").unlink(missing_ok=True)  # from here on the old dataset is no longer whole
    digests = [
        _write_table(output / "corpus.parquet", corpus.schema, corpus.batches(), ["id", "text"]),
        _write_table(output / "queries.parquet", QUERIES_FILE, queries.to_batches(), ["id", "text", *own]),
        _write_table(output / "qrels.parquet", QRELS_FILE, qrels.to_batches(), ["query_id", "doc_id", "relevance"]),
    ]
    left_out, kept = +left_out, +kept  # without those of nothing
    log.info("%s: %d documents, %d queries, %d judgements", name, len(corpus.lengths), len(queries), len(qrels))
    for verb, counts in (("left out", left_out), ("kept", kept)):
        for what, count in counts.items():
            log.info("%s: %s: %d %s", name, verb, count, what.replace("_", " "))
    empty = int((corpus.lengths == 0).sum())
    if empty:
        log.info("%s: %d documents are empty, kept", name, empty)
    return {
        "name": name,
        "judged": collection.by_key or collection.qrels is not None,
        "fingerprint": hashlib.sha256(b"".join(digests)).hexdigest(),
        "counts": {
            "documents": len(corpus.lengths),
            "queries": len(queries),
            "judgements": len(qrels),
            "empty_documents": empty,
        },
        "left_out": left_out,
        "kept": kept,
        "duplicate_text_share": corpus.duplicate_share,
        "text_length_characters": {
            "corpus": _percentiles(corpus.lengths),
            "queries": _percentiles(pc.utf8_length(queries["text"]).to_numpy()),
        },
    }


def _write_table(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], columns: Sequence[str]) -> bytes:
    """Write a table and return the digest of ``columns``."""
    digest = TableDigest(columns)

    def digested() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            digest.update(batch)
            yield batch

    write_parquet(path, schema, digested())
    return digest.digest()


def _percentiles(lengths: np.ndarray) -> dict[str, int]:
    values = np.percentile(lengths, PERCENTILES, method="inverted_cdf")
    return {f"p{percent}": int(value) for percent, value in zip(PERCENTILES, values, strict=True)}
