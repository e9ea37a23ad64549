"""What a study says of its models: one class of entries for each type of model.

An entry has the key ``type``, ``sentence-transformers`` by default, and the keys of that type.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from embquant.embedding.backends import BACKENDS
from embquant.entries import Entry, nearest, read_kind
from embquant.files.named import files_named
from embquant.registry import Registry

AUTO = "auto"
"""The backend, the first that can run the model."""

MINILM = "sentence-transformers/all-MiniLM-L6-v2"

PROMPTS = ("query_prompt", "document_prompt")
"""The keys of an entry that only the embedding of queries, or of documents, depends on."""


Files = Annotated[str, Field(min_length=1)] | Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
"""A path, or several."""

Precision = Literal["int8", "uint8", "ubinary", "binary"]
"""What providers call their codes: a byte per dimension, signed or not, or a bit, in bytes that are signed or not."""


def finest(precisions: Iterable[Precision]) -> Precision:
    """Return the precision with the most bits; of equal ones, that which :data:`Precision` lists first."""
    return min(precisions, key=get_args(Precision).index)


VECTOR_SUFFIXES = (
    ".parquet",
    ".npy",
    ".parquet.gzip",
    ".parquet.gz",
    ".parquet.zst",
    ".parquet.zstd",
    ".parquet.snappy",
)
"""How the names of files of vectors end in a folder; a file's first bytes tell its format."""

ID_SUFFIXES = (".parquet", ".npy", ".csv", ".txt")
"""How the names of files of ids end."""


class ModelSpec(Entry):
    """The entry of a model."""

    type: str

    @property
    def reference(self) -> Precision | None:
        """The precision of the codes that stand for its vectors; None if it has float vectors."""
        return None

    def input_files(self, datasets: Sequence[str]) -> list[Path]:
        """Return the local files that it is read from, as far as they exist, in a fixed order."""
        return []

    def code_widths(self, dim: int) -> dict[str, int]:
        """Return the bytes of each code that its provider has made of a vector of ``dim`` dimensions, by precision."""
        return {}


def _known_backend(name: str) -> str:
    if name != AUTO and name not in BACKENDS:
        raise ValueError(f"backend is {name!r}, expected a known one{nearest(name, [AUTO, *BACKENDS.names()])}")
    return name


class TextModelSpec(ModelSpec):
    """A model that sentence-transformers can load."""

    type: Literal["sentence-transformers"] = "sentence-transformers"
    name: str = Field(MINILM, description="name on the hub, or a local folder; the default comes with the environment")
    revision: str | None = Field(None, description="commit, branch or tag on the hub")
    sha256: str | None = Field(None, description="expected SHA-256 digest of the weights")
    query_prompt: str | None = Field(None, description="text put before each query; null: the model's prompt")
    document_prompt: str | None = Field(None, description="text put before each document; null: the model's prompt")
    max_length: int | None = Field(
        None, ge=1, description="tokens of a text that are read at most, special ones included; null: the model's limit"
    )
    batch_tokens: int | None = Field(
        None, ge=1, description="padded tokens of a batch at most; null: what measured best for the backend"
    )
    normalize: bool = Field(True, description="true: vectors of unit length (cosine); false: as they are (dot product)")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where the model runs")
    backend: Annotated[str, AfterValidator(_known_backend)] = Field(
        AUTO,
        json_schema_extra={"enum": [AUTO, *BACKENDS.names()]},
        description="what runs the model. On a CPU, `auto` takes the first of OpenVINO, ONNX Runtime and torch that is "
        "installed, runs the model and is within 10⁻⁵ of sentence-transformers in every coordinate; elsewhere, torch",
    )
    dtype: Literal["float32", "bfloat16", "float16"] = Field("float32", description="precision of the computation")

    def input_files(self, datasets: Sequence[str]) -> list[Path]:
        """Return the weights, texts and tokenizer of a model that is a local folder."""
        return files_at(Path(self.name).expanduser(), "**/*.[sjtm]*")


class PrecomputedSpec(ModelSpec):
    """Embeddings that somebody else computed, matched to the dataset by id.

    A path is a file, a folder of `.parquet` and `.npy` files, a glob, or a list of these. ``{dataset}`` in a path
    stands for the dataset's name. NaN, infinity and, unless ``normalize`` is false, vectors of length zero are errors.
    """

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["corpus"]}, {"required": ["precisions"]}]})

    type: Literal["precomputed"] = "precomputed"
    corpus: Files | None = Field(
        None,
        description="files of the documents' vectors, `.parquet` or `.npy`. Leave it out only if the provider gives "
        "codes alone: the finest of `precisions` is then what all else is compared with",
    )
    queries: Files | None = Field(
        None,
        description="the same for the queries; without `corpus`, their codes in the finest of `precisions`. Leave it "
        "out only if the queries are documents held out of the corpus: their vectors are in the corpus's files. It may "
        "be the corpus's file, if that holds both under different ids",
    )
    ids: Files | None = Field(
        None,
        description="ids of the rows of `.npy` files, or of `.parquet` files without ids: `.npy`, `.txt`, `.csv` or "
        "`.parquet`, one for each row",
    )
    query_ids: Files | None = Field(None, description="the same for the queries")
    id_column: str = Field("id", description="column of the ids in a `.parquet` file")
    embedding_column: str = Field("embedding", description="column of the vectors in a `.parquet` file")
    normalize: bool = Field(
        True,
        description="true: vectors are scaled to unit length; false: left as they are. Not where there are codes "
        "alone, which are never scaled",
    )
    precisions: dict[Precision, Files] = Field(
        {},
        description="files of the documents' codes, if the provider quantized them too, by `int8`, `uint8`, `ubinary` "
        "or `binary`. In a `.parquet` file they are in the column of that name, or else in `embedding_column`. "
        "Codecs with `codes` read them",
    )

    @model_validator(mode="after")
    def _check_vectors(self) -> Self:
        if self.corpus is None and not self.precisions:
            raise ValueError("the key 'corpus' is missing, and so is 'precisions', which may stand for it")
        if self.corpus is None and "normalize" in self.model_fields_set:
            raise ValueError("normalize is of float vectors, but without corpus there are codes alone; leave it out")
        return self

    @property
    def reference(self) -> Precision | None:
        """The finest of the provider's codes, if there are no float vectors."""
        return finest(self.precisions) if self.corpus is None else None

    def code_widths(self, dim: int) -> dict[str, int]:
        """Return the bytes of the provider's codes."""
        return {name: -(-dim // 8) if name.endswith("binary") else dim for name in self.precisions}

    def depends_on_dataset(self) -> bool:
        """Return whether datasets have files of their own."""
        return any("{dataset}" in name for names in self._named("{dataset}") for name in names)

    def input_files(self, datasets: Sequence[str]) -> list[Path]:
        """Return the files of the vectors and ids of ``datasets``."""
        found = (files_named(names, VECTOR_SUFFIXES) for dataset in datasets for names in self._named(dataset))
        return list(dict.fromkeys(file for files in found for file in files))

    def _named(self, dataset: str) -> list[list[str]]:
        keys = (self.corpus, self.queries, self.ids, self.query_ids, *self.precisions.values())
        return [for_dataset(names, dataset) for names in keys if names]


MODEL_TYPES: Registry[type[ModelSpec]] = Registry(
    "model type",
    "embquant.models",
    {
        "sentence-transformers": "embquant.embedding.spec:TextModelSpec",
        "precomputed": "embquant.embedding.spec:PrecomputedSpec",
    },
)
"""The types of models."""


def files_at(path: Path, pattern: str) -> list[Path]:
    """Return a file itself, the files of a folder that match ``pattern``, or nothing where there is neither."""
    if path.is_dir() and path != Path():
        return sorted(file for file in path.glob(pattern) if file.is_file())
    return [path] if path.is_file() else []


def for_dataset(names: str | Sequence[str], dataset: str) -> list[str]:
    """Return the paths ``names`` with ``{dataset}`` replaced."""
    return [name.replace("{dataset}", dataset) for name in ([names] if isinstance(names, str) else names)]


def parse_model(values: Mapping[str, Any] | str, where: str = "model") -> ModelSpec:
    """Read the entry of a model, or its JSON text; anything wrong is an InputError that starts with ``where``."""
    return read_kind(MODEL_TYPES, "type", values, where, default="sentence-transformers")
