"""How fast a model embeds a dataset's texts on this machine: measured on some of them, for a few seconds."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from embquant.embedding.encoder import Encoder
from embquant.files.parquet import count_rows, read_rows
from embquant.study.plan import Rate

PLACES = 16
"""Places of the corpus, evenly spaced, that texts are taken from: neighbours are often alike."""
SAMPLE = 1024
"""Texts whose tokens are counted."""
GROUP = 16
"""Texts embedded together: neighbours in length, as they are when a part is embedded, so that little is padded."""
SECONDS = 3.0
"""How long texts are embedded for."""


def measure_rate(encoder: Encoder, corpus: Path, queries: Path, seconds: float = SECONDS) -> tuple[Rate, np.ndarray]:
    """Embed a sample of the corpus for some ``seconds``, short and long texts alike.

    Return the rate of all texts, and the vectors of the sample, float32 (texts, dim).
    """
    texts = list(_sample(corpus))
    tokens = encoder.document_tokens(texts)
    order = np.argsort(-tokens, kind="stable")
    groups = [order[start : start + GROUP] for start in range(0, len(order), GROUP)]
    np.random.default_rng(0).shuffle(groups)
    encoder.encode_documents([texts[row] for row in groups[0][:2]])  # the first call also sets the backend up
    embedded, vectors = 0, []
    started = time.perf_counter()
    for rows in groups:
        vectors.append(encoder.encode_documents([texts[row] for row in rows]))
        embedded += int(tokens[rows].sum())
        if time.perf_counter() - started > seconds:
            break
    rate = embedded / (time.perf_counter() - started)
    of_queries = encoder.document_tokens(list(_sample(queries)))
    found = Rate(rate / float(tokens.mean()), float(tokens.mean()), float(of_queries.mean()))
    return found, np.concatenate(vectors)


def count_distinct(corpus: Path) -> int:
    """Return how many different texts a corpus has: each is embedded once."""
    counts = (
        int(np.count_nonzero(batch.column(0).to_numpy() == np.arange(first, first + len(batch))))
        for first, batch in read_rows(corpus, ["first_row"], 0, count_rows([corpus]), 1 << 16)
    )
    return sum(counts)


def _sample(table: Path) -> Iterator[str]:
    total = count_rows([table])
    each = SAMPLE // PLACES if total > SAMPLE else total
    for start in np.unique(np.linspace(0, max(0, total - each), PLACES, dtype=np.int64)):
        for _, batch in read_rows(table, ["text"], int(start), min(total, int(start) + each)):
            yield from batch.column(0).to_pylist()
