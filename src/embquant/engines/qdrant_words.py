"""Qdrant's parameters in its words, and the bytes of its codes as it writes them."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from embquant.entries import Entry, Number

BITS = {"one_bit": 1.0, "one_and_half_bits": 1.5, "two_bits": 2.0}
TURBO_BITS = {"bits1": 1.0, "bits1_5": 1.5, "bits2": 2.0, "bits4": 4.0, "bits8": 8.0}


class Scalar(Entry):
    """`scalar`: a byte per dimension."""

    type: Literal["int8"] = "int8"
    quantile: Number | None = Field(None, gt=0, le=1)

    def code_bytes(self, dim: int) -> int:
        """Return the bytes of a code: whole 16 bytes, and an offset of 4."""
        return -(-dim // 16) * 16 + 4

    def of(self, edge: Any, always_ram: bool | None) -> Any:
        """Return it as the module ``edge`` has it."""
        return edge.ScalarQuantizationConfig(edge.ScalarType.Int8, self.quantile, always_ram)


class Product(Entry):
    """`product`: one of 256 centroids per piece."""

    compression: Literal["x4", "x8", "x16", "x32", "x64"] = "x16"

    def code_bytes(self, dim: int) -> int:
        """Return the bytes of a code: one per piece."""
        return -(-4 * dim // int(self.compression[1:]))

    def of(self, edge: Any, always_ram: bool | None) -> Any:
        """Return it as the module ``edge`` has it."""
        return edge.ProductQuantizationConfig(member(edge.CompressionRatio, self.compression), always_ram)


class Binary(Entry):
    """`binary`: 1, 1.5 or 2 bits per dimension; the query has as many, 4 or 8."""

    encoding: Literal["one_bit", "one_and_half_bits", "two_bits"] = "one_bit"
    query_encoding: Literal["default", "binary", "scalar4bits", "scalar8bits"] = "default"

    def code_bytes(self, dim: int) -> int:
        """Return the bytes of a code: whole 16 bytes."""
        return int(-(-BITS[self.encoding] * dim // 128)) * 16

    def of(self, edge: Any, always_ram: bool | None) -> Any:
        """Return it as the module ``edge`` has it."""
        encoding = member(edge.BinaryQuantizationEncoding, self.encoding)
        query = member(edge.BinaryQuantizationQueryEncoding, self.query_encoding)
        return edge.BinaryQuantizationConfig(always_ram, encoding, query)


class TurboQuant(Entry):
    """`turboquant`: rotated, then 1 to 8 bits per dimension."""

    bits: Literal["bits1", "bits1_5", "bits2", "bits4", "bits8"] = "bits4"

    def code_bytes(self, dim: int) -> int:
        """Return the bytes of a code, with its length, and below 8 bits a correction."""
        return int(-(-TURBO_BITS[self.bits] * dim // 8)) + (4 if self.bits == "bits8" else 8)

    def of(self, edge: Any, always_ram: bool | None) -> Any:
        """Return it as the module ``edge`` has it."""
        return edge.TurboQuantQuantizationConfig(always_ram, member(edge.TurboQuantBitSize, self.bits))


class Quantization(Entry):
    """One of Qdrant's quantizers, by its name."""

    scalar: Scalar | None = None
    product: Product | None = None
    binary: Binary | None = None
    turboquant: TurboQuant | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("expected one of scalar, product, binary and turboquant")
        return self

    @property
    def chosen(self) -> Scalar | Product | Binary | TurboQuant:
        """The quantizer."""
        (name,) = self.model_fields_set
        quantizer: Scalar | Product | Binary | TurboQuant = getattr(self, name)
        return quantizer


class Hnsw(Entry):
    """The graph."""

    m: int = Field(16, ge=0)
    ef_construct: int = Field(100, ge=4)
    full_scan_threshold: int = Field(10_000, ge=10)


class QdrantBuild(Entry):
    """The collection."""

    quantization: Quantization | None = Field(
        None,
        description="`{scalar: {type, quantile}}`, `{product: {compression}}`, `{binary: {encoding, query_encoding}}` "
        "or `{turboquant: {bits}}`",
    )
    hnsw_config: Hnsw = Field(
        Hnsw(), description="`m`: edges per node, 0: no graph; `ef_construct`; `full_scan_threshold`"
    )
    indexing_threshold: int | None = Field(
        None, ge=1, description="KB of vectors below which a segment has no graph; default: Qdrant's"
    )
    on_disk: bool = Field(False, description="leaves the originals on disk; the codes are in memory (`always_ram`)")


class QdrantSearch(Entry):
    """The parameters of a search."""

    hnsw_ef: int | None = Field(None, ge=1, description="candidates kept while the graph is searched")
    exact: bool = Field(False, description="scans the originals: Qdrant uses neither codes nor graph then")
    rescore: bool | None = Field(None, description="ranks candidates again by the originals; default: Qdrant's")
    oversampling: Number | None = Field(None, ge=1, description="candidates per `limit`, if they are rescored")


def member(enum: Any, word: str) -> Any:
    """Return the member of an enum of Qdrant's Python package that its other clients call ``word``."""
    names = {name.lower().replace("_", ""): name for name in dir(enum)}
    return getattr(enum, names[word.replace("_", "")])
