"""What every codec can do."""

import struct
import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa

from embquant.entries import NoParameters
from embquant.errors import InputError
from embquant.files.atomic import UNREADABLE_NPY, atomic_path
from embquant.files.records import checked
from embquant.quantize.transforms.base import Sample, Transform


class Codec(ABC):
    """Stores float32 vectors as codes, and scores queries against codes."""

    family: str
    column: str = "code"
    """The column of a codes file that holds the codes."""
    scorings: tuple[str, ...]
    """The ways a query can be compared with codes in an index, the default first: ``symmetric`` (the query
    is quantized as the documents are) or ``asymmetric`` (it is not)."""
    dim: int
    """Dimensions of the vectors that are quantized, which indexes are told."""

    @abstractmethod
    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """Encode float32 vectors (rows, input dim) to codes (rows, width)."""

    @abstractmethod
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the float32 vectors (rows, dim) that ``codes`` (rows, width) stand for."""

    @abstractmethod
    def encode_queries(self, queries: np.ndarray, scoring: str) -> np.ndarray:
        """Turn float32 queries (rows, input dim) into what an index of these codes is searched with."""

    @abstractmethod
    def score(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Score codes (queries, candidates, width) by float32 queries (queries, input dim).

        Returns float64 (queries, candidates): the inner product of the query with the decoded code, summed in
        an order that depends on nothing but the two vectors, so that equal codes score equal.
        """

    def scan(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Score all ``codes`` (rows, width) by what :meth:`encode_queries` made of float queries, quickly.

        Returns float32 (queries, rows), as :meth:`score` up to rounding and, behind a transform, a constant a query.
        """
        return queries @ self.decode(codes).T

    @property
    def input_dim(self) -> int:
        """Dimensions of the embeddings that it takes."""
        return self.dim

    @property
    def core(self) -> "Codec":
        """The codec that indexes deal with: what is left once queries and documents are transformed."""
        return self

    @property
    @abstractmethod
    def code_type(self) -> pa.DataType:
        """The Arrow type of one code."""

    @property
    @abstractmethod
    def bytes_per_vector(self) -> int:
        """Bytes of one code."""

    @abstractmethod
    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays that :func:`load_codec` rebuilds the codec from, bit for bit."""

    def save(self, path: Path) -> None:
        """Write the codec's state as an ``.npz`` file."""
        with atomic_path(path) as temporary:
            np.savez(temporary, family=np.array(self.family), **self.state())


class Family(Codec):
    """A codec that a configuration can name."""

    parameters: ClassVar[type] = NoParameters
    """The dataclass of what its entry in the configuration may say, beside family and transform."""

    @classmethod
    @abstractmethod
    def bits(cls, parameters: Any) -> float:
        """Return the bits a dimension: the fineness by which rescore stores are compared with methods."""

    @classmethod
    @abstractmethod
    def fit(cls, sample: Sample, parameters: Any) -> Self:
        """Fit the codec on ``sample``; ``parameters`` is an instance of the class's :attr:`parameters`."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> Self:
        """Rebuild the codec from the arrays of :meth:`Codec.state`."""


def load_codec(path: Path) -> Codec:
    """Read a codec that :meth:`Codec.save` wrote; anything else is an InputError."""
    from embquant.quantize.codecs import codec_class
    from embquant.quantize.codecs.transformed import TransformedCodec

    try:
        state = _read_state(checked(path))
        transform = Transform.from_state(state)
        codec = codec_class(str(state.pop("family"))).from_state(state)
        if transform and transform.dim != codec.dim:
            raise ValueError(f"a transform to {transform.dim} dimensions before a codec of {codec.dim}")
    except (OSError, MemoryError, *UNREADABLE) as error:
        raise InputError(f"{path}: not the state of a codec ({error}); delete it and run again") from None
    return TransformedCodec(transform, codec) if transform else codec


UNREADABLE = (*UNREADABLE_NPY, KeyError, TypeError, IndexError, RuntimeError, BadZipFile, struct.error, zlib.error)
"""What zipfile, NumPy and FAISS raise for files that are none of theirs."""


def _read_state(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of an ``.npz`` file, which :meth:`Codec.save` doesn't compress: none is larger than the file."""
    with np.load(path, allow_pickle=False) as file:
        if not isinstance(file, np.lib.npyio.NpzFile) or any(own.compress_type for own in file.zip.infolist()):
            raise ValueError("expected an .npz file that isn't compressed")
        return {name: file[name] for name in file.files}


def array_of(state: Mapping[str, np.ndarray], name: str, dtype: type, *shape: int | None) -> np.ndarray:
    """Return an array of a codec's state, which must have this type and shape (None: any length but 0)."""
    array = state[name]
    fits = len(array.shape) == len(shape) and all(
        length > 0 if wanted is None else length == wanted for length, wanted in zip(array.shape, shape, strict=True)
    )
    if array.dtype != dtype or not fits:
        raise ValueError(f"{name} is {array.dtype} {array.shape}")
    return array
