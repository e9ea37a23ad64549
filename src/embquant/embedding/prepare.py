"""Finds a model, checks it and chooses its backend."""

import errno
import logging
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embquant.embedding.backends import BACKENDS, TORCH, load_backend
from embquant.embedding.backends.torch import load_model
from embquant.embedding.spec import PROMPTS, TextModelSpec
from embquant.embedding.weights import own_prompts, resolve_weights
from embquant.errors import InputError
from embquant.files.atomic import NO_SPACE, atomic_path, disk_is_full
from embquant.files.provenance import environment, file_digest

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)

FAITHFUL = 1e-5
"""Largest |Δ| of any coordinate from sentence-transformers in float32 that counts as the same model."""

BATCH_TOKENS = {"cpu": 512, "cuda": 65_536}
"""Padded tokens per batch, by device. On a CPU larger batches outgrow the caches: no faster, and more padding."""

PACKAGES = ("onnxruntime", "onnxscript", "openvino", "sentence-transformers", "tokenizers", "torch", "transformers")
SAMPLE = [
    "",
    "zip",
    "read a zip archive",
    "Ünïcode, 中文 and 🙂",
    *("how to sort a list of words " * n for n in (3, 9, 99)),
]


def prepare_text_model(spec: TextModelSpec, output: Path) -> dict[str, Any]:
    """Check the model that ``spec`` names; return the content of model.json. A converted graph goes into ``output``.

    The prompts of ``spec`` are no part of it: each is given to the step that embeds with it.
    """
    weights = resolve_weights(spec)
    device = choose_device(spec.device)
    original = load_model(str(weights.folder), device, "float32", spec.max_length)
    tokenizer = original.tokenizer
    model = {
        **spec.model_dump(exclude=set(PROMPTS)),
        "folder": str(weights.folder),
        "source": weights.source,
        "sha256": weights.sha256,
        "dim": original.get_embedding_dimension(),
        "max_length": original.max_seq_length,
        "pad_id": getattr(tokenizer, "pad_token_id", None),
        "prompts": own_prompts(weights.folder),
        "device": device,
    }
    model |= _choose_backend(spec, model, original, output)
    model["batch_tokens"] = spec.batch_tokens or BATCH_TOKENS[device]
    return model | {"environment": environment(PACKAGES)}


def choose_device(asked: str) -> str:
    """Return cpu or cuda; raises InputError if a GPU is asked for and there is none."""
    import torch

    if asked == "cuda" and not torch.cuda.is_available():
        raise InputError("model: device is 'cuda' but torch finds no GPU here; choose 'auto' or 'cpu'")
    return ("cuda" if torch.cuda.is_available() else "cpu") if asked == "auto" else asked


def _choose_backend(
    spec: TextModelSpec, model: dict[str, Any], original: "SentenceTransformer", output: Path
) -> dict[str, Any]:
    """Return the backend that is asked for, or the first that gives the same vectors, as keys of model.json."""
    names = BACKENDS.names()
    asked = names[: names.index(TORCH)] if spec.backend == "auto" else [spec.backend]
    for name in asked if spec.backend != TORCH else []:
        with tempfile.TemporaryDirectory(dir=output, prefix=".graph-") as folder:
            try:
                difference = _convert(name, model, original, Path(folder))
                if spec.backend == "auto" and spec.dtype == "float32" and difference > FAITHFUL:
                    raise UnfitError(f"it differs by {difference:.1e} from sentence-transformers")
            except UnfitError as error:
                if spec.backend == name:
                    raise InputError(
                        f"model {spec.name}: backend is {name!r}, but {error}; choose 'auto' or 'torch'"
                    ) from None
                logger.info("%s does not run on %s: %s", spec.name, name, error)
                continue
            # The digests are in model.json: if a conversion ever gives another graph, everything is embedded again.
            converted = sorted(path for path in Path(folder).iterdir() if path.is_file())
            files = {path.name: file_digest(path) for path in converted}
            for file, digest in files.items():
                with atomic_path(output / file, remade_by="model.json", sha256=digest) as temporary:
                    shutil.move(Path(folder, file), temporary)
            return {"backend": name, "max_abs_difference": difference, "files": files}
    changed = {**model, "backend": TORCH}
    difference = 0.0 if spec.dtype == "float32" else _difference(changed, original, output)
    return {"backend": TORCH, "max_abs_difference": difference}


class UnfitError(Exception):
    """A backend can't run this model here; the message says why."""


def _convert(name: str, model: dict[str, Any], original: "SentenceTransformer", folder: Path) -> float:
    """Convert the model into ``folder``; return the difference from the original, or raise UnfitError."""
    backend = BACKENDS[name]
    missing = " ".join(package for package in backend.packages if find_spec(package) is None)
    if missing:
        raise UnfitError(f"a package is missing (pip install {missing})")
    if model["device"] != "cpu":
        raise UnfitError(f"the device is {model['device']}")
    if model["dtype"] not in backend.precisions:
        raise UnfitError(f"it does not compute in {model['dtype']}")
    if reason := backend.obstacle(original):
        raise UnfitError(reason)
    try:
        backend.convert(original, folder)
        return _difference({**model, "backend": name}, original, folder)
    except Exception as error:  # converters and runtimes raise errors of many kinds
        size = sum(weights.numel() * weights.element_size() for weights in original.parameters())
        # OpenVINO deletes what it couldn't write in full. A full disk is no reason to take another backend.
        if disk_is_full(error, folder) or shutil.disk_usage(folder).free < size:
            raise OSError(errno.ENOSPC, NO_SPACE, str(folder.parent)) from error
        raise UnfitError(f"it can't run the model ({' '.join(str(error).split())[:200]})") from None


def _difference(model: dict[str, Any], original: "SentenceTransformer", folder: Path) -> float:
    """Return the largest |Δ| of any coordinate between a backend and sentence-transformers in float32."""
    backend = load_backend(model, folder, threads=1)
    inputs = backend.tokenize(SAMPLE, "")
    ours = np.concatenate([backend.embed(inputs[:-1]), backend.embed(inputs[-1:])])  # a long text alone, as in use
    theirs = original.encode(SAMPLE, prompt="", batch_size=1, show_progress_bar=False)  # without any padding
    return float(np.abs(ours - theirs).max())
