"""Scalar quantizers of FAISS: half-precision floats, and 8, 6 or 4 bits over the range of each dimension."""

from typing import ClassVar, Self

import faiss
import numpy as np

from embquant.entries import NoParameters
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.faiss_codes import FaissCodec
from embquant.quantize.codecs.ranges import RangeParameters, fit_ranges, range_obstacle
from embquant.quantize.extent import Extent


class _HalfPrecision(FaissCodec):
    index_type = faiss.IndexScalarQuantizer
    quantizer: ClassVar[int]
    least: ClassVar[float]
    """The least number above 0."""
    greatest: ClassVar[float]

    @classmethod
    def bits(cls, parameters: NoParameters) -> float:
        """Return 16."""
        return 16

    @classmethod
    def obstacle(cls, parameters: NoParameters, extent: Extent) -> str | None:
        """Say that a value becomes infinite, or that all become 0; None if not."""
        return extent.outside(cls.least, cls.greatest, cls.family)

    @classmethod
    def learns(cls, parameters: NoParameters) -> bool:
        """Return False."""
        return False

    @classmethod
    def fit(cls, sample: Batches, parameters: NoParameters) -> Self:
        """Note the number of dimensions."""
        return cls(_index(sample.dim, cls.quantizer, np.zeros(0, np.float32)))


class Float16(_HalfPrecision):
    """IEEE half precision: 11 significant bits."""

    family = "float16"
    quantizer = faiss.ScalarQuantizer.QT_fp16
    least, greatest = float(np.finfo(np.float16).smallest_subnormal), float(np.finfo(np.float16).max)


class BFloat16(_HalfPrecision):
    """The upper half of a float32: 8 significant bits. FAISS rounds queries in the same way."""

    family = "bfloat16"
    quantizer = faiss.ScalarQuantizer.QT_bf16
    least, greatest = 2.0**-126, (2 - 2.0**-7) * 2.0**127

    def encode_queries(self, queries: np.ndarray, scoring: str) -> np.ndarray:
        """Return the queries, float32, rounded."""
        return self.decode(self.encode(queries))


class _Steps(FaissCodec):
    """Equal steps over the range of each dimension; a code stands for the middle of its step."""

    parameters = RangeParameters
    index_type = faiss.IndexScalarQuantizer
    quantizer: ClassVar[int]
    width: ClassVar[int]

    @classmethod
    def bits(cls, parameters: RangeParameters) -> float:
        """Return the bits that number the steps."""
        return cls.width

    @classmethod
    def obstacle(cls, parameters: RangeParameters, extent: Extent) -> str | None:
        """Say that a range or its steps are no float32 numbers; None if they are."""
        return range_obstacle(extent, 1 << cls.width)

    @classmethod
    def fit(cls, sample: Batches, parameters: RangeParameters) -> Self:
        """Take each dimension's range."""
        low, high = fit_ranges(sample, parameters)
        return cls(_index(sample.dim, cls.quantizer, np.concatenate([low, high - low])))

    def clipped(self, vectors: np.ndarray) -> int:
        """Count the values outside of the ranges, as FAISS compares them."""
        low, width = faiss.vector_to_array(self.index.sq.trained).reshape(2, self.dim)
        distances = vectors - low
        return int(np.count_nonzero((distances < 0) | (distances > width)))


class UInt8(_Steps):
    """256 steps, the codes that sentence-transformers calls uint8."""

    family = "uint8"
    quantizer = faiss.ScalarQuantizer.QT_8bit
    width = 8


class Int6(_Steps):
    """64 steps, four to three bytes."""

    family = "int6"
    quantizer = faiss.ScalarQuantizer.QT_6bit
    width = 6


class Int4(_Steps):
    """16 steps, two to a byte."""

    family = "int4"
    quantizer = faiss.ScalarQuantizer.QT_4bit
    width = 4


def _index(dim: int, quantizer: int, trained: np.ndarray) -> faiss.IndexScalarQuantizer:
    index = faiss.IndexScalarQuantizer(dim, quantizer, faiss.METRIC_INNER_PRODUCT)
    faiss.copy_array_to_vector(trained.astype(np.float32, copy=False), index.sq.trained)
    index.is_trained = True
    return index
