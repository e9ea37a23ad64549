"""Real embeddings in any number, without a download: those of short texts, jittered.

The texts are the summaries of docstrings in Python's standard library, embedded by all-MiniLM-L6-v2 once. A vector of
the corpus is one of them plus noise, of unit length again: its neighbourhood looks as that of real, crowded text does.
"""

import json
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from embquant.datasets.python_stdlib import standard_functions
from embquant.embedding.encoder import load_encoder, unit_rows
from embquant.embedding.prepare import prepare_text_model
from embquant.embedding.spec import TextModelSpec
from embquant.files.atomic import atomic_path

FOLDER = Path("results/benchmarks")
TEXTS = 4000
JITTER = 0.5
"""Length of the noise, the embedding's being 1."""
BLOCK = 16_384
"""Vectors drawn from one seed, so that a corpus begins as every larger one does."""


def embeddings() -> np.ndarray:
    """Return the embeddings of the texts, float32 (texts, dim), computed where no earlier run has left them."""
    path = FOLDER / "texts.npy"
    if not path.exists():
        functions = standard_functions(Path(sysconfig.get_path("stdlib")))
        texts = sorted({function.summary for function in functions if function.summary})[:TEXTS]
        with tempfile.TemporaryDirectory() as folder, atomic_path(path) as temporary:
            model = Path(folder, "model.json")
            model.write_text(json.dumps(prepare_text_model(TextModelSpec(), model.parent)))
            np.save(temporary, load_encoder(model, threads=2).encode_documents(texts))
    return np.load(path)


def jittered(count: int, first: int = 0, seed: int = 0) -> Iterator[np.ndarray]:
    """Yield ``count`` unit vectors from vector ``first`` (a multiple of BLOCK) of the corpus ``seed`` on, in blocks."""
    real = embeddings()
    for start in range(first, first + count, BLOCK):
        rng = np.random.default_rng([seed, start // BLOCK])
        rows = min(BLOCK, first + count - start)
        chosen = rng.integers(len(real), size=BLOCK)[:rows]
        noise = rng.standard_normal((BLOCK, real.shape[1]), dtype=np.float32)[:rows]
        yield unit_rows(real[chosen] + noise * np.float32(JITTER / np.sqrt(real.shape[1])))


def corpus(count: int) -> np.ndarray:
    """Return ``count`` documents, float32 (count, dim)."""
    return np.concatenate(list(jittered(count)))


def queries(count: int) -> np.ndarray:
    """Return ``count`` queries, float32 (count, dim), none of which is a document."""
    return np.concatenate(list(jittered(count, seed=1)))
