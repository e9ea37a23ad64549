"""The corpus on its way: written down once as it streams in, summed up in arrays, then written in its final form."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embquant.datasets.collection import CORPUS, Named
from embquant.datasets.texts import DIGEST_BYTES, first_rows, text_digests
from embquant.errors import InputError
from embquant.files.parquet import read_batches, write_parquet

STAGED = pa.schema([CORPUS.field(name) for name in ("id", "text", "display")])
CORPUS_FILE = pa.schema([*STAGED, ("first_row", pa.int64())])
"""The columns of corpus.parquet."""


@dataclass(frozen=True)
class StagedCorpus:
    """A corpus that was written to ``path``, and what must be known of all its rows at once.

    About 60 bytes a document are held in memory: ids, keys, a 128-bit digest of the text and its length in characters.
    """

    name: str
    path: Path
    ids: pa.ChunkedArray
    keys: pa.ChunkedArray
    digests: np.ndarray
    lengths: np.ndarray

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
    """The documents of a staged corpus that stay: ``keep`` bool[staged rows]; the other arrays have a row for each."""

    staged: StagedCorpus
    keep: np.ndarray
    first_rows: np.ndarray
    lengths: np.ndarray

    @property
    def duplicate_share(self) -> float:
        """The share of documents whose text an earlier one has."""
        return float(np.mean(self.first_rows != np.arange(len(self.first_rows))))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the documents in batches of ``CORPUS_FILE``."""
        read = written = 0
        for batch in self.staged.batches():
            kept = batch.filter(pa.array(self.keep[read : read + batch.num_rows]))
            read += batch.num_rows
            rows = pa.array(self.first_rows[written : written + kept.num_rows])
            written += kept.num_rows
            yield pa.record_batch([*kept.columns, rows], CORPUS_FILE)


def stage_corpus(corpus: Named, path: Path) -> StagedCorpus:
    """Write ``corpus`` to ``path`` and check it; an empty one, only empty texts or repeated ids are InputErrors."""
    ids, keys, lengths, digests = [], [], [np.zeros(0, np.int32)], bytearray()

    def noted() -> Iterator[pa.RecordBatch]:
        for batch in corpus.batches:
            ids.append(batch.column("id"))
            keys.append(batch.column("key"))
            lengths.append(pc.utf8_length(batch.column("text")).to_numpy())
            digests.extend(text_digests(batch.column("text")))
            yield batch.select(STAGED.names)

    write_parquet(path, STAGED, noted())
    staged = StagedCorpus(
        corpus.name,
        path,
        pa.chunked_array(ids, pa.string()),
        pa.chunked_array(keys, pa.string()),
        np.frombuffer(digests, np.uint8).reshape(-1, DIGEST_BYTES),
        np.concatenate(lengths),
    )
    if not len(staged.ids):
        raise InputError(f"{corpus.name}: empty corpus, expected documents")
    check_unique(staged.ids, corpus.name, "document")
    if not staged.lengths.any():
        raise InputError(f"{corpus.name}: all {len(staged.ids)} documents are empty; check the column with the text")
    return staged


def check_unique(ids: pa.ChunkedArray, name: str, what: str) -> None:
    """Raise an InputError that names the first id that stands twice."""
    if pc.count_distinct(ids).as_py() < len(ids):
        counts = pc.value_counts(ids)
        repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))[0]
        rows = np.flatnonzero(pc.equal(ids, repeated).to_numpy()) + 1
        raise InputError(
            f"{name}: {what} {rows[1]} has the id {repeated.as_py()!r}, which {what} {rows[0]} has already"
        )
