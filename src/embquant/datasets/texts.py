"""Digests of text straight from Arrow's buffers: no Python object is made for a text."""

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa

DIGEST_BYTES = 16


def text_digests(texts: pa.StringArray) -> bytes:
    """Return the 128-bit digests of ``texts``, one after the other; equal texts have equal digests."""
    offsets, data = _utf8(texts)
    bounds = offsets.tolist()
    return b"".join(
        hashlib.blake2b(data[start:end], digest_size=DIGEST_BYTES).digest() for start, end in pairwise(bounds)
    )


def first_rows(digests: bytes) -> np.ndarray:
    """Return for each digest the first row that has the same one, int64[rows]."""
    codes = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(DIGEST_BYTES), len(digests) // DIGEST_BYTES, [None, pa.py_buffer(digests)]
    ).dictionary_encode()
    rows = codes.indices.to_numpy()
    _, first = np.unique(rows, return_index=True)
    return first[rows].astype(np.int64)


class TableDigest:
    """A SHA-256 of the rows of a table, whatever batches they come in; text counts as its lengths and its bytes."""

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
    """Return the offsets of ``texts``, int32[rows + 1], and the bytes they point into."""
    _, offsets, data = texts.buffers()
    bounds = np.zeros(1, np.int32) if offsets is None else np.frombuffer(offsets, np.int32)
    return bounds[texts.offset : texts.offset + len(texts) + 1], memoryview(data or b"")
