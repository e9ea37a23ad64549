"""The programs that run a model, one a file, behind one interface."""

from collections.abc import Sequence, Sized
from pathlib import Path
from typing import Any, Protocol

import numpy as np


class Backend(Protocol):
    """Runs one model. ``dim`` is the length of its vectors."""

    dim: int

    def tokenize(self, texts: Sequence[str], prompt: str) -> Sequence[Sized]:
        """Turn texts, each with ``prompt`` before it, into what ``embed`` takes; the length is its cost in tokens."""

    def embed(self, inputs: Sequence[Any]) -> np.ndarray:
        """Return the vectors (float32, (inputs, dim)) of one batch."""


def load_backend(model: dict[str, Any], folder: Path, threads: int) -> Backend:
    """Load what model.json (its content ``model``, lying in ``folder``) says, to run on ``threads`` threads."""
    if model["backend"] == "openvino":
        from embquant.embedding.backends.openvino import OpenVinoBackend

        return OpenVinoBackend(model, folder, threads)
    from embquant.embedding.backends.torch import TorchBackend

    return TorchBackend(model, threads)
