"""A prepared model that embeds queries and documents."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from embquant.embedding.backends import Backend, load_backend
from embquant.embedding.tokens import batches
from embquant.embedding.weights import weights_digest
from embquant.errors import InputError
from embquant.files.atomic import read_json
from embquant.files.records import checked, remedy


class Encoder:
    """A backend with the model's prompts, its token budget per batch and its normalization."""

    def __init__(self, backend: Backend, prompts: dict[str, str], batch_tokens: int, normalize: bool) -> None:
        """Use ``prompts`` of query and document, and at most ``batch_tokens`` padded tokens per batch."""
        self._backend = backend
        self._prompts = prompts
        self._batch_tokens = batch_tokens
        self._normalize = normalize

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._backend.dim

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Return the vectors (float32, (texts, dim)) of queries."""
        return self._encode(texts, self._prompts["query"])

    def encode_documents(self, texts: Sequence[str], advance: Callable[[int], None] | None = None) -> np.ndarray:
        """Return the vectors (float32, (texts, dim)) of documents; ``advance`` gets the size of each batch."""
        return self._encode(texts, self._prompts["document"], advance)

    def document_tokens(self, texts: Sequence[str]) -> np.ndarray:
        """Return the number of tokens that are read of each document, special tokens included (int64, (texts,))."""
        return np.array(
            [len(item) for item in self._backend.tokenize(texts, self._prompts["document"])], dtype=np.int64
        )

    def _encode(self, texts: Sequence[str], prompt: str, advance: Callable[[int], None] | None = None) -> np.ndarray:
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        inputs = self._backend.tokenize(texts, prompt)
        for rows in batches([len(item) for item in inputs], self._batch_tokens):
            vectors[rows] = self._backend.embed([inputs[row] for row in rows])
            if advance is not None:
                advance(len(rows))
        bad = np.flatnonzero(~np.isfinite(row_lengths(vectors)))
        if len(bad):
            raise InputError(f"the model gives NaN or infinity for the text {texts[bad[0]][:80]!r}; try dtype float32")
        return unit_rows(vectors) if self._normalize else vectors


def load_encoder(
    model_json: Path, threads: int = 1, query_prompt: str | None = None, document_prompt: str | None = None
) -> Encoder:
    """Load the model that ``prepare-model`` left at ``model_json``, to run on ``threads`` threads.

    A prompt is put before each text; None stands for the model's own.
    """
    model = read_json(model_json)
    if model.get("type") != "sentence-transformers":
        raise InputError(f"{model_json}: holds precomputed embeddings, expected a model that embeds texts")
    folder = Path(model_json).parent
    for file in model.get("files", {}):  # a converted graph and its tokenizer
        checked(folder / file)
    if model["backend"] == "torch" and weights_digest(Path(model["folder"])) != model["sha256"]:
        raise InputError(f"{model['folder']}: weights changed since {model_json} was written; {remedy(model_json)}")
    backend = load_backend(model, folder, threads)
    given = {"query": query_prompt, "document": document_prompt}
    prompts = {role: model["prompts"][role] if prompt is None else prompt for role, prompt in given.items()}
    return Encoder(backend, prompts, model["batch_tokens"], model["normalize"])


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Divide each row by its length in place; a zero row stays zero, as in ``torch.nn.functional.normalize``."""
    vectors /= np.maximum(row_lengths(vectors), 1e-12)[:, np.newaxis]
    return vectors


def row_lengths(vectors: np.ndarray) -> np.ndarray:
    """Return the Euclidean length of each row, summed in float64 (rows,)."""
    return np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
