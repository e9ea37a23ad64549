"""Small models, corpora and command calls for the tests of embedding."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer
from transformers import BertConfig, BertModel, MPNetConfig, MPNetModel, PreTrainedTokenizerFast

from embquant.cli import main
from embquant.embedding.spec import TextModelSpec
from embquant.embedding.weights import resolve_weights

TEXTS = [
    "read a zip archive",
    "",
    "Ünïcode 中文 🙂",
    "def walk(top):\n    for name in listdir(top):\n        yield name",
    "how to sort a list of words by length " * 12,
    "read a zip archive",
    "x",
]


ARCHITECTURES = {"bert": (BertConfig, BertModel), "mpnet": (MPNetConfig, MPNetModel)}


def small_model(
    folder: Path, dense: bool = False, pooling: str = "mean", prompts: dict | None = None, architecture: str = "bert"
) -> Path:
    """Save a random model of 12 dimensions, a number that eight does not divide, with MiniLM's vocabulary."""
    torch.manual_seed(7)
    bert = folder / "bert"
    kind, model = ARCHITECTURES[architecture]
    config = kind(
        **{"vocab_size": 30522, "hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3},
        **{"intermediate_size": 24, "pad_token_id": 0},
    )
    model(config).save_pretrained(bert)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(resolve_weights(TextModelSpec()).folder / "tokenizer.json"),
        **{"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"},
        model_max_length=64,
    )
    tokenizer.save_pretrained(bert)
    modules = [Transformer(str(bert)), Pooling(12, pooling_mode=pooling)]
    modules += [Dense(12, 10)] if dense else []
    SentenceTransformer(modules=modules, prompts=prompts, device="cpu").save(str(folder / "model"))
    return folder / "model"


def command(*words: object) -> int:
    """Call the command line; return its exit status."""
    return main([str(word) for word in words])


def prepare(folder: Path, **spec: object) -> Path:
    """Run prepare-model; return the path of its model.json."""
    assert command("prepare-model", "--name", "m", "--entry", json.dumps(spec), "--output", folder) == 0
    return folder / "model.json"


def write_corpus(path: Path, texts: list[str], ids: list[str] | None = None) -> Path:
    """Write a dataset's corpus.parquet, with row groups of two rows."""
    first = {}
    table = {
        "id": ids or [f"d{row}" for row in range(len(texts))],
        "text": texts,
        "first_row": pa.array([first.setdefault(text, row) for row, text in enumerate(texts)], pa.int64()),
    }
    pq.write_table(pa.table(table), path, row_group_size=2)
    return path


def query_options(queries: Path) -> list[object]:
    """Return the options of embed-queries that name files of the folder of ``queries``, a dataset's queries.parquet."""
    folder = queries.parent
    return ["--queries", queries, "--corpus", folder / "corpus.parquet", "--description", folder / "dataset.json"]


def write_queries(path: Path, texts: list[str], ids: list[str] | None = None) -> Path:
    """Write a dataset's queries.parquet."""
    ids, own_rows = ids or [f"q{row}" for row in range(len(texts))], np.full(len(texts), -1)
    pq.write_table(pa.table({"id": ids, "text": texts, "own_row": own_rows}), path)
    return path
