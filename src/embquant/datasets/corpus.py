"""The corpus: staged once as it streams in, summed up in arrays, written in its final form, and shown to a person.

Texts are digested straight from Arrow's buffers: no Python object is made for a text.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embquant.datasets.collection import CORPUS, Named
from embquant.errors import InputError
from embquant.files.parquet import read_batches, take_rows, write_parquet

STAGED = pa.schema([CORPUS.field(name) for name in ("id", "text", "display", "body", "group")])
CORPUS_FILE = pa.schema([*(CORPUS.field(name) for name in ("id", "text", "display")), ("first_row", pa.int64())])
"""The columns of corpus.parquet; ``group`` is another one where there are groups."""

DIGEST_BYTES = 16
SHOWN_CHARACTERS = 300
"""How much of a document is shown."""


@dataclass(frozen=True)
class StagedCorpus:
    """A corpus that was written to ``path``, and what is held in memory of all its rows.

    It takes about 60 bytes per document: id, key, a 128-bit digest of the text and its length in characters.
    ``has_groups`` tells whether any document has a group.
    """

    name: str
    path: Path
    ids: pa.ChunkedArray
    keys: pa.ChunkedArray
    digests: np.ndarray
    lengths: np.ndarray
    has_groups: bool

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the documents in batches of ``STAGED``."""
        return read_batches(self.path, STAGED.names)

    def without(self, rows: np.ndarray) -> "KeptCorpus":
        """Return the corpus less the documents at ``rows``."""
        keep = np.ones(len(self.lengths), bool)
        keep[rows] = False
        return KeptCorpus(self, keep, first_rows(self.digests[keep].tobytes()), self.lengths[keep])


@dataclass(frozen=True)
class KeptCorpus:
    """The documents of a staged corpus that stay: ``keep`` is bool (staged rows,), the other arrays (kept rows,)."""

    staged: StagedCorpus
    keep: np.ndarray
    first_rows: np.ndarray
    lengths: np.ndarray

    @property
    def duplicate_share(self) -> float:
        """The share of documents with the text of an earlier one."""
        return float(np.mean(self.first_rows != np.arange(len(self.first_rows))))

    @property
    def schema(self) -> pa.Schema:
        """The columns of corpus.parquet."""
        return CORPUS_FILE.append(CORPUS.field("group")) if self.staged.has_groups else CORPUS_FILE

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the documents in batches of :attr:`schema`."""
        read = written = 0
        for batch in self.staged.batches():
            kept = batch.filter(pa.array(self.keep[read : read + batch.num_rows]))
            read += batch.num_rows
            rows = pa.array(self.first_rows[written : written + kept.num_rows])
            written += kept.num_rows
            yield pa.record_batch(
                [rows if name == "first_row" else kept[name] for name in self.schema.names], self.schema
            )


def stage_corpus(corpus: Named, path: Path) -> StagedCorpus:
    """Write ``corpus`` to ``path``; raises InputError if it is empty, has no text at all, or repeats an id."""
    ids, keys, lengths, digests = [], [], [np.zeros(0, np.int32)], bytearray()
    grouped = []

    def noted() -> Iterator[pa.RecordBatch]:
        for batch in corpus.batches:
            ids.append(batch.column("id"))
            keys.append(batch.column("key"))
            lengths.append(pc.utf8_length(batch.column("text")).to_numpy())
            digests.extend(text_digests(batch.column("text")))
            grouped.append(batch.column("group").null_count < batch.num_rows)
            yield batch.select(STAGED.names)

    write_parquet(path, STAGED, noted())
    staged = StagedCorpus(
        corpus.name,
        path,
        pa.chunked_array(ids, pa.string()),
        pa.chunked_array(keys, pa.string()),
        np.frombuffer(digests, np.uint8).reshape(-1, DIGEST_BYTES),
        np.concatenate(lengths),
        any(grouped),
    )
    if not len(staged.ids):
        raise InputError(f"{corpus.name}: empty corpus, expected documents")
    check_unique(staged.ids, corpus.name, "document")
    if not staged.lengths.any():
        raise InputError(f"{corpus.name}: all {len(staged.ids)} documents are empty; check the column with the text")
    return staged


def check_unique(ids: pa.ChunkedArray, name: str, what: str) -> None:
    """Raise an InputError that names the first repeated id, if there is one."""
    if pc.count_distinct(ids).as_py() < len(ids):
        counts = pc.value_counts(ids)
        repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))[0]
        rows = np.flatnonzero(pc.equal(ids, repeated).to_numpy()) + 1
        raise InputError(
            f"{name}: {what} {rows[1]} has the id {repeated.as_py()!r}, which {what} {rows[0]} has already"
        )


def shown_documents(corpus: Path, rows: np.ndarray) -> Iterator[tuple[str, str]]:
    """Yield id and text, shortened for a person, of the documents at ``rows`` (int64) of a corpus file."""
    for document in take_rows(corpus, ["id", "text", "display"], rows).to_pylist():
        text = document["display"] or document["text"]
        yield document["id"], text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + " …"


def text_digests(texts: pa.StringArray) -> bytes:
    """Return the 128-bit digests of ``texts``, joined; equal texts have equal digests."""
    offsets, data = _utf8(texts)
    bounds = offsets.tolist()
    return b"".join(
        hashlib.blake2b(data[start:end], digest_size=DIGEST_BYTES).digest() for start, end in pairwise(bounds)
    )


def first_rows(digests: bytes) -> np.ndarray:
    """Return for each digest the first row with the same digest, int64 (rows,)."""
    codes = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(DIGEST_BYTES), len(digests) // DIGEST_BYTES, [None, pa.py_buffer(digests)]
    ).dictionary_encode()
    rows = codes.indices.to_numpy()
    _, first = np.unique(rows, return_index=True)
    return first[rows].astype(np.int64)


class TableDigest:
    """A SHA-256 of the rows of a table, independent of its batches; text is digested as its lengths and its bytes."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Digest ``columns``, text without nulls or integers."""
        self._digests = {column: (hashlib.sha256(), hashlib.sha256()) for column in columns}

    def update(self, batch: pa.RecordBatch) -> None:
        """Take in the rows of ``batch``."""
        for column, (lengths, values) in self._digests.items():
            array = batch.column(column)
            if pa.types.is_string(array.type):
                offsets, data = _utf8(array)
                lengths.update(np.diff(offsets).astype("<i8").tobytes())
                values.update(data[offsets[0] : offsets[-1]])
            else:
                values.update(array.to_numpy().astype("<i8").tobytes())

    def digest(self) -> bytes:
        """Return the digest of all rows so far."""
        parts = (name.encode() + a.digest() + b.digest() for name, (a, b) in self._digests.items())
        return hashlib.sha256(b"".join(parts)).digest()


def _utf8(texts: pa.StringArray) -> tuple[np.ndarray, memoryview]:
    """Return the offsets of ``texts``, int32 (rows + 1,), and the bytes that they point into."""
    _, offsets, data = texts.buffers()
    bounds = np.zeros(1, np.int32) if offsets is None else np.frombuffer(offsets, np.int32)
    return bounds[texts.offset : texts.offset + len(texts) + 1], memoryview(data or b"")
