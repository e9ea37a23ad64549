"""The programs that run a model, one a file, behind one interface."""

from collections.abc import Callable, Sequence, Sized
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from embquant.embedding.backends.onnx import OnnxBackend
from embquant.embedding.backends.openvino import OpenVinoBackend
from embquant.embedding.backends.torch import TorchBackend


class Backend(Protocol):
    """Runs one model. ``dim`` is the length of its vectors."""

    dim: int

    def tokenize(self, texts: Sequence[str], prompt: str) -> Sequence[Sized]:
        """Turn texts, each with ``prompt`` before it, into what ``embed`` takes; the length is its cost in tokens."""

    def embed(self, inputs: Sequence[Any]) -> np.ndarray:
        """Return the vectors (float32, (inputs, dim)) of one batch."""


BACKENDS: dict[str, Callable[[dict[str, Any], Path, int], Backend]] = {
    "openvino": OpenVinoBackend,
    "onnx": OnnxBackend,
    "torch": TorchBackend,
}


def load_backend(model: dict[str, Any], folder: Path, threads: int) -> Backend:
    """Load what model.json (its content ``model``, lying in ``folder``) says, to run on ``threads`` threads."""
    return BACKENDS[model["backend"]](model, folder, threads)
