"""``search``: answer a question from what a run has built, the way one would deploy it."""

import argparse
import sys
import textwrap
import time
from pathlib import Path

from threadpoolctl import threadpool_limits

from embquant.datasets.corpus import shown_documents
from embquant.embedding.encoder import load_encoder
from embquant.entries import nearest
from embquant.errors import InputError
from embquant.files.atomic import read_json
from embquant.files.parquet import read_metadata
from embquant.retrieve.retriever import Retriever


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``search``."""
    parser.add_argument("folder", type=Path, help="results/{dataset}/{model}")
    parser.add_argument("question", help="what to search for")
    parser.add_argument("--method", default="binary", help="a method of the study (default binary)")
    parser.add_argument("--rescore", default="none", metavar="STORE", help="rescore store (default none)")
    parser.add_argument("--multiplier", type=int, default=4, help="candidates rescored = top_k × this (default 4)")
    parser.add_argument("--top-k", type=int, default=10, help="documents to return (default 10)")
    parser.add_argument("--threads", type=int, default=1, help="threads of the search (default 1)")


def run(arguments: argparse.Namespace) -> None:
    """Embed the question, search, and print documents with their scores and the times taken."""
    if arguments.top_k < 1 or arguments.multiplier < 1:
        raise InputError("--top-k and --multiplier must be 1 or more")
    threadpool_limits(arguments.threads, "blas")
    if not arguments.question.strip():
        raise InputError("the question is empty")
    folder = arguments.folder
    method = _existing(folder / "methods", arguments.method, "method")
    store = None if arguments.rescore == "none" else _existing(folder / "stores", arguments.rescore, "rescore store")
    model = folder.resolve().parent.parent / "models" / folder.resolve().name / "model.json"
    if read_metadata(folder / "queries.parquet").get("model") != read_json(model):
        raise InputError(f"{folder}: its embeddings are not from the model that {model} now is; run its study")
    encoder = load_encoder(model, arguments.threads)
    retriever = Retriever.open(method, store, arguments.threads)
    if retriever.store and retriever.store.codec.bytes_per_vector < retriever.codec.bytes_per_vector:
        raise InputError(f"the rescore store {arguments.rescore!r} is coarser than the method {arguments.method!r}")
    started = time.perf_counter()
    query = encoder.encode_queries([arguments.question])
    embedded = time.perf_counter()
    scores, rows = retriever.search(query, arguments.top_k, arguments.multiplier if store else 1)
    searched = time.perf_counter()
    found = rows[0][rows[0] >= 0]
    documents = dict(zip(found, shown_documents(folder.parent / "corpus.parquet", found), strict=True))
    for place, (row, score) in enumerate(zip(found, scores[0], strict=False), start=1):
        identifier, text = documents[row]
        sys.stdout.write(f"{place}. {identifier}  (score {score:.4f})\n{textwrap.indent(text, '   ')}\n\n")
    sys.stdout.write(
        f"embedded in {1000 * (embedded - started):.1f} ms, searched in {1000 * (searched - embedded):.2f} ms\n"
    )


def _existing(folder: Path, name: str, what: str) -> Path:
    known = {file.name.partition(".")[0]: file for file in sorted(folder.glob("*.json"))}
    if not known:
        raise InputError(f"{folder.parent}: no finished run here; give a folder results/{{dataset}}/{{model}}")
    if name not in known:
        raise InputError(f"{what} {name!r} is not in {folder}{nearest(name, known)}")
    return known[name]
