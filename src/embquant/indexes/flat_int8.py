"""int8 codes in USearch's plain matrix file, scanned exactly."""

import os
import struct
from contextlib import nullcontext
from pathlib import Path
from typing import Self

import numkong
import numpy as np
from usearch.io import load_matrix

from embquant.entries import NoParameters
from embquant.errors import InputError
from embquant.exact.scan import Scan
from embquant.exact.threads import limit_blas_threads
from embquant.exact.ways import Ways
from embquant.indexes.base import FlatIndex
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.int8 import Int8

WORTH_DECODING = 16
"""Number of queries from which on float32 products may be faster: codes are decoded once for all of them."""

EXACT_DIMENSIONS = 1 << 10
"""Dimensions whose products of signed bytes add up to 2²⁴ at most, up to which float32 has all integers."""


class FlatInt8(FlatIndex[Int8]):
    """Scans all codes; a score is the integer inner product.

    The same ranking as ``usearch.index.search(…, exact=True)``, which calls a kernel for every pair. NumKong's int8
    kernels (USearch's own) compare blocks with blocks, as do float32 products of the codes, which are faster on
    processors without instructions for sums of products of bytes. Both are exact.
    """

    suffix = ".i8bin"
    engine = "numkong alone, numkong or numpy in batch"

    def __init__(self, codes: np.ndarray, threads: int) -> None:
        """Search ``codes``, int8 (documents, dim), on ``threads`` threads."""
        self.codes = codes
        self._scan = Scan(threads)

    @classmethod
    def build(cls, codec: Int8, codes: Batches, path: Path, parameters: NoParameters) -> None:
        """Write what ``usearch.io.save_matrix`` writes: two int32, then the codes; but batch by batch."""
        with Path(path).open("wb") as file:
            file.write(struct.pack("<ii", codes.rows, codec.dim))
            for batch in codes:
                batch.tofile(file)

    @classmethod
    def open(cls, path: Path, codec: Int8, threads: int, parameters: NoParameters, mapped: bool = False) -> Self:
        """Open an ``.i8bin`` file with ``usearch.io.load_matrix``."""
        try:
            with Path(path).open("rb") as file:
                count, dim = struct.unpack("<ii", file.read(8))
                if count < 0 or dim < 1 or file.seek(0, os.SEEK_END) != 8 + count * dim:
                    raise ValueError(f"a header of {count} vectors of {dim} bytes in a file of another size")
            codes = load_matrix(str(path), view=mapped)
        except FileNotFoundError:
            raise InputError(f"{path}: no such file") from None
        except (ValueError, OSError, struct.error) as error:
            raise InputError(f"{path}: not a readable .i8bin file ({error}); delete it and run again") from None
        if codes.shape[1] != codec.dim:
            raise InputError(f"{path}: holds vectors of {codes.shape[1]} dimensions, expected {codec.dim}")
        return cls(codes, threads)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return int32 inner products and rows."""
        with limit_blas_threads(1) if len(queries) >= WORTH_DECODING else nullcontext():
            return self._scan(WAYS, queries, self.codes, k)


def by_bytes(queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the inner products of queries with codes, int32 (queries, documents)."""
    if len(queries) == 1:  # packed, it would be compared as many are, in twice the time
        return np.asarray(numkong.cdist(queries, codes, metric="dot")).astype(np.int32)
    return np.asarray(numkong.dots_packed(queries, numkong.dots_pack(codes, dtype="int8")))


def by_floats(queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the same, from products of float32 numbers: as float32, or int32 where these can't have all of them."""
    pieces = [slice(first, first + EXACT_DIMENSIONS) for first in range(0, queries.shape[1], EXACT_DIMENSIONS)]
    first, *others = (queries[:, each].astype(np.float32) @ codes[:, each].astype(np.float32).T for each in pieces)
    return sum((other.astype(np.int32) for other in others), first.astype(np.int32)) if others else first


WAYS = Ways(by_bytes, by_floats, others_from=WORTH_DECODING, dtype=np.int32)
