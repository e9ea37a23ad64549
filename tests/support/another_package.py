"""A package of somebody else's, which a test installs: one kind of each sort, announced as entry points."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from embquant.datasets.collection import CORPUS, QRELS, QUERIES, Collection, Named, batch
from embquant.datasets.spec import DatasetSpec
from embquant.embedding.backends import Backend
from embquant.indexes.flat_any import FlatAny
from embquant.measure.judgements import Judgements
from embquant.measure.metrics import JudgedKind
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import Codec, Family
from embquant.quantize.transforms import Transform, TransformKind
from embquant.report.numbers.measurements import Measurements
from embquant.report.tables.base import ReportTable

ENTRY_POINTS = {
    "embquant.codecs": {"cents": "Cents"},
    "embquant.transforms": {"mirror": "Mirror"},
    "embquant.indexes": {"even/*": "EvenRows"},
    "embquant.sources": {"inline": "Inline"},
    "embquant.backends": {"words": "Words"},
    "embquant.metrics": {"Hit": "Hit"},
    "embquant.tables": {"counts": "Counts"},
}
"""Group of entry points → name → class of this module."""


class Cents(Family):
    """Hundredths in one byte per dimension."""

    family = "cents"

    @classmethod
    def bits(cls, parameters: Any) -> float:
        return 8

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        return np.rint(vectors * 100).clip(-127, 127).astype(np.int8)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return codes.astype(np.float32) / 100


class Mirror(TransformKind):
    """Changes all signs."""

    @classmethod
    def fit(cls, sample: Batches, parameters: Any) -> Transform:
        return Transform(-np.eye(sample.dim, dtype=np.float32), np.zeros(sample.dim, np.float32))


class EvenRows(FlatAny[Codec]):
    """Knows the documents of even rows alone."""

    is_exact = False

    def __init__(self, codes: np.ndarray, codec: Codec, threads: int) -> None:
        super().__init__(np.ascontiguousarray(codes[::2]), codec, threads)
        self._documents = len(codes)

    def __len__(self) -> int:
        return self._documents

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        return self._padded(*super().search(queries, k), k)

    def search_reproducibly(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        return self._padded(*super().search_reproducibly(queries, k), k)

    def _padded(self, scores: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        missing = ((0, 0), (0, min(k, self._documents) - rows.shape[1]))
        return np.pad(scores, missing, constant_values=-np.inf), np.pad(2 * rows, missing, constant_values=-1)


class Inline(DatasetSpec):
    """Documents that stand in the configuration; each is the answer to its first word."""

    source: Literal["inline"] = "inline"
    documents: list[str]

    def open(self, pool: Sequence[Path]) -> Collection:
        ids = [str(row) for row in range(len(self.documents))]
        words = [text.partition(" ")[0] for text in self.documents]
        judged = {"query_id": ids, "doc_id": ids, "relevance": [1] * len(ids)}
        return Collection(
            Named("inline documents", [batch(CORPUS, {"id": ids, "text": self.documents})]),
            Named("inline queries", [batch(QUERIES, {"id": ids, "text": words})]),
            Named("inline judgements", [batch(QRELS, judged)]),
        )


class Words(Backend):
    """Sums a random vector of each word, which is always the same."""

    def tokenize(self, texts: Sequence[str], prompt: str) -> list[list[str]]:
        return [(prompt + text).lower().split() for text in texts]

    def embed(self, inputs: Sequence[list[str]]) -> np.ndarray:
        return np.stack([self._vector(words) for words in inputs])

    def _vector(self, words: list[str]) -> np.ndarray:
        total = sum(np.random.default_rng(zlib.crc32(word.encode())).standard_normal(self.dim) for word in ["", *words])
        return (total / np.linalg.norm(total)).astype(np.float32)


class Hit(JudgedKind):
    """1 if there is a relevant document within the cut-off, else 0."""

    @classmethod
    def of_gains(cls, gains: np.ndarray, judgements: Judgements, cutoff: int) -> np.ndarray:
        return (gains > 0).any(axis=1).astype(np.float64)


class Counts(ReportTable):
    """Number of settings per method."""

    def rows(self, measured: Measurements) -> pd.DataFrame:
        return measured.retrieval.groupby("method", sort=False).size().rename("settings").reset_index()


def install(folder: Path) -> None:
    """Put this module and its entry points into ``folder``, as pip does."""
    (folder / "another_package.py").write_bytes(Path(__file__).read_bytes())
    groups = [
        f"[{group}]\n" + "".join(f"{name} = another_package:{kind}\n" for name, kind in kinds.items())
        for group, kinds in ENTRY_POINTS.items()
    ]
    information = folder / "another_package-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: another-package\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("\n".join(groups))
