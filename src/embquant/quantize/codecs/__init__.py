"""Codecs: how a vector is stored. One file a kind of codec; a family is found here by its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from threadpoolctl import threadpool_limits

from embquant.entries import nearest, parse_spec
from embquant.errors import InputError
from embquant.quantize.codecs.base import Codec, Sample
from embquant.quantize.codecs.transformed import TransformedCodec
from embquant.quantize.transforms import TransformSpec, fit_transforms, parse_transforms

FAMILIES: dict[str, str] = {
    "float32": "embquant.quantize.codecs.float32:Float32",
    "float16": "embquant.quantize.codecs.scalar:Float16",
    "bfloat16": "embquant.quantize.codecs.scalar:BFloat16",
    "int8": "embquant.quantize.codecs.int8:Int8",
    "uint8": "embquant.quantize.codecs.scalar:UInt8",
    "int6": "embquant.quantize.codecs.scalar:Int6",
    "int4": "embquant.quantize.codecs.scalar:Int4",
    "binary": "embquant.quantize.codecs.binary:Binary",
    "rabitq": "embquant.quantize.codecs.rabitq:RaBitQ",
    "pq": "embquant.quantize.codecs.pq:ProductQuantization",
    "scaled-pq": "embquant.quantize.codecs.scaled_pq:ScaledProductQuantization",
}
"""Name of a family → module and class; imported only when it is used."""


@dataclass(frozen=True)
class CodecSpec:
    """A codec as the configuration has it: a family, its parameters, and transforms that come before it."""

    family: type[Codec]
    parameters: Any
    transforms: list[TransformSpec]

    @property
    def bits(self) -> float:
        """Bits a dimension of what is quantized."""
        return self.family.bits(self.parameters)

    def fit(self, sample: Sample) -> Codec:
        """Fit transforms and codec on ``sample``, on one thread: sums of matrix products depend on their number."""
        with threadpool_limits(1):
            if not self.transforms:
                return self.family.fit(sample, self.parameters)
            transform = fit_transforms(self.transforms, sample)
            return TransformedCodec(transform, self.family.fit(transform.sample(sample), self.parameters))


def codec_class(family: str) -> type[Codec]:
    """Return the codec class called ``family``; an unknown name is an InputError."""
    if family not in FAMILIES:
        raise InputError(f"codec {family!r} is not known{nearest(family, FAMILIES)}")
    module, _, name = FAMILIES[family].partition(":")
    return getattr(import_module(module), name)


def parse_codec(entry: Mapping[str, Any]) -> CodecSpec:
    """Read a codec's entry in the configuration: ``family``, perhaps ``transform``, and the family's own parameters."""
    family = codec_class(entry["family"])
    own = {key: value for key, value in entry.items() if key not in ("family", "transform")}
    transforms = parse_transforms(entry["transform"]) if "transform" in entry else []
    return CodecSpec(family, parse_spec(family.parameters, own, f"codec {family.family}"), transforms)


__all__ = ["FAMILIES", "Codec", "CodecSpec", "Sample", "codec_class", "parse_codec"]
