"""Transforms: what is done to vectors before they are quantized. Kinds are found here by their names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from embquant.entries import nearest, read_entry
from embquant.errors import InapplicableError, InputError
from embquant.quantize.batches import Batches
from embquant.quantize.extent import Extent
from embquant.quantize.transforms.base import Transform, TransformKind
from embquant.quantize.transforms.hadamard import HadamardMap
from embquant.registry import Registry

TRANSFORMS: Registry[type[TransformKind]] = Registry(
    "transform",
    "embquant.transforms",
    {
        "center": "embquant.quantize.transforms.pca:Center",
        "truncate": "embquant.quantize.transforms.truncate:Truncate",
        "pca": "embquant.quantize.transforms.pca:Pca",
        "rotation": "embquant.quantize.transforms.rotation:Rotation",
        "hadamard": "embquant.quantize.transforms.hadamard:Hadamard",
        "itq": "embquant.quantize.transforms.itq:Itq",
        "opq": "embquant.quantize.transforms.opq:Opq",
        "allocation": "embquant.quantize.transforms.allocation:Allocation",
    },
)


@dataclass(frozen=True)
class TransformSpec:
    """One entry of a codec's ``transform``: the kind and its parameters."""

    name: str
    kind: type[TransformKind]
    parameters: Any

    def obstacle(self, extent: Extent) -> str | None:
        """Say what keeps it from being fitted on such vectors; None if nothing."""
        reason = self.kind.obstacle(self.parameters, extent)
        return f"transform {self.name}: {reason}" if reason else None

    def output_dim(self, dim: int) -> int:
        """Return the dimensions that ``dim`` dimensions are mapped to, as far as that is known before it is fitted."""
        return self.kind.output_dim(self.parameters, dim)


def parse_transforms(entries: Any) -> list[TransformSpec]:
    """Read a codec's ``transform``: a kind, a mapping of ``kind`` and its parameters, or a list of these, in order."""
    return [_parse(entry) for entry in (entries if isinstance(entries, list) else [entries])]


def fit_transforms(specs: Sequence[TransformSpec], sample: Batches) -> Transform:
    """Fit ``specs``, at least one, each on what those before it make of ``sample``; return them as one map.

    Vectors that one of them can't be fitted on are an InapplicableError.
    """
    fitted: list[Transform] = []
    for spec in specs:
        if reason := spec.obstacle(Extent.of(sample)):
            raise InapplicableError(reason)
        fitted.append(spec.kind.fit(sample, spec.parameters))
        sample = fitted[-1].mapped(sample)
    return reduce(lambda first, second: second.after(first), fitted)


def transform_from_state(state: dict[str, np.ndarray]) -> Transform | None:
    """Rebuild the map that lies among the arrays of a codec's state; None if there is none."""
    return HadamardMap.from_state(state) or Transform.from_state(state)


def _parse(entry: Any) -> TransformSpec:
    described = {"kind": entry} if isinstance(entry, str) else entry
    if not isinstance(described, Mapping) or not isinstance(described.get("kind"), str):
        hint = nearest(str(entry), TRANSFORMS.names())
        raise InputError(f"transform is {entry!r}, expected the name of a kind or a mapping with the key 'kind'{hint}")
    name = described["kind"]
    kind = TRANSFORMS[name]
    values = {key: value for key, value in described.items() if key != "kind"}
    return TransformSpec(name, kind, read_entry(kind.parameters, values, f"transform {name}"))


__all__ = [
    "TRANSFORMS",
    "Transform",
    "TransformKind",
    "TransformSpec",
    "fit_transforms",
    "parse_transforms",
    "transform_from_state",
]
