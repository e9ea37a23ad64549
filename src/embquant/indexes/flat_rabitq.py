"""RaBitQ codes in FAISS's index of them, searched as FAISS searches them."""

from functools import partial
from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np
from pydantic import Field

from embquant.entries import Entry
from embquant.exact.topk import found_by_faiss
from embquant.indexes.faiss_files import fill, search
from embquant.indexes.flat_codes import FlatCodes
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.faiss_codes import FaissCodec


class RaBitQSearch(Entry):
    """How RaBitQ codes are searched."""

    query_bits: int = Field(
        4, ge=0, le=8, description="bits per dimension that a query is rounded to; 0 leaves it as it is, and is slow"
    )


class FlatRaBitQ(FlatCodes):
    """Scans the signs of all codes by the query rounded to ``query_bits``; a score is an estimate of an inner product.

    Codes of 1 bit are scored by the rounded query. With more bits the signs tell which documents can't be among the
    best, with an error bound that holds nearly always, and the others are scored by their whole codes and the float
    query. So the results are not those of an exact scan, and a deeper search may find what a shallower one misses. As
    a rescore store the codes are always scored by the float query.
    """

    is_exact = False
    prefix_stable = False
    search_parameters = RaBitQSearch
    _empty: faiss.IndexRaBitQ

    @classmethod
    def open(cls, path: Path, codec: FaissCodec, threads: int, parameters: Any, mapped: bool = False) -> Self:
        """Open a FAISS ``IndexRaBitQ``."""
        opened = super().open(path, codec, threads, parameters, mapped)
        opened._index.qb = parameters.query_bits
        opened._empty = codec.index
        return opened

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return estimates and rows: for each query what FAISS finds, on one thread."""
        return found_by_faiss(*search(self._index, queries, k, self._threads))

    search_reproducibly = search

    def _with(self, codes: np.ndarray) -> Self:
        other = super()._with(codes)
        other._index = faiss.clone_index(self._empty)
        other._index.qb = self._index.qb
        fill(other._index, other._index.codes, Batches(partial(iter, [codes]), *codes.shape), codes.shape[1])
        return other
