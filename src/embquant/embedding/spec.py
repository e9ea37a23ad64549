"""What a study says about its models: the keys of an entry of ``models``."""

import json
from dataclasses import dataclass
from typing import Literal

from embquant.entries import nearest, parse_spec
from embquant.errors import InputError

MINILM = "sentence-transformers/all-MiniLM-L6-v2"


@dataclass(frozen=True)
class TextModelSpec:
    """A model that sentence-transformers can load.

    ``query_prompt`` and ``document_prompt`` are put before each text; None takes the model's own. ``max_length``
    is in tokens, special ones included; None is the model's own. ``batch_tokens`` bounds the padded tokens of a
    batch; None is what measured best for the backend. ``sha256`` is the expected digest of the weights.
    """

    type: Literal["sentence-transformers"] = "sentence-transformers"
    name: str = MINILM
    revision: str | None = None
    sha256: str | None = None
    query_prompt: str | None = None
    document_prompt: str | None = None
    max_length: int | None = None
    batch_tokens: int | None = None
    normalize: bool = True
    device: Literal["auto", "cpu", "cuda"] = "auto"
    backend: Literal["auto", "openvino", "onnx", "torch"] = "auto"
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"


@dataclass(frozen=True)
class PrecomputedSpec:
    """Embeddings that somebody else computed, matched to the dataset by id.

    ``corpus`` and ``queries`` are Parquet or .npy files; queries default to the corpus's, which held-out queries
    are part of. A .npy file needs its ids in a file of their own (``ids``, ``query_ids``: .npy, .txt, .csv or
    .parquet), one for each row. ``{dataset}`` in a path stands for the dataset's name.
    """

    corpus: str
    type: Literal["precomputed"] = "precomputed"
    queries: str | None = None
    ids: str | None = None
    query_ids: str | None = None
    id_column: str = "id"
    embedding_column: str = "embedding"
    normalize: bool = True

    def files(self, dataset: str) -> list[str]:
        """Return the paths that a dataset's vectors and ids are read from."""
        paths = (self.corpus, self.queries, self.ids, self.query_ids)
        return [path.replace("{dataset}", dataset) for path in paths if path]


ModelSpec = TextModelSpec | PrecomputedSpec


def parse_model(text: str) -> ModelSpec:
    """Read a model's entry from JSON; unknown keys and wrong values are InputErrors."""
    try:
        values = json.loads(text)
    except ValueError as error:
        raise InputError(f"model: not JSON ({error})") from None
    if not isinstance(values, dict):
        raise InputError(f"model: expected keys and values, got {text[:60]!r}")
    kinds: dict[str, type[TextModelSpec] | type[PrecomputedSpec]]
    kinds = {"sentence-transformers": TextModelSpec, "precomputed": PrecomputedSpec}
    kind = values.get("type", "sentence-transformers")
    if not isinstance(kind, str) or kind not in kinds:
        raise InputError(f"model: type is {kind!r}{nearest(kind, kinds)}")
    spec = parse_spec(kinds[kind], values, "model")
    for key, value in values.items():
        if type(value) is int and value < 1:
            raise InputError(f"model: {key} is {value}; expected at least 1")
    return spec
