"""RaBitQ codes in FAISS's fast-scan layout: sums of the query's values stay in registers."""

from pathlib import Path
from typing import Self

import faiss
from pydantic import Field

from embquant.entries import Entry, NoParameters
from embquant.indexes.faiss_files import fill, read
from embquant.indexes.fastscan import BLOCK, FastScanIndex
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import CodecSpec
from embquant.quantize.codecs.rabitq import RaBitQ

QUERY_BITS = 8
"""What FAISS's fast scan rounds queries to unless it is told otherwise."""


class RaBitQFastScanSearch(Entry):
    """How RaBitQ codes are searched by fast scan."""

    query_bits: int = Field(QUERY_BITS, ge=1, le=8, description="bits per dimension that a query is rounded to")


class FastScanRaBitQ(FastScanIndex[RaBitQ]):
    """Scans the signs of all codes by the query rounded to ``query_bits``; a score is an estimate of an inner product.

    With more than one bit per dimension the signs tell which documents can't be among the best, with an error bound
    that holds nearly always, and the others are scored by their whole codes and the float query.
    """

    search_parameters = RaBitQFastScanSearch

    @classmethod
    def file_bytes(cls, documents: int, codec: CodecSpec, dim: int, build: NoParameters) -> float:
        """Return the bytes of whole blocks of codes and of the centre."""
        return -(-documents // BLOCK) * BLOCK * codec.code_bytes(dim) + 4 * codec.quantized_dim(dim)

    @classmethod
    def build(cls, codec: RaBitQ, codes: Batches, path: Path, parameters: NoParameters) -> None:
        """Write a FAISS ``IndexRaBitQFastScan``."""
        flat = faiss.clone_index(codec.index)
        fill(flat, flat.codes, codes, flat.code_size)
        index = faiss.IndexRaBitQFastScan(flat)
        index.qb = QUERY_BITS
        faiss.write_index(index, str(path))

    @classmethod
    def open(
        cls, path: Path, codec: RaBitQ, threads: int, parameters: RaBitQFastScanSearch, mapped: bool = False
    ) -> Self:
        """Open a FAISS ``IndexRaBitQFastScan``."""
        index = read(path, faiss.IndexRaBitQFastScan, codec.dim, mapped)
        index.qb = parameters.query_bits
        return cls(index, threads)
