"""ONNX Runtime on CPU: the model's graph, converted by torch's exporter from its module."""

import logging
import os
import warnings
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np

from embquant.embedding.backends.graph import GraphBackend, traceable

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

GRAPH = "graph.onnx"

OPSET = 23
"""The first with attention as one operation: computed from its pieces, long texts take a sixth longer."""


class OnnxBackend(GraphBackend):
    """A graph in ONNX's format."""

    packages = ("onnxruntime", "onnx", "onnxscript")

    def __init__(self, model: dict[str, Any], folder: Path, threads: int) -> None:
        """Load the graph in ``folder`` for ``threads`` threads."""
        super().__init__(model, folder, threads)
        onnxruntime = _import_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Threads that wait for work by spinning take the cores of the processes beside this one.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(folder / GRAPH, options, providers=["CPUExecutionProvider"])

    def infer(self, input_ids: np.ndarray, attention_mask: np.ndarray) -> np.ndarray:
        """Run the graph."""
        return self._session.run(None, {"input_ids": input_ids, "attention_mask": attention_mask})[0]

    @classmethod
    def write_graph(cls, original: "SentenceTransformer", folder: Path) -> None:
        """Write ``original`` as an ONNX graph, its weights beside it, into ``folder``."""
        import torch

        logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns that torchvision is missing
        module, example = traceable(original)
        axes = {0: "texts", 1: "tokens"}
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's; the result is compared with the original afterwards
            torch.onnx.export(
                module,
                kwargs=example,
                f=folder / GRAPH,
                input_names=list(example),
                dynamic_shapes=dict.fromkeys(example, axes),
                opset_version=OPSET,
                dynamo=True,  # the older exporter makes constants of some shapes and masks
                verbose=False,
            )


def _import_onnxruntime() -> ModuleType:
    """Import ONNX Runtime without its telemetry, which is on by default."""
    # Its own function for it can be called only after the import, which leaves an identifier of the machine on disk.
    with mock.patch.dict(os.environ, ORT_DISABLE_TELEMETRY="1"):
        return import_module("onnxruntime")
