"""Texts to token ids, and token ids to batches of bounded size."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from embquant.errors import require

TEXTS_AT_ONCE = 256
"""Texts per call of the library: its encodings are many times larger than the token ids that are kept."""

PARALLELISM = "TOKENIZERS_PARALLELISM"
"""The environment variable that the library reads at each call; it has no other switch."""


class Tokenizer:
    """A model's fast tokenizer, truncating at ``max_length`` tokens; needs the ``tokenizers`` library alone."""

    def __init__(self, path: Path, max_length: int, pad_id: int, threads: int) -> None:
        """Load tokenizer.json at ``path``; ``pad_id`` fills up the shorter texts of a batch."""
        require("embed", "tokenizers")
        import tokenizers

        self._tokenizer = tokenizers.Tokenizer.from_file(str(path))
        self._tokenizer.enable_truncation(max_length)
        self._tokenizer.no_padding()
        self._pad_id = pad_id
        self._threads = threads

    def __call__(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return the token ids (int32) of each text, special tokens included."""
        with _parallel(self._threads > 1):
            return [
                np.array(encoding.ids, dtype=np.int32)
                for start in range(0, len(texts), TEXTS_AT_ONCE)
                for encoding in self._tokenizer.encode_batch_fast(list(texts[start : start + TEXTS_AT_ONCE]))
            ]

    def pad(self, ids: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and attention mask, both int64 of shape (texts, longest), padded at the right."""
        longest = max(map(len, ids))
        padded = np.full((len(ids), longest), self._pad_id, dtype=np.int64)
        mask = np.zeros((len(ids), longest), dtype=np.int64)
        for row, tokens in enumerate(ids):
            padded[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        return padded, mask


@contextmanager
def _parallel(wanted: bool) -> Iterator[None]:
    """Let the tokenizers library use all cores, or one, until the block ends; a user's own setting stays."""
    if PARALLELISM in os.environ:
        yield
        return
    os.environ[PARALLELISM] = "true" if wanted else "false"
    try:
        yield
    finally:
        del os.environ[PARALLELISM]


def batches(lengths: Sequence[int], budget: int) -> Iterator[np.ndarray]:
    """Yield the rows of each batch: texts of similar length, at most ``budget`` padded tokens, at least one text.

    The longest come first, so that memory peaks at the start. Texts of equal length stay in order.
    """
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, lengths[order[start]]))
        yield order[start : start + size]
        start += size
