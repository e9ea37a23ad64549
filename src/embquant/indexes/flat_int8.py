"""int8 codes in USearch's plain matrix file, scanned exactly."""

import os
import struct
from pathlib import Path
from typing import Self

import numkong
import numpy as np
from usearch.io import load_matrix

from embquant.entries import NoParameters
from embquant.errors import InputError
from embquant.exact.scan import Scan
from embquant.indexes.base import FlatIndex
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.int8 import Int8


class FlatInt8(FlatIndex[Int8]):
    """Scans all codes with NumKong's int8 kernels (USearch's own); a score is the integer inner product.

    The same ranking as ``usearch.index.search(…, exact=True)``, which calls a kernel for every pair.
    """

    suffix = ".i8bin"
    engine = "numkong"

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
        return self._scan(_products, queries, self.codes, k)


def _products(queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the inner products of queries with codes, int32 (queries, documents)."""
    if len(queries) == 1:  # packed, it would be compared as many are, in twice the time
        return np.asarray(numkong.cdist(queries, codes, metric="dot")).astype(np.int32)
    return np.asarray(numkong.dots_packed(queries, numkong.dots_pack(codes, dtype="int8")))
