"""Codes in FAISS inverted lists: a query is compared only with the lists of the nearest centroids."""

from abc import abstractmethod
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import faiss
import numpy as np
from pydantic import Field

from embquant.entries import Entry
from embquant.exact.threads import limit_faiss_threads
from embquant.exact.topk import found_by_faiss
from embquant.indexes.base import Index, Quantizer
from embquant.indexes.faiss_files import read, search
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import CodecSpec
from embquant.quantize.codecs.float32 import Float32
from embquant.quantize.codecs.pq import ProductQuantization
from embquant.quantize.extent import Extent

ROW_BYTES = 8
"""Bytes of a document's row number in its list, and of a list's size."""


class IvfBuild(Entry):
    """How lists are built.

    By default there are 4 times as many lists as the square root of the number of documents. The centroids are found on
    no fewer documents than there are lists.
    """

    lists: Annotated[int, Field(ge=1)] | None = Field(
        None, description="number of centroids; default: 4·√n for n documents"
    )
    training: int = Field(50_000, ge=1, description="number of documents that the centroids are fitted on")
    seed: int = Field(0, ge=0, description="draws the training documents and the first centroids")

    def count(self, documents: int) -> int:
        """Return the number of lists for as many documents."""
        return min(documents, self.lists or round(4 * documents**0.5))


class IvfSearch(Entry):
    """How lists are searched."""

    nprobe: int = Field(8, ge=1, description="lists searched per query")


class Ivf(Index[Quantizer]):
    """Puts each code into the list of the nearest centroid and searches the lists of the ``nprobe`` nearest ones.

    Sivic and Zisserman 2003, "Video Google"; Jégou et al. 2011, "Product Quantization for Nearest Neighbor Search".
    The codes are the codec's own, not residuals, so that any loss beyond the codec's is due to the lists.
    """

    has_overhead = True
    learns = True
    build_parameters = IvfBuild
    search_parameters = IvfSearch
    breadth = "nprobe"
    engine = "faiss"

    index_type: ClassVar[type[Any]]
    """The FAISS class of the index."""

    def __init__(self, index: Any, threads: int) -> None:
        """Search ``index`` on ``threads`` threads."""
        self._index = index
        self._threads = threads

    @classmethod
    def file_bytes(cls, documents: int, codec: CodecSpec, dim: int, build: IvfBuild) -> float:
        """Return the bytes of codes and row numbers, of centroids and of what the codec has learned."""
        lists = build.count(documents) * (cls.centroid_bytes(codec, dim) + ROW_BYTES)
        return documents * (codec.code_bytes(dim) + ROW_BYTES) + lists + codec.learned_bytes(dim)

    @classmethod
    def obstacle(cls, codec: CodecSpec, extent: Extent, build: IvfBuild) -> str | None:
        """Say that there are fewer documents than lists, or that centroids can't be found; None if not."""
        lists = build.lists or build.count(extent.documents)
        if lists > extent.fitted_on:
            return f"{extent.fitted_on} documents can't fill {lists} lists; set fewer lists, or none"
        return cls.centroids_obstacle(extent)

    @classmethod
    def centroids_obstacle(cls, extent: Extent) -> str | None:
        """Say why centroids of such vectors can't be found; None if they can."""
        return extent.squares_overflow() or extent.squares_vanish()

    @classmethod
    def centroid_bytes(cls, codec: CodecSpec, dim: int) -> int:
        """Return the bytes of a list's centroid."""
        return 4 * codec.quantized_dim(dim)

    @classmethod
    def build(cls, codec: Quantizer, codes: Batches, path: Path, parameters: IvfBuild) -> None:
        """Find the centroids on ``codes.sample``, and put each code into the list of the nearest one."""
        lists = parameters.count(codes.rows)
        means = faiss.Kmeans(
            codec.dim, lists, niter=10, seed=1234 + parameters.seed, min_points_per_centroid=1, spherical=True
        )
        decoded = codes.map(codec.decode, codec.dim).sample
        with limit_faiss_threads(1):
            means.train(decoded.draw(max(lists, parameters.training), parameters.seed))
            index = cls.empty(codec, means.centroids)
            index.is_trained = True
            for batch in codes:
                index.add(np.ascontiguousarray(cls.added(codec, batch)))
        write = faiss.write_index_binary if isinstance(index, faiss.IndexBinary) else faiss.write_index
        write(index, str(path))

    @classmethod
    @abstractmethod
    def empty(cls, codec: Quantizer, centroids: np.ndarray) -> Any:
        """Return a FAISS index without codes, with ``centroids``, float32 (lists, dim)."""

    @classmethod
    def added(cls, codec: Quantizer, codes: np.ndarray) -> np.ndarray:
        """Return what FAISS is given to store ``codes``: the decoded vectors, which it encodes again."""
        return codec.decode(codes)

    @classmethod
    def open(cls, path: Path, codec: Quantizer, threads: int, parameters: IvfSearch, mapped: bool = False) -> Self:
        """Open a FAISS IVF index, in memory: one that was cut off crashes FAISS's reader of mapped files."""
        index = read(path, cls.index_type, codec.dim)
        index.nprobe = min(parameters.nprobe, index.nlist)
        return cls(index, threads)

    def __len__(self) -> int:
        """Return the number of documents."""
        return int(self._index.ntotal)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inner products and rows."""
        return found_by_faiss(*search(self._index, queries, k, self._threads))


class IvfFlat(Ivf[Float32]):
    """float32 vectors in lists; a score is the inner product."""

    index_type = faiss.IndexIVFFlat

    @classmethod
    def empty(cls, codec: Float32, centroids: np.ndarray) -> faiss.IndexIVFFlat:
        """Return a FAISS ``IndexIVFFlat``."""
        return faiss.IndexIVFFlat(_flat(centroids), codec.dim, len(centroids), faiss.METRIC_INNER_PRODUCT)


class IvfPq(Ivf[ProductQuantization]):
    """A product quantizer's codes in lists; a score is the inner product with the decoded code."""

    index_type = faiss.IndexIVFPQ

    @classmethod
    def empty(cls, codec: ProductQuantization, centroids: np.ndarray) -> faiss.IndexIVFPQ:
        """Return a FAISS ``IndexIVFPQ`` with the codec's own quantizer."""
        pq = codec.index.pq
        index = faiss.IndexIVFPQ(
            _flat(centroids), codec.dim, len(centroids), pq.M, pq.nbits, faiss.METRIC_INNER_PRODUCT
        )
        index.by_residual = False
        index.pq = pq
        return index


def _flat(centroids: np.ndarray) -> faiss.IndexFlatIP:
    """Return the index that finds the centroids nearest to a query."""
    quantizer = faiss.IndexFlatIP(centroids.shape[1])
    quantizer.add(centroids)
    return quantizer
