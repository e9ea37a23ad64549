"""What every codec can do."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Self
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa

from embquant.artifacts import atomic_path
from embquant.errors import InputError
from embquant.records import checked
from embquant.spec import NoParameters
from embquant.transforms.base import Sample, Transform


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
    from embquant.codecs import codec_class
    from embquant.codecs.transformed import TransformedCodec

    try:
        with np.load(checked(path), allow_pickle=False) as file:
            state = {name: file[name] for name in file.files}
        transform = Transform.from_state(state)
        codec = codec_class(str(state.pop("family"))).from_state(state)
    except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, RuntimeError, BadZipFile) as error:
        raise InputError(f"{path}: not the state of a codec ({error}); delete it and run again") from None
    return TransformedCodec(transform, codec) if transform else codec
