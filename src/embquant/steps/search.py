"""The command ``search``."""

import sys
import textwrap
import time
from pathlib import Path
from typing import Annotated

from embquant.datasets.corpus import shown_documents
from embquant.embedding.encoder import load_encoder
from embquant.entries import nearest
from embquant.errors import InputError, harmless
from embquant.exact.threads import limit_threads
from embquant.files.atomic import read_json
from embquant.files.parquet import read_metadata
from embquant.retrieve.retriever import Retriever


def search(
    folder: Annotated[Path, "results/{dataset}/{model}"],
    question: Annotated[str, "what to search for"],
    /,
    *,
    method: Annotated[str, "a method of the study"] = "binary",
    rescore: Annotated[str, "rescore store"] = "none",
    multiplier: Annotated[int, "candidates rescored = top_k × this"] = 4,
    top_k: Annotated[int, "documents to return"] = 10,
    threads: Annotated[int, "threads of the search"] = 1,
) -> None:
    """Answer a question from what a run has built.

    Prints the documents found, their scores and the times taken.
    """
    for option, value in (("--top-k", top_k), ("--multiplier", multiplier), ("--threads", threads)):
        if value < 1:
            raise InputError(f"{option} must be 1 or more, not {value}")
    _check_question(question)
    method_file = _existing(folder / "methods", method, "method")
    store = None if rescore == "none" else _existing(folder / "stores", rescore, "rescore store")
    model = folder.resolve().parent.parent / "models" / folder.resolve().name / "model.json"
    queries = read_metadata(folder / "queries.parquet")
    if queries.get("model") != read_json(model):
        raise InputError(f"{folder}: its embeddings are not from the model that {model} now is; run its study")
    encoder = load_encoder(model, threads, query_prompt=queries.get("prompt"))
    retriever = Retriever.open(method_file, store, threads)
    if retriever.store and retriever.store.codec.bytes_per_vector < retriever.codec.bytes_per_vector:
        raise InputError(f"the rescore store {rescore!r} is coarser than the method {method!r}")
    with limit_threads(threads):
        started = time.perf_counter()
        query = encoder.encode_queries([question])
        embedded = time.perf_counter()
        scores, rows = retriever.search(query, top_k, multiplier if store else 1)
        searched = time.perf_counter()
    found = rows[0][rows[0] >= 0]
    documents = dict(zip(found, shown_documents(folder.parent / "corpus.parquet", found), strict=True))
    for place, (row, score) in enumerate(zip(found, scores[0], strict=False), start=1):
        identifier, text = documents[row]
        shown = textwrap.indent(harmless(text), "   ")
        sys.stdout.write(f"{place}. {harmless(identifier)}  (score {score:.4f})\n{shown}\n\n")
    sys.stdout.write(
        f"embedded in {1000 * (embedded - started):.1f} ms, searched in {1000 * (searched - embedded):.2f} ms\n"
    )


def _check_question(question: str) -> None:
    if not question.strip():
        raise InputError("the question is empty")
    try:
        question.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"the question is not UTF-8 text, from its character {error.start + 1} on") from None


def _existing(folder: Path, name: str, what: str) -> Path:
    known = {file.name.partition(".")[0]: file for file in sorted(folder.glob("*.json"))}
    if not known:
        raise InputError(f"{folder.parent}: no finished run here; give a folder results/{{dataset}}/{{model}}")
    if name not in known:
        raise InputError(f"{what} {name!r} is not in {folder}{nearest(name, known)}")
    return known[name]
