"""Codecs: how a vector is stored. One family per file; a family is found here by its name."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from embquant.entries import read_entry
from embquant.errors import InapplicableError, InputError
from embquant.exact.threads import limit_threads
from embquant.files.records import checked
from embquant.quantize.batches import Batches
from embquant.quantize.codecs.base import UNREADABLE_STATE, Codec, Family, read_state
from embquant.quantize.codecs.transformed import TransformedCodec
from embquant.quantize.extent import Extent
from embquant.quantize.transforms import TransformSpec, fit_transforms, parse_transforms, transform_from_state
from embquant.registry import Registry

CODECS: Registry[type[Family]] = Registry(
    "codec",
    "embquant.codecs",
    {
        "float32": "embquant.quantize.codecs.float32:Float32",
        "float16": "embquant.quantize.codecs.scalar:Float16",
        "bfloat16": "embquant.quantize.codecs.scalar:BFloat16",
        "float8": "embquant.quantize.codecs.float8:Float8",
        "int8": "embquant.quantize.codecs.int8:Int8",
        "unit-int8": "embquant.quantize.codecs.int8:UnitInt8",
        "scaled-int8": "embquant.quantize.codecs.scaled_int8:ScaledInt8",
        "uint8": "embquant.quantize.codecs.scalar:UInt8",
        "int6": "embquant.quantize.codecs.scalar:Int6",
        "int4": "embquant.quantize.codecs.scalar:Int4",
        "binary": "embquant.quantize.codecs.binary:Binary",
        "rabitq": "embquant.quantize.codecs.rabitq:RaBitQ",
        "eden": "embquant.quantize.codecs.eden:Eden",
        "turboquant": "embquant.quantize.codecs.turboquant:TurboQuant",
        "osq": "embquant.quantize.codecs.osq:Osq",
        "pq": "embquant.quantize.codecs.pq:ProductQuantization",
        "scaled-pq": "embquant.quantize.codecs.scaled_pq:ScaledProductQuantization",
    },
)


@dataclass(frozen=True)
class CodecSpec:
    """A codec as the configuration has it: a family, its parameters, and transforms that come before it."""

    family: type[Family]
    parameters: Any
    transforms: list[TransformSpec]

    @property
    def bits(self) -> float:
        """Bits per dimension of what is quantized."""
        return self.family.bits(self.parameters)

    @property
    def is_encoded(self) -> bool:
        """Whether there are codes to be written: those of plain float32 are the embeddings themselves."""
        return self.family.family != "float32" or bool(self.transforms)

    @property
    def learns(self) -> bool:
        """Whether transforms or codec depend on the values that they are fitted on."""
        return self.family.learns(self.parameters) or any(transform.kind.learns for transform in self.transforms)

    @property
    def precision(self) -> str | None:
        """The precision in which the model's provider has made the codes; None if they are encoded here."""
        return self.family.precision(self.parameters)

    @property
    def modules(self) -> list[str]:
        """Names of the modules that define the family and the transforms."""
        return [self.family.__module__, *(transform.kind.__module__ for transform in self.transforms)]

    def quantized_dim(self, dim: int) -> int:
        """Return the dimensions that are left of ``dim`` after the transforms."""
        for transform in self.transforms:
            dim = transform.output_dim(dim)
        return dim

    def obstacle(self, extent: Extent) -> str | None:
        """Say what keeps transforms and codec from being fitted on such vectors, as far as is known; None if nothing.

        How large values are after a transform is only known once it is fitted.
        """
        for transform in self.transforms:
            if reason := transform.obstacle(extent):
                return reason
            extent = Extent(extent.documents, transform.output_dim(extent.dim))
        reason = extent.beyond_float32() or self.family.obstacle(self.parameters, extent)
        return f"codec {self.family.family}: {reason}" if reason else None

    def code_bytes(self, dim: int) -> int:
        """Return the bytes of the code of a vector of ``dim`` dimensions."""
        return self.family.code_bytes(self.parameters, self.quantized_dim(dim))

    def learned_bytes(self, dim: int) -> int:
        """Return the bytes of what the family learns of vectors of ``dim`` dimensions, without the transforms."""
        return self.family.state_bytes(self.parameters, self.quantized_dim(dim))

    def state_bytes(self, dim: int) -> int:
        """Return the bytes of the fitted codec: what the family learns and the matrix of the transforms."""
        return self.learned_bytes(dim) + (4 * dim * self.quantized_dim(dim) if self.transforms else 0)

    def fit(self, sample: Batches) -> Codec:
        """Fit transforms and codec on the vectors ``sample``, or on those of them that are ``seen``.

        Vectors that they can't be fitted on, or whose values they can't hold, are an InapplicableError.
        It takes one thread: how the sums of matrix products are rounded depends on the number of threads.
        """
        sample = sample.sample
        with limit_threads(1):
            if not self.transforms:
                return self._fit_family(sample)
            transform = fit_transforms(self.transforms, sample)
            return TransformedCodec(transform, self._fit_family(transform.mapped(sample)))

    def _fit_family(self, sample: Batches) -> Family:
        if reason := replace(self, transforms=[]).obstacle(Extent.of(sample)):
            raise InapplicableError(reason)
        return self.family.fit(sample, self.parameters)


def parse_codec(entry: Mapping[str, Any]) -> CodecSpec:
    """Read a codec's entry in the configuration: ``family``, perhaps ``transform``, and the family's own parameters."""
    family = CODECS[entry["family"]]
    values = {key: value for key, value in entry.items() if key not in ("family", "transform")}
    transforms = parse_transforms(entry["transform"]) if "transform" in entry else []
    spec = CodecSpec(family, read_entry(family.parameters, values, f"codec {family.family}"), transforms)
    if spec.precision and transforms:
        raise InputError(
            f"codec {family.family}: the provider's codes can't be transformed; leave out transform or codes"
        )
    return spec


def load_codec(path: Path) -> Codec:
    """Read a codec that :meth:`Codec.save` wrote; anything else is an InputError."""
    try:
        state = read_state(checked(path))
        transform = transform_from_state(state)
        codec = CODECS[str(state.pop("family"))].from_state(state)
        if transform and transform.dim != codec.dim:
            raise ValueError(f"a transform to {transform.dim} dimensions before a codec of {codec.dim}")
    except (OSError, MemoryError, *UNREADABLE_STATE) as error:
        raise InputError(f"{path}: not the state of a codec ({error}); delete it and run again") from None
    return TransformedCodec(transform, codec) if transform else codec


__all__ = ["CODECS", "Codec", "CodecSpec", "Family", "load_codec", "parse_codec"]
