"""The programs that run a model, one per file, behind one interface."""

from pathlib import Path
from typing import Any

from embquant.embedding.backends.base import Backend
from embquant.registry import Registry

TORCH = "torch"
"""The backend that runs any model, as sentence-transformers does."""

BACKENDS: Registry[type[Backend]] = Registry(
    "backend",
    "embquant.backends",
    {
        "openvino": "embquant.embedding.backends.openvino:OpenVinoBackend",
        "onnx": "embquant.embedding.backends.onnx:OnnxBackend",
        TORCH: "embquant.embedding.backends.torch:TorchBackend",
    },
)
"""Backends in the order that ``auto`` tries them on a CPU, up to torch.

OpenVINO is fastest; ONNX Runtime about as fast as torch, a tenth more or less, but its jobs start seconds sooner in a
quarter of the memory. Measured in docs/embedding.md.
"""


def load_backend(model: dict[str, Any], folder: Path, threads: int) -> Backend:
    """Load what model.json (its content ``model``, lying in ``folder``) says, to run on ``threads`` threads."""
    return BACKENDS[model["backend"]](model, folder, threads)


__all__ = ["BACKENDS", "TORCH", "Backend", "load_backend"]
