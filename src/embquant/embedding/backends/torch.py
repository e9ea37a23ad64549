"""PyTorch through sentence-transformers: any model, any device."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embquant.embedding.backends.base import Backend
from embquant.embedding.library import import_sentence_transformers
from embquant.errors import InputError, require

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class TorchBackend(Backend):
    """A model as sentence-transformers runs it."""

    precisions = ("float32", "bfloat16", "float16")

    def __init__(self, model: dict[str, Any], folder: Path, threads: int) -> None:
        """Load the model from its own folder, for ``threads`` threads; nothing of it lies in ``folder``."""
        import torch

        super().__init__(model, folder, threads)
        torch.set_num_threads(threads)
        self._model = load_model(model["folder"], model["device"], model["dtype"], model["max_length"])

    def tokenize(self, texts: Sequence[str], prompt: str) -> list["PromptedText"]:
        """Return each text with its number of tokens."""
        prompted = [prompt + text for text in texts]
        tokenizer = self._model.tokenizer
        if not callable(tokenizer):
            return [PromptedText(text, prompt, len(full)) for text, full in zip(texts, prompted, strict=True)]
        codes = tokenizer(prompted, truncation=True, return_attention_mask=False)["input_ids"]
        return [PromptedText(text, prompt, len(code)) for text, code in zip(texts, codes, strict=True)]

    def embed(self, inputs: Sequence["PromptedText"]) -> np.ndarray:
        """Return the vectors of one batch of texts."""
        texts = [item.text for item in inputs]
        vectors = self._model.encode(
            texts, prompt=inputs[0].prompt, batch_size=len(texts), convert_to_tensor=True, show_progress_bar=False
        )
        return vectors.float().cpu().numpy()


@dataclass(frozen=True, slots=True)
class PromptedText:
    """A text, the prompt before it and what both cost in tokens."""

    text: str
    prompt: str
    tokens: int

    def __len__(self) -> int:
        """Return the number of tokens."""
        return self.tokens


def load_model(folder: str, device: str, dtype: str, max_length: int | None) -> "SentenceTransformer":
    """Load the model in ``folder`` from safetensors alone, without running code that it may bring."""
    require("embed", "torch", "safetensors", "sentence_transformers", "transformers")
    import torch
    from safetensors import SafetensorError
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model: SentenceTransformer = import_sentence_transformers().SentenceTransformer(
            str(folder),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"dtype": getattr(torch, dtype), "use_safetensors": True},
        )
    except (ImportError, OSError, ValueError, SafetensorError) as error:
        if "trust_remote_code" in str(error):
            reason = "needs code that it brings itself, which is never run here; choose a model that transformers has"
            raise InputError(f"{folder}: this model {reason}") from None
        raise InputError(f"{folder}: sentence-transformers can't load this model ({error})") from None
    if max_length is not None:
        positions = getattr(getattr(model[0], "config", None), "max_position_embeddings", max_length)
        if max_length > positions:
            raise InputError(f"model: max_length is {max_length}, but {folder} has {positions} positions; lower it")
        model.max_seq_length = max_length
    return model.eval()
