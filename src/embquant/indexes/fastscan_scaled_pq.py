"""Codes of scaled-pq of 4 bits, scanned in FAISS's fast-scan layout."""

from pathlib import Path

import numpy as np

from embquant.entries import NoParameters
from embquant.errors import InapplicableError
from embquant.indexes.fastscan import other_bits
from embquant.indexes.flat_scaled_pq import FlatScaledPq
from embquant.indexes.scaled_shards import FastScanShards
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import CodecSpec
from embquant.quantize.codecs.scaled_pq import ScaledProductQuantization
from embquant.quantize.extent import Extent


class FastScanScaledPq(FlatScaledPq):
    """Scans all codes by a query's products with the centroids, rounded to 8 bits; a score is their sum, scaled.

    The file is that of the flat index. FAISS's layout is made when it is opened.
    """

    is_exact = False
    prefix_stable = False
    layout = FastScanShards
    scans_disk = False

    shards: FastScanShards
    """The codes, in FAISS's layout."""

    @classmethod
    def obstacle(cls, codec: CodecSpec, extent: Extent, build: NoParameters) -> str | None:
        """Say that the codec doesn't have 4 bits per piece; None if it has."""
        return other_bits(codec.parameters.bits)

    @classmethod
    def build(cls, codec: ScaledProductQuantization, codes: Batches, path: Path, parameters: NoParameters) -> None:
        """Write what ``numpy.save`` writes."""
        if reason := other_bits(codec.index.pq.nbits):
            raise InapplicableError(f"index fastscan: {reason}")
        super().build(codec, codes, path, parameters)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return sums of rounded products, scaled, and rows."""
        return self.shards.search(queries, k)

    search_reproducibly = search
