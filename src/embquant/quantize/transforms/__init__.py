"""Transforms: what is done to vectors before they are quantized. One file a kind; a kind is found here by its name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from types import ModuleType
from typing import Any

from embquant.entries import nearest, parse_spec
from embquant.errors import InputError
from embquant.quantize.transforms.base import Sample, Transform

KINDS: dict[str, str] = {
    "center": "embquant.quantize.transforms.center",
    "truncate": "embquant.quantize.transforms.truncate",
    "pca": "embquant.quantize.transforms.pca",
    "rotation": "embquant.quantize.transforms.rotation",
    "itq": "embquant.quantize.transforms.itq",
    "opq": "embquant.quantize.transforms.opq",
    "allocation": "embquant.quantize.transforms.allocation",
}
"""Name of a kind → the module with its ``Parameters`` and its ``fit``; imported only when it is used."""


@dataclass(frozen=True)
class TransformSpec:
    """One entry of a codec's ``transform``: the kind's module and its parameters."""

    module: ModuleType
    parameters: Any


def parse_transforms(entries: Any) -> list[TransformSpec]:
    """Read a codec's ``transform``: a kind, a mapping of ``kind`` and its parameters, or a list of these, in order."""
    return [_parse(entry) for entry in (entries if isinstance(entries, list) else [entries])]


def fit_transforms(specs: Sequence[TransformSpec], sample: Sample) -> Transform:
    """Fit ``specs``, at least one, each on what those before it make of ``sample``; return them as one map."""
    fitted: list[Transform] = []
    for spec in specs:
        fitted.append(spec.module.fit(sample, spec.parameters))
        sample = fitted[-1].sample(sample)
    return reduce(lambda first, second: second.after(first), fitted)


def _parse(entry: Any) -> TransformSpec:
    described = {"kind": entry} if isinstance(entry, str) else entry
    if not isinstance(described, Mapping) or "kind" not in described:
        raise InputError(f"transform is {entry!r}, expected a kind or a mapping with one{nearest(str(entry), KINDS)}")
    kind = described["kind"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(f"transform {kind!r} is not known{nearest(kind, KINDS)}")
    module = import_module(KINDS[kind])
    own = {key: value for key, value in described.items() if key != "kind"}
    return TransformSpec(module, parse_spec(module.Parameters, own, f"transform {kind}"))


__all__ = ["KINDS", "Sample", "Transform", "TransformSpec", "fit_transforms", "parse_transforms"]
