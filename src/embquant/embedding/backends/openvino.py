"""OpenVINO on CPU: the model's graph from tokens to sentence vector, converted straight from its torch module.

Neither torch nor sentence-transformers is needed to run it, which is why embedding jobs start in a second.
"""

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from embquant.embedding.tokens import Tokenizer

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

GRAPH = "graph.xml"
PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}


class OpenVinoBackend:
    """A converted graph and the model's tokenizer."""

    def __init__(self, model: dict[str, Any], folder: Path, threads: int) -> None:
        """Compile the graph in ``folder`` for ``threads`` threads."""
        openvino = _import_openvino()
        self.dim: int = model["dim"]
        self._tokenizer = Tokenizer(folder / "tokenizer.json", model["max_length"], model["pad_id"], threads)
        properties = {
            # Without the hint the plugin computes in bfloat16 where the processor can.
            "INFERENCE_PRECISION_HINT": PRECISIONS[model["dtype"]],
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            # Pinned threads of several processes would all sit on the first core.
            "ENABLE_CPU_PINNING": False,
        }
        self._request = openvino.Core().compile_model(folder / GRAPH, "CPU", properties).create_infer_request()

    def tokenize(self, texts: Sequence[str], prompt: str) -> list[np.ndarray]:
        """Return each text's token ids."""
        return self._tokenizer([prompt + text for text in texts])

    def embed(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """Return the vectors of one batch of token ids."""
        return self._request.infer(dict(enumerate(self._tokenizer.pad(inputs))), share_inputs=True)[0]


def convert(model: "SentenceTransformer", folder: Path) -> None:
    """Write ``model`` (Transformer, Pooling, perhaps Normalize, on CPU) as an OpenVINO graph into ``folder``."""
    import torch

    openvino = _import_openvino()

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            return self.model({"input_ids": input_ids, "attention_mask": attention_mask})["sentence_embedding"]

    example = torch.ones(2, 7, dtype=torch.int64)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's; the result is compared with the original afterwards
        graph = openvino.convert_model(
            Graph().eval(), example_input={"input_ids": example, "attention_mask": example.clone()}
        )
    openvino.save_model(graph, folder / GRAPH, compress_to_fp16=False)


def obstacle(model: "SentenceTransformer") -> str | None:
    """Say why ``model`` can't be converted; None if it can."""
    kinds = [type(module).__name__ for module in model]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        return f"its modules are {', '.join(kinds)}"
    transformer, pooling = model[0], model[1]
    if pooling.pooling_mode not in ("mean", "cls") or not pooling.include_prompt:
        return f"it pools by {pooling.pooling_mode}{'' if pooling.include_prompt else ' without the prompt'}"
    tokenizer = transformer.tokenizer
    if not getattr(tokenizer, "is_fast", False) or tokenizer.padding_side != "right" or tokenizer.pad_token_id is None:
        return "its tokenizer is not a fast one that pads at the right"
    return None


def _import_openvino() -> ModuleType:
    """Import OpenVINO without its telemetry, which would report every conversion unless the user had opted out."""
    sys.modules["openvino_telemetry"] = None  # OpenVINO does without it where it is not installed
    return import_module("openvino")
