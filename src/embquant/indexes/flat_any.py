"""Codes of any codec in a plain NumPy file, scanned by the codec itself."""

from pathlib import Path
from typing import Self

import numpy as np

from embquant.entries import NoParameters
from embquant.errors import InputError
from embquant.exact.scan import DecodedScan
from embquant.files.atomic import UNREADABLE_NPY
from embquant.indexes.base import FlatIndex, Quantizer
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import Family


class FlatAny(FlatIndex[Quantizer]):
    """Scans all codes with the codec's own ``scan``; ``search_reproducibly`` settles the order with its ``score``.

    Codecs without a flat index of their own get this one, so that a new codec needs no index.
    """

    suffix = ".npy"
    engine = "codec"

    def __init__(self, codes: np.ndarray, codec: Quantizer, threads: int) -> None:
        """Search ``codes`` (documents, width) of ``codec`` on ``threads`` threads."""
        self.codes = codes
        self.codec = codec
        self._decoded = DecodedScan(codec, threads)

    @classmethod
    def scorings(cls, codec: type[Family]) -> tuple[str, ...]:
        """Return the only one: to compare codes with codes, a codec needs an index of its own."""
        return ("asymmetric",)

    @classmethod
    def build(cls, codec: Quantizer, codes: Batches, path: Path, parameters: NoParameters) -> None:
        """Write what ``numpy.save`` writes, batch by batch."""
        with path.open("wb") as file:
            for batch in codes:
                if not file.tell():
                    shape = {"descr": batch.dtype.str, "fortran_order": False, "shape": (codes.rows, batch.shape[1])}
                    np.lib.format.write_array_header_1_0(file, shape)
                np.ascontiguousarray(batch).tofile(file)

    @classmethod
    def open(cls, path: Path, codec: Quantizer, threads: int, parameters: NoParameters, mapped: bool = False) -> Self:
        """Open a file of codes."""
        try:
            codes = np.load(path, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            raise InputError(f"{path}: no such file") from None
        except (OSError, *UNREADABLE_NPY) as error:
            raise InputError(f"{path}: not a readable .npy file ({error}); delete it and run again") from None
        width = codec.bytes_per_vector
        if codes.ndim != 2 or codes.shape[1] * codes.itemsize != width:
            raise InputError(f"{path}: holds {codes.dtype} {codes.shape}, expected rows of {width} bytes")
        return cls(codes if mapped else np.array(codes), codec, threads)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return float64 scores and rows; scores too near to tell apart in float32 are settled."""
        return self._decoded.ranked(self.quick, queries, self.codes, k)

    def search_reproducibly(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Search and settle the order of near scores in float64."""
        return self._decoded.settled(queries, self.codes, k)

    def quick(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return float32 scores and rows, ties in any order."""
        return self._decoded.search(queries, self.codes, k)
