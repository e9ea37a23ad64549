"""OpenVINO on CPU: the model's graph, converted straight from its torch module."""

import sys
import warnings
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from embquant.embedding.backends.graph import GraphBackend, traceable

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

GRAPH = "graph.xml"
PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}


class OpenVinoBackend(GraphBackend):
    """A graph in OpenVINO's format."""

    packages = ("openvino",)
    precisions = PRECISIONS

    def __init__(self, model: dict[str, Any], folder: Path, threads: int) -> None:
        """Compile the graph in ``folder`` for ``threads`` threads."""
        super().__init__(model, folder, threads)
        properties = {
            # Without the hint the plugin computes in bfloat16 where the processor can.
            "INFERENCE_PRECISION_HINT": PRECISIONS[model["dtype"]],
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            # Pinned threads of several processes would all sit on the first core.
            "ENABLE_CPU_PINNING": False,
        }
        core = _import_openvino().Core()
        self._request = core.compile_model(folder / GRAPH, "CPU", properties).create_infer_request()

    def infer(self, input_ids: np.ndarray, attention_mask: np.ndarray) -> np.ndarray:
        """Run the graph."""
        return self._request.infer({0: input_ids, 1: attention_mask}, share_inputs=True)[0]

    @classmethod
    def write_graph(cls, original: "SentenceTransformer", folder: Path) -> None:
        """Write ``original`` as an OpenVINO graph into ``folder``."""
        import torch

        openvino = _import_openvino()
        module, example = traceable(original)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracer's; the result is compared with the original afterwards
            # By default the trace is made a second time and compared with the first: a second of work.
            decoder = import_module("openvino.frontend.pytorch.ts_decoder").TorchScriptPythonDecoder
            traced = decoder(module, example_input=example, trace_kwargs={"check_trace": False})
            graph = openvino.convert_model(traced, example_input=example)
        openvino.save_model(graph, folder / GRAPH, compress_to_fp16=False)


def _import_openvino() -> ModuleType:
    """Import OpenVINO without its telemetry, which would report every conversion unless the user had opted out."""
    # OpenVINO does without it where it is not installed.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # None makes its import fail
    return import_module("openvino")
