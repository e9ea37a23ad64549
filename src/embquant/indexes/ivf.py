"""Codes in FAISS inverted lists: a query looks at those of the nearest centroids alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np

from embquant.errors import InputError
from embquant.exact.topk import found_by_faiss
from embquant.indexes.base import Codes, Index
from embquant.indexes.faiss_files import damaged, padded, read
from embquant.indexes.graphs import check_lists
from embquant.quantize.codecs.base import Codec
from embquant.quantize.transforms.base import Sample


@dataclass(frozen=True)
class IvfBuild:
    """``lists``: centroids, the square root of the number of documents times 4 by default; ``training``: documents,
    drawn with ``seed``, that they are found on, no fewer than lists."""

    lists: int | None = None
    training: int = 50_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that can't be meant."""
        if (self.lists is not None and self.lists < 1) or self.training < 1 or self.seed < 0:
            raise InputError("lists and training must be 1 or more, seed 0 or more")


@dataclass(frozen=True)
class IvfSearch:
    """``nprobe``: lists looked at."""

    nprobe: int = 8

    def __post_init__(self) -> None:
        """Refuse to look nowhere."""
        if self.nprobe < 1:
            raise InputError("nprobe must be 1 or more")


class Ivf(Index):
    """Searches float32 vectors or product quantizer's codes by inner product, bits by Hamming distance.

    Sivic and Zisserman 2003, "Video Google"; Jégou et al. 2011, "Product Quantization for Nearest Neighbor Search".
    The codes are the codec's own, not residuals, so that what is lost beyond them is the lists' doing.
    """

    exact = False
    build_parameters = IvfBuild
    search_parameters = IvfSearch
    engine = "faiss"

    def __init__(self, index: Any, threads: int) -> None:
        """Search ``index`` on ``threads`` threads."""
        self._index = index
        self._threads = threads

    @classmethod
    def build(cls, codec: Codec, codes: Codes, path: Path, parameters: IvfBuild) -> None:
        """Find the centroids, and put each code into the list of the nearest one."""
        faiss.omp_set_num_threads(1)
        lists = min(len(codes), parameters.lists or round(4 * len(codes) ** 0.5))
        decoded = Sample(lambda: map(codec.decode, codes), len(codes), codec.dim)
        means = faiss.Kmeans(
            codec.dim, lists, niter=10, seed=1234 + parameters.seed, min_points_per_centroid=1, spherical=True
        )
        means.train(decoded.draw(max(lists, parameters.training), parameters.seed))
        index = _empty(codec, means.centroids)
        for batch in codes:
            index.add(np.ascontiguousarray(_held(codec, batch)))
        write = faiss.write_index_binary if codec.family == "binary" else faiss.write_index
        write(index, str(path))

    @classmethod
    def open(cls, path: Path, codec: Codec, threads: int, parameters: IvfSearch, mapped: bool = False) -> Self:
        """Open a FAISS IVF index, in memory: one that was cut off crashes FAISS's reader of mapped files."""
        kind, dim = KINDS[codec.family], codec.dim
        if codec.family == "binary":
            index = read(path, kind, faiss.read_index_binary, padded(dim), mapped=False)
        else:
            index = read(path, kind, faiss.read_index, dim, mapped=False)
        with damaged(path):
            check_lists(index, codec.family == "binary")
        index.nprobe = min(parameters.nprobe, index.nlist)
        return cls(index, threads)

    def __len__(self) -> int:
        """Return the number of documents."""
        return self._index.ntotal

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inner products, or negative distances of bits, and rows."""
        faiss.omp_set_num_threads(self._threads)
        scores, rows = self._index.search(np.ascontiguousarray(queries), min(k, len(self)))
        return found_by_faiss(-scores.astype(np.float64) if queries.dtype == np.uint8 else scores, rows)


KINDS = {"float32": faiss.IndexIVFFlat, "pq": faiss.IndexIVFPQ, "binary": faiss.IndexBinaryIVF}


def _empty(codec: Codec, centroids: np.ndarray) -> Any:
    """Return a trained index without codes."""
    if codec.family == "binary":
        quantizer = faiss.IndexBinaryFlat(padded(codec.dim))
        quantizer.add(np.packbits(centroids > 0, axis=1))
        index = faiss.IndexBinaryIVF(quantizer, quantizer.d, len(centroids))
    else:
        quantizer = faiss.IndexFlatIP(codec.dim)
        quantizer.add(centroids)
        shape = (quantizer, codec.dim, len(centroids))
        if codec.family == "pq":
            pq = codec.index.pq
            index = faiss.IndexIVFPQ(*shape, pq.M, pq.nbits, faiss.METRIC_INNER_PRODUCT)
            index.by_residual = False
            index.pq = pq
        else:
            index = faiss.IndexIVFFlat(*shape, faiss.METRIC_INNER_PRODUCT)
    index.is_trained = True
    return index


def _held(codec: Codec, codes: np.ndarray) -> np.ndarray:
    """Return what the index is to be given: bits as they are; else vectors, which a product quantizer encodes again."""
    return codes if codec.family == "binary" else codec.decode(codes)


INDEX = Ivf
