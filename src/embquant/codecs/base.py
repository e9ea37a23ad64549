"""What every codec can do."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa

from embquant.artifacts import atomic_path
from embquant.errors import InputError
from embquant.spec import NoParameters


@dataclass(frozen=True)
class Sample:
    """The corpus embeddings a codec is fitted on, readable as often as wanted.

    ``batches()`` yields float32 arrays of shape (rows, dim); together they have ``rows`` rows.
    """

    source: Any
    rows: int
    dim: int

    def batches(self) -> Iterator[np.ndarray]:
        """Read the sample from its start."""
        return self.source()


class Codec(ABC):
    """Stores float32 vectors of ``dim`` dimensions as codes, and scores queries against codes."""

    family: ClassVar[str]
    bits: ClassVar[float]
    """Bits a dimension: the fineness by which rescore stores are compared with methods."""
    column: ClassVar[str] = "code"
    """The column of a codes file that holds the codes."""
    scorings: ClassVar[tuple[str, ...]]
    """The ways a query can be compared with codes in an index, the default first: ``symmetric`` (the query
    is quantized as the documents are) or ``asymmetric`` (it is not)."""

    parameters: ClassVar[type] = NoParameters
    """The dataclass of what its entry in the configuration may say, beside the family."""

    dim: int

    @classmethod
    @abstractmethod
    def fit(cls, sample: Sample, parameters: Any) -> Self:
        """Fit the codec on ``sample``; ``parameters`` is an instance of the class's :attr:`parameters`."""

    @abstractmethod
    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """Encode float32 vectors (rows, dim) to codes (rows, width)."""

    @abstractmethod
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the float32 vectors (rows, dim) that ``codes`` (rows, width) stand for."""

    @abstractmethod
    def encode_queries(self, queries: np.ndarray, scoring: str) -> np.ndarray:
        """Turn float32 queries (rows, dim) into what an index of these codes is searched with."""

    @abstractmethod
    def score(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Score codes (queries, candidates, width) by float32 queries (queries, dim).

        Returns float64 (queries, candidates): the inner product of the query with the decoded code, summed in
        an order that depends on nothing but the two vectors, so that equal codes score equal.
        """

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
        """Return the arrays that :meth:`from_state` rebuilds the codec from, bit for bit."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> Self:
        """Rebuild the codec from the arrays of :meth:`state`."""

    def save(self, path: Path) -> None:
        """Write the codec's state as an ``.npz`` file."""
        with atomic_path(path) as temporary:
            np.savez(temporary, family=np.array(self.family), **self.state())


class UnfittedCodec(Codec):
    """A codec that needs to know nothing of the corpus but the number of dimensions."""

    def __init__(self, dim: int) -> None:
        """Take vectors of ``dim`` dimensions."""
        self.dim = dim

    @classmethod
    def fit(cls, sample: Sample, parameters: NoParameters) -> Self:
        """Note the number of dimensions."""
        return cls(sample.dim)

    def state(self) -> dict[str, np.ndarray]:
        """The number of dimensions."""
        return {"dim": np.array(self.dim)}

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> Self:
        """Read the number of dimensions."""
        return cls(int(state["dim"]))


def load_codec(path: Path) -> Codec:
    """Read a codec that :meth:`Codec.save` wrote; anything else is an InputError."""
    from embquant.codecs import codec_class

    try:
        with np.load(path, allow_pickle=False) as file:
            state = {name: file[name] for name in file.files}
        return codec_class(str(state.pop("family"))).from_state(state)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, BadZipFile) as error:
        raise InputError(f"{path}: not the state of a codec ({error}); delete it and run again") from None
