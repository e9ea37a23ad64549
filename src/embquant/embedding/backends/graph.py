"""What the backends share that run a converted graph: tokens in, sentence vectors out.

Neither torch nor sentence-transformers is needed for it, which is why embedding jobs start in a second.
"""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embquant.embedding.backends.base import Backend
from embquant.embedding.tokens import Tokenizer

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer


class GraphBackend(Backend):
    """A model's tokenizer before its graph, which ``infer`` runs."""

    def __init__(self, model: dict[str, Any], folder: Path, threads: int) -> None:
        """Load the tokenizer in ``folder``."""
        super().__init__(model, folder, threads)
        self._tokenizer = Tokenizer(folder / "tokenizer.json", model["max_length"], model["pad_id"], threads)

    @classmethod
    def obstacle(cls, original: "SentenceTransformer") -> str | None:
        """Say why ``original`` can't be converted; None if it can: a Transformer, Pooling and perhaps Normalize."""
        kinds = [type(module).__name__ for module in original]
        if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
            return f"its modules are {', '.join(kinds)}"
        transformer: Any = original[0]
        pooling: Any = original[1]
        if pooling.pooling_mode not in ("mean", "cls") or not pooling.include_prompt:
            return f"it pools by {pooling.pooling_mode}{'' if pooling.include_prompt else ' without the prompt'}"
        tokenizer = transformer.tokenizer
        if (
            not getattr(tokenizer, "is_fast", False)
            or tokenizer.padding_side != "right"
            or tokenizer.pad_token_id is None
        ):
            return "its tokenizer is not a fast one that pads at the right"
        return None

    @classmethod
    def convert(cls, original: "SentenceTransformer", folder: Path) -> None:
        """Write graph and tokenizer of ``original`` into ``folder``."""
        cls.write_graph(original, folder)
        original.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))

    @classmethod
    @abstractmethod
    def write_graph(cls, original: "SentenceTransformer", folder: Path) -> None:
        """Write the graph of ``original`` into ``folder``."""

    def tokenize(self, texts: Sequence[str], prompt: str) -> list[np.ndarray]:
        """Return each text's token ids."""
        return self._tokenizer([prompt + text for text in texts])

    def embed(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """Return the vectors of one batch of token ids."""
        return self.infer(*self._tokenizer.pad(inputs))

    @abstractmethod
    def infer(self, input_ids: np.ndarray, attention_mask: np.ndarray) -> np.ndarray:
        """Return the vectors (float32, (texts, dim)) of padded ids and their mask (int64, (texts, longest))."""


def traceable(model: "SentenceTransformer") -> tuple["torch.nn.Module", dict[str, "torch.Tensor"]]:
    """Return ``model`` as a module from token ids and mask to vectors, and an example of its arguments by name."""
    import torch

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            return self.model({"input_ids": input_ids, "attention_mask": attention_mask})["sentence_embedding"]

    # Lengths other than 0 and 1, which exporters take for constants.
    names = ("input_ids", "attention_mask")
    return Graph().eval(), {name: torch.ones(2, 7, dtype=torch.int64) for name in names}
