"""``prepare-model``: find a model, check it, choose its backend and write down what the embedding jobs need."""

import argparse
import logging
import shutil
import tempfile
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embquant.artifacts import write_json
from embquant.embedding.backends import load_backend, openvino
from embquant.embedding.backends.torch import load_model
from embquant.embedding.precomputed import check_files
from embquant.embedding.spec import PrecomputedSpec, TextModelSpec, parse_model
from embquant.embedding.weights import own_prompts, resolve_weights
from embquant.errors import InputError
from embquant.provenance import environment

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)

FAITHFUL = 1e-5
"""Largest |Δ| of any coordinate, against sentence-transformers in float32, that counts as the same model."""

BATCH_TOKENS = {("openvino", "cpu"): 512, ("torch", "cpu"): 512, ("torch", "cuda"): 65_536}
"""Padded tokens of a batch. On a CPU larger ones compute no faster (they outgrow its caches) and pad more."""

PACKAGES = ("openvino", "sentence-transformers", "tokenizers", "torch", "transformers")
SAMPLE = [
    "",
    "zip",
    "read a zip archive",
    "Ünïcode, 中文 and 🙂",
    *("how to sort a list of words " * n for n in (3, 9, 99)),
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--name", required=True, help="the model's key in the study")
    parser.add_argument("--spec", required=True, help="the model's entry in the study, as JSON")
    parser.add_argument("--dataset", action="append", default=[], help="stands for {dataset} in paths; repeatable")
    parser.add_argument("--output", required=True, type=Path, help="folder for model.json and a converted graph")


def run(arguments: argparse.Namespace) -> None:
    """Resolve and check the model, and write model.json last."""
    spec = parse_model(arguments.spec)
    if isinstance(spec, PrecomputedSpec):
        check_files(spec, arguments.dataset)
        model = asdict(spec)
    else:
        arguments.output.mkdir(parents=True, exist_ok=True)
        model = prepare_text_model(spec, arguments.output)
    write_json(arguments.output / "model.json", {"model": arguments.name, **model})


def prepare_text_model(spec: TextModelSpec, output: Path) -> dict[str, Any]:
    """Check the model that ``spec`` names; return the content of model.json, its converted graph in ``output``."""
    weights = resolve_weights(spec)
    device = choose_device(spec.device)
    original = load_model(str(weights.folder), device, "float32", spec.max_length)
    given = {"query": spec.query_prompt, "document": spec.document_prompt}
    own = own_prompts(weights.folder)
    tokenizer = original.tokenizer
    model = {
        **asdict(spec),
        "folder": str(weights.folder),
        "source": weights.source,
        "sha256": weights.sha256,
        "dim": original.get_embedding_dimension(),
        "max_length": original.max_seq_length,
        "pad_id": getattr(tokenizer, "pad_token_id", None),
        "prompts": {role: own[role] if prompt is None else prompt for role, prompt in given.items()},
        "device": device,
    }
    model |= _choose_backend(spec, model, original, output)
    model["batch_tokens"] = spec.batch_tokens or BATCH_TOKENS[model["backend"], device]
    return model | {"environment": environment(PACKAGES)}


def choose_device(asked: str) -> str:
    """Return cpu or cuda; asking for a GPU that is not there is an InputError."""
    import torch

    if asked == "cuda" and not torch.cuda.is_available():
        raise InputError("model: device is 'cuda' but torch finds no GPU here; choose 'auto' or 'cpu'")
    return ("cuda" if torch.cuda.is_available() else "cpu") if asked == "auto" else asked


def _choose_backend(
    spec: TextModelSpec, model: dict[str, Any], original: "SentenceTransformer", output: Path
) -> dict[str, Any]:
    """Try OpenVINO where it is asked for or allowed; return the backend and how far it is from the original."""
    reason = _why_not_openvino(spec, model, original)
    if reason is None:
        with tempfile.TemporaryDirectory(dir=output, prefix=".graph-") as folder:
            try:
                difference = _convert(model, original, Path(folder))
            except Exception as error:  # converter and plugin raise errors of many kinds for graphs they can't do
                reason = f"OpenVINO can't run it ({' '.join(str(error).split())[:200]})"
            else:
                if spec.backend == "openvino" or spec.dtype != "float32" or difference <= FAITHFUL:
                    for path in Path(folder).iterdir():
                        shutil.move(path, output / path.name)
                    return {"backend": "openvino", "max_abs_difference": difference}
                reason = f"OpenVINO differs by {difference:.1e} from sentence-transformers"
    if spec.backend == "openvino":
        raise InputError(f"model {spec.name}: backend is 'openvino', but {reason}; choose 'auto' or 'torch'")
    logger.info("%s runs on torch: %s", spec.name, reason)
    changed = {**model, "backend": "torch"}
    difference = 0.0 if spec.dtype == "float32" else _difference(changed, original, output)
    return {"backend": "torch", "max_abs_difference": difference}


def _why_not_openvino(spec: TextModelSpec, model: dict[str, Any], original: "SentenceTransformer") -> str | None:
    if spec.backend == "torch":
        return "as the study asks"
    if model["device"] != "cpu":
        return f"the device is {model['device']}"
    if spec.dtype not in openvino.PRECISIONS:
        return f"OpenVINO does not compute in {spec.dtype} on CPU"
    if find_spec("openvino") is None:
        return "openvino is not installed (pip install openvino)"
    return openvino.obstacle(original)


def _convert(model: dict[str, Any], original: "SentenceTransformer", folder: Path) -> float:
    openvino.convert(original, folder)
    original.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    return _difference({**model, "backend": "openvino"}, original, folder)


def _difference(model: dict[str, Any], original: "SentenceTransformer", folder: Path) -> float:
    """Return the largest |Δ| of any coordinate between a backend and sentence-transformers in float32."""
    backend = load_backend(model, folder, threads=1)
    ours = backend.embed(backend.tokenize(SAMPLE, ""))
    theirs = original.encode(SAMPLE, prompt="", show_progress_bar=False)
    return float(np.abs(ours - theirs).max())
