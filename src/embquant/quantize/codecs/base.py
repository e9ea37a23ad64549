"""What every codec can do."""

import math
import struct
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self
from zipfile import BadZipFile

import numpy as np

from embquant.entries import NoParameters
from embquant.exact.products import inner_products
from embquant.files.atomic import UNREADABLE_NPY, atomic_path
from embquant.quantize.batches import Batches
from embquant.quantize.extent import Extent

if TYPE_CHECKING:
    import pyarrow as pa


class Codec(ABC):
    """Stores float32 vectors as codes, and scores queries against codes."""

    family: str
    scorings: tuple[str, ...]
    """The ways an index can compare a query with codes, the default first: ``symmetric`` (the query is quantized like
    the documents) or ``asymmetric`` (it is not)."""
    dim: int
    """Dimensions of the vectors that are quantized, after a transform."""

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

    def mapped(self, vectors: np.ndarray) -> np.ndarray:
        """Return what :attr:`core` encodes of float32 vectors (rows, input dim), float32 (rows, dim)."""
        return vectors

    def clipped(self, vectors: np.ndarray) -> int | None:
        """Count the values of float32 vectors (rows, dim), as :attr:`core` gets them, outside of the fitted range.

        Such a value gets the code of an end of the range. None where a codec has no range.
        """
        return None

    def scan(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Score all ``codes`` (rows, width) quickly, by what :meth:`encode_queries` made of float queries.

        Returns float32 (queries, rows): equal to :meth:`score` up to rounding and, with a transform, up to a constant
        per query.
        """
        return queries @ self.decode(codes).T

    @property
    def scans(self) -> tuple[Callable[[np.ndarray, np.ndarray], np.ndarray], ...]:
        """The ways to scan, equal up to rounding, of which a search uses the fastest on the machine at hand."""
        return (self.scan,)

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
    def code_type(self) -> "pa.DataType":
        """The Arrow type of one code."""

    @property
    @abstractmethod
    def bytes_per_vector(self) -> int:
        """Bytes of one code."""

    @property
    def width(self) -> int:
        """Columns of an array of codes (rows, width)."""
        kind = self.code_type
        return int(kind.list_size if hasattr(kind, "list_size") else kind.byte_width)

    @abstractmethod
    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays that :func:`load_codec` rebuilds the codec from, bit for bit."""

    def save(self, path: Path) -> None:
        """Write the codec's state as an ``.npz`` file."""
        arrays: dict[str, Any] = {"family": np.array(self.family), **self.state()}
        with atomic_path(path) as temporary:
            np.savez(temporary, **arrays)


class Family(Codec):
    """A codec that a configuration can name: its entry says ``family`` and what :attr:`parameters` has.

    One that learns nothing and is compared with float queries needs no more than ``family``, ``bits``, ``encode`` and
    ``decode``.
    """

    scorings: tuple[str, ...] = ("asymmetric",)

    exact_scoring: ClassVar[str] = "asymmetric"
    """The scoring by which an index gives the numbers of :meth:`score`, where queries are such codes, decoded."""

    parameters: ClassVar[type] = NoParameters
    """What its entry in the configuration may say, beside ``family`` and ``transform``."""

    @classmethod
    @abstractmethod
    def bits(cls, parameters: Any) -> float:
        """Return the bits per dimension. A rescore store is only used where it has as many as the method, or more."""

    @classmethod
    def code_bytes(cls, parameters: Any, dim: int) -> int:
        """Return the bytes of the code of a vector of ``dim`` dimensions, before the codec is fitted."""
        return math.ceil(dim * cls.bits(parameters) / 8)

    @classmethod
    def state_bytes(cls, parameters: Any, dim: int) -> int:
        """Return the bytes of what is learned of vectors of ``dim`` dimensions; 0 if these are a few kB at most."""
        return 0

    @classmethod
    def obstacle(cls, parameters: Any, extent: Extent) -> str | None:
        """Say what keeps the codec from being fitted on such vectors, or from holding their values; None if nothing.

        A study asks before it embeds, when ``extent`` has the number of vectors and their dimensions alone, and again
        when the vectors are there.
        """
        return None

    @classmethod
    def learns(cls, parameters: Any) -> bool:
        """Tell whether the codec depends on the values that it is fitted on; by default, if it has its own ``fit``."""
        return cls.fit.__func__ is not Family.fit.__func__  # type: ignore[attr-defined]

    @classmethod
    def precision(cls, parameters: Any) -> str | None:
        """Return the precision in which the model's provider has made the codes; None if they are encoded here."""
        return None

    @classmethod
    def fit(cls, sample: Batches, parameters: Any) -> Self:
        """Fit the codec on the vectors ``sample``; ``parameters`` is an instance of :attr:`parameters`.

        By default nothing is learned but the number of dimensions.
        """
        return cls(sample.dim)

    def __init__(self, dim: int) -> None:
        """Take vectors of ``dim`` dimensions."""
        self.dim = dim

    def encode_queries(self, queries: np.ndarray, scoring: str) -> np.ndarray:
        """Return the queries themselves, as asymmetric scoring wants them."""
        return queries

    def score(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return the inner products of queries with decoded codes."""
        decoded = self.decode(codes.reshape(-1, codes.shape[-1]))
        return inner_products(queries, decoded.reshape(*codes.shape[:2], self.dim))

    @property
    def code_type(self) -> "pa.DataType":
        """Bytes where codes are uint8, a list of numbers otherwise."""
        import pyarrow as pa  # most commands that open a codec do without Arrow

        width = self._code.shape[1]
        return (
            pa.binary(width) if self._code.dtype == np.uint8 else pa.list_(pa.from_numpy_dtype(self._code.dtype), width)
        )

    @property
    def bytes_per_vector(self) -> int:
        """As many as the code of a vector has."""
        return self._code.nbytes

    @cached_property
    def _code(self) -> np.ndarray:
        """The code of a vector of zeros, which shows the type and the width of all codes."""
        with np.errstate(all="ignore"):
            return self.encode(np.zeros((1, self.dim), np.float32))

    def state(self) -> dict[str, np.ndarray]:
        """Return the number of dimensions."""
        return {"dim": np.array(self.dim)}

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> Self:
        """Rebuild the codec from the arrays of :meth:`state`; a ValueError says why it can't be."""
        dim = int(array_of(state, "dim", np.int64))
        if not 0 < dim < 1 << 31:
            raise ValueError(f"dim is {dim}")
        return cls(dim)


class Estimates(Family):
    """A codec that scores by an estimate ⟨q, x̂⟩ + o, with a vector x̂ and an offset o for each code."""

    @abstractmethod
    def estimator(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return x̂ (rows, dim) and o (rows,) of ``codes`` (rows, width), both float32."""

    def scan(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return the estimates for all ``codes`` (rows, width), float32 (queries, rows)."""
        vectors, offsets = self.estimator(codes)
        return queries @ vectors.T + offsets

    def score(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return the estimates for each query's ``codes``, float64 (queries, candidates)."""
        vectors, offsets = self.estimator(codes.reshape(-1, codes.shape[-1]))
        shape = codes.shape[:2]
        return inner_products(queries, vectors.reshape(*shape, self.dim)) + offsets.reshape(shape)


UNREADABLE_STATE = (
    *UNREADABLE_NPY,
    KeyError,
    TypeError,
    IndexError,
    RuntimeError,
    BadZipFile,
    struct.error,
    zlib.error,
)
"""What zipfile, NumPy and FAISS raise for files that they can't read."""


def read_state(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of an ``.npz`` file, which :meth:`Codec.save` doesn't compress: none is larger than the file."""
    with np.load(path, allow_pickle=False) as file:
        members = file.zip.infolist() if isinstance(file, np.lib.npyio.NpzFile) and file.zip else None
        if members is None or any(member.compress_type for member in members):
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
