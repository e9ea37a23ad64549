"""Bits in FAISS inverted lists, compared by Hamming distance."""

import faiss
import numpy as np

from embquant.exact.topk import nearest_by_faiss
from embquant.indexes.faiss_files import padded, search
from embquant.indexes.ivf import Ivf
from embquant.quantize.codecs import CodecSpec, Family
from embquant.quantize.codecs.binary import Binary
from embquant.quantize.extent import Extent


class IvfBinary(Ivf[Binary]):
    """Bits in lists; a score is the negative Hamming distance.

    The centroids are found on the bits as ±1; their own bits, the signs, find a query's lists.
    """

    index_type = faiss.IndexBinaryIVF

    @classmethod
    def scorings(cls, codec: type[Family]) -> tuple[str, ...]:
        """Return the only one: FAISS compares bits with bits."""
        return ("symmetric",)

    @classmethod
    def centroids_obstacle(cls, extent: Extent) -> None:
        """Return None: centroids are those of ±1, whatever the vectors are."""

    @classmethod
    def centroid_bytes(cls, codec: CodecSpec, dim: int) -> int:
        """Return the bytes of a list's centroid, a code."""
        return codec.code_bytes(dim)

    @classmethod
    def empty(cls, codec: Binary, centroids: np.ndarray) -> faiss.IndexBinaryIVF:
        """Return a FAISS ``IndexBinaryIVF`` with the signs of ``centroids``."""
        quantizer = faiss.IndexBinaryFlat(padded(codec.dim))
        quantizer.add(np.packbits(centroids > 0, axis=1))
        return faiss.IndexBinaryIVF(quantizer, quantizer.d, len(centroids))

    @classmethod
    def added(cls, codec: Binary, codes: np.ndarray) -> np.ndarray:
        """Return the codes themselves."""
        return codes

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return negative distances and rows."""
        return nearest_by_faiss(*search(self._index, queries, k, self._threads))
