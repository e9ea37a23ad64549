"""A reranker: a CrossEncoder that reads a query and a document together, and scores the pair."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embquant.embedding.library import import_sentence_transformers
from embquant.errors import InputError, require

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

PAIRS_AT_ONCE = 32


def load_cross_encoder(folder: Path, max_length: int | None) -> "CrossEncoder":
    """Load the model in ``folder`` from safetensors alone, without a hub and without code that it may bring."""
    if not folder.is_dir():
        raise InputError(f"reranker: model is {str(folder)!r}, which is no folder; save a CrossEncoder there")
    require("embed", "torch", "safetensors", "sentence_transformers")
    from safetensors import SafetensorError

    try:
        model: CrossEncoder = import_sentence_transformers().CrossEncoder(
            str(folder),
            device="cpu",
            max_length=max_length,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except (ImportError, OSError, ValueError, KeyError, SafetensorError) as error:
        raise InputError(f"{folder}: sentence-transformers can't load this CrossEncoder ({error})") from None
    if model.num_labels != 1:
        raise InputError(f"{folder}: a CrossEncoder of {model.num_labels} labels, expected 1: a score")
    return model


def score_pairs(model: Any, pairs: Sequence[tuple[str, str]], threads: int) -> np.ndarray:
    """Return a CrossEncoder's score of each pair of a query and a document, float64 (pairs,): its output as it is.

    Pairs of like length are scored together, each batch on one thread, so that the number of threads changes no score.
    """
    import torch

    torch.set_num_threads(1)
    order = np.argsort([-len(query) - len(text) for query, text in pairs], kind="stable")

    def score(batch: np.ndarray) -> np.ndarray:
        texts = [pairs[place] for place in batch]
        how = {"batch_size": PAIRS_AT_ONCE, "show_progress_bar": False, "activation_fn": torch.nn.Identity()}
        given = model.predict(texts, **how)
        return np.asarray(given, np.float64)

    scores = np.empty(len(pairs))
    batches = list(_batches(order))
    with ThreadPoolExecutor(threads) as pool:
        for batch, found in zip(batches, pool.map(score, batches), strict=True):
            scores[batch] = found
    if not np.isfinite(scores).all():
        raise InputError("the reranker's scores aren't all numbers; use another model")
    return scores


def _batches(order: np.ndarray) -> Iterator[np.ndarray]:
    for first in range(0, len(order), PAIRS_AT_ONCE):
        yield order[first : first + PAIRS_AT_ONCE]
