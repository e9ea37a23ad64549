"""Codes of osq in a plain NumPy file, compared with rounded queries in whole numbers."""

import numkong
import numpy as np

from embquant.exact.scan import Scan
from embquant.exact.ways import Ways
from embquant.indexes.flat_any import FlatAny
from embquant.quantize.codecs.osq import Osq


class FlatOsq(FlatAny[Osq]):
    """Scans all codes by queries rounded to 4 bits, or to 7 where documents have as many; a score is an estimate.

    The products of levels are whole numbers: of 1 or 2 bits by Hamming distances of planes of bits, as Lucene counts
    them, of more bits by products of bytes. As a rescore store the codes are scored by the float query.
    """

    engine = "numkong"

    def __init__(self, codes: np.ndarray, codec: Osq, threads: int) -> None:
        """Search ``codes`` (documents, width) of ``codec`` on ``threads`` threads."""
        super().__init__(codes, codec, threads)
        self._scan = Scan(threads)
        self._ways = Ways(self._estimates)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return float32 estimates and rows, each of which depends on the query and the code alone."""
        asked = self.codec.rounded(queries)
        ends = np.stack([asked.first, asked.step], axis=1).view(np.uint8)
        return self._scan(self._ways, np.concatenate([asked.levels, ends], axis=1), self.codes, k)

    search_reproducibly = search

    def _estimates(self, asked: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return the scores of rounded queries: levels and, as bytes, where their interval begins and its step."""
        levels = np.ascontiguousarray(asked[:, : self.codec.dim])
        ends = np.ascontiguousarray(asked[:, self.codec.dim :]).view(np.float64).astype(np.float32)
        first, step = ends.T[:, :, None]
        stored = self.codec.corrections(codes)
        totals = levels.sum(axis=1, dtype=np.int32)[:, None]
        scores = self._products(levels, totals, codes)
        scores *= step * stored.step
        scores += (step * totals) * stored.first
        scores += first * (self.codec.dim * stored.first + stored.step * stored.total.astype(np.float32)) + stored.along
        return scores

    def _products(self, asked: np.ndarray, totals: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return the inner products of levels, whole numbers as float32 (queries, codes)."""
        bits, levels = self.codec.levels_bits, codes[:, : self.codec.levels_width]
        if bits == 7:
            return _of_bytes(asked, levels)
        if bits == 4:
            odd = np.pad(asked[:, 1::2], ((0, 0), (0, self.codec.dim % 2)))
            return _of_bytes(asked[:, ::2], levels & 15) + _of_bytes(odd, levels >> 4)
        weights = 1 << np.arange(self.codec.query_bits, dtype=np.uint8)
        planes = np.packbits((asked[:, None] & weights[:, None]) > 0, axis=2)
        patterns = numkong.hammings_pack(planes.reshape(-1, planes.shape[2]))
        apart = np.zeros((len(codes), len(asked)), np.float32)
        for place, plane in enumerate(np.split(levels, bits, axis=1)):
            distances = np.asarray(numkong.hammings_packed(plane, patterns)).view(np.int32).astype(np.float32)
            apart += distances.reshape(len(codes), len(asked), -1) @ (weights.astype(np.float32) * (1 << place))
        sums = self.codec.corrections(codes).total * np.float32((1 << self.codec.query_bits) - 1)
        return (sums + totals.astype(np.float32) * ((1 << bits) - 1) - apart.T) / 2


def _of_bytes(asked: np.ndarray, levels: np.ndarray) -> np.ndarray:
    packed = numkong.dots_pack(np.ascontiguousarray(asked), dtype="uint8")
    return np.asarray(numkong.dots_packed(levels, packed)).T.astype(np.float32)
