"""Codes of scaled-pq in a plain NumPy file, scanned through FAISS's product quantizer."""

from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from embquant.entries import NoParameters
from embquant.indexes.flat_any import FlatAny
from embquant.indexes.scaled_shards import ScaledShards
from embquant.quantize.codecs.scaled_pq import ScaledProductQuantization

WORTH_DECODING = 32
"""Number of queries from which on decoding all codes once is faster than looking all up for each query."""


class FlatScaledPq(FlatAny[ScaledProductQuantization]):
    """Scans all codes; a score is the float query's inner product with the decoded, scaled code."""

    engine = "faiss"
    layout: ClassVar[type[ScaledShards]] = ScaledShards
    """How FAISS holds the codes."""

    scans_disk: ClassVar[bool] = True
    """Whether codes that stay on disk can be searched."""

    shards: ScaledShards | None = None
    """The codes in memory, as FAISS searches them; None if they stay on disk."""

    @classmethod
    def open(
        cls,
        path: Path,
        codec: ScaledProductQuantization,
        threads: int,
        parameters: NoParameters,
        mapped: bool = False,
    ) -> Self:
        """Open a file of codes, which are mapped in either case: FAISS holds a copy of them, not the array.

        ``mapped`` leaves that copy out, if codes that stay on disk can be searched.
        """
        index = super().open(path, codec, threads, parameters, mapped=True)
        if not (mapped and cls.scans_disk):
            index.shards = cls.layout(index.codes, codec, threads)
        return index

    def quick(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return float32 inner products and rows, ties in any order."""
        if len(queries) >= WORTH_DECODING or self.shards is None:
            return super().quick(queries, k)
        return self.shards.search(queries, k)
