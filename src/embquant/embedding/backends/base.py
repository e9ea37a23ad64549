"""What runs a model, and what others must know of it."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence, Sized
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class Backend(ABC):
    """Runs one model."""

    packages: ClassVar[tuple[str, ...]] = ()
    """Packages that it imports, as they are called in Python and by pip."""

    precisions: ClassVar[Collection[str]] = ("float32",)
    """Precisions that it computes in: the model's ``dtype``."""

    dim: int
    """Dimensions of the vectors."""

    def __init__(self, model: dict[str, Any], folder: Path, threads: int) -> None:
        """Load the model: ``model`` is the content of model.json, which lies in ``folder``; run on ``threads``."""
        self.dim = model["dim"]

    @classmethod
    def obstacle(cls, original: "SentenceTransformer") -> str | None:
        """Say why it can't run ``original``; None if it can, as far as is known before it is tried."""
        return None

    @classmethod  # noqa: B027  (a backend that needs no files writes none)
    def convert(cls, original: "SentenceTransformer", folder: Path) -> None:
        """Write the files that it needs of ``original`` (one without an obstacle, on CPU) into ``folder``."""

    @abstractmethod
    def tokenize(self, texts: Sequence[str], prompt: str) -> Sequence[Sized]:
        """Turn texts, each with ``prompt`` before it, into what ``embed`` takes; the length is its cost in tokens."""

    @abstractmethod
    def embed(self, inputs: Sequence[Any]) -> np.ndarray:
        """Return the vectors (float32, (inputs, dim)) of one batch."""
