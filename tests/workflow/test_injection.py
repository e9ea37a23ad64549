"""Texts and names that a shell, a path or a template would obey: the study runs, and nothing else does."""

import json
import shutil

import pandas as pd
import pyarrow.parquet as pq
import pytest

from support.small_study import DOCUMENTS, QUERIES, study

pytestmark = pytest.mark.workflow

INJECTION = "'; touch pwned; \" $(touch pwned) `touch pwned` && touch pwned | tee pwned > pwned\\"
IDS = [
    "../../pwned",
    "/tmp/*",
    "{dataset}",
    "{wildcards.part}",
    "a/b",
    "$(touch pwned)",
    "'; touch pwned #",
    "<script>",
]


def files_around(checkout):
    """Return what lies in the checkout and beside it, but for results and Snakemake's own."""
    folders = [checkout.folder.parent, checkout.folder, checkout.folder / "src", checkout.folder / "input"]
    return {path for folder in folders if folder.exists() for path in folder.iterdir()}


@pytest.fixture
def converted(changed):
    """A checkout of which only the model is ready: a prompt is no part of what is converted."""
    for made in (changed.folder / "results" / "facts", changed.folder / "results" / "reports"):
        shutil.rmtree(made)
    return changed


def test_what_a_shell_would_obey_is_data_in_every_string_of_a_study(converted):
    source = converted.folder / "in put '; touch pwned; $(touch pwned) `touch pwned`"
    shutil.move(converted.folder / "input", source)
    ids = [*IDS, *(f"d{row}" for row in range(len(IDS), len(DOCUMENTS)))]
    corpus = [{"_id": name, INJECTION: f"{text} {INJECTION}"} for name, text in zip(ids, DOCUMENTS, strict=True)]
    (source / "corpus.jsonl").write_text("".join(json.dumps(document) + "\n" for document in corpus))
    lines = [f"q{row}\t{ids[document]}\t1" for row, document in enumerate(QUERIES.values())]
    (source / "qrels" / "test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *lines]) + "\n")
    columns = {"corpus": {"text": INJECTION}}
    prompts = {"query_prompt": INJECTION, "document_prompt": INJECTION}
    price = {"usd_per_gb_month": 1, "source": INJECTION}
    converted.configure(
        datasets={"facts": {"source": "files", "path": source.name, "columns": columns}},
        models={"minilm": {**study()["models"]["minilm"], **prompts}},
        methods={name: study()["methods"][name] for name in ("float32", "binary")},
        prices={"memory": price, "disk": price},
        search={"by": "part"},
    )
    before = files_around(converted)
    status, output = converted.snakemake("--configfile", "study.yaml")
    assert status == 0, output
    assert files_around(converted) == before
    assert not list(converted.folder.glob("**/pwned*"))
    results = converted.folder / "results"
    assert pq.read_table(results / "facts" / "corpus.parquet")["id"].to_pylist() == ids
    assert (
        INJECTION
        in json.loads((results / "reports" / "small" / "provenance.json").read_text())["config"]["prices"][
            "disk"
        ].values()
    )
    assert len(pd.read_csv(results / "reports" / "small" / "retrieval.csv"))
