"""What a run says it will do, against what it then does: settings, jobs, and bytes on disk."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from support.small_study import Checkout, new_checkout

pytestmark = pytest.mark.workflow

DOCUMENTS, QUERIES, DIM = 1500, 200, 64
CONFIG = {
    "models": {"given": {"type": "precomputed", "corpus": "vectors.npy", "queries": "vectors.npy", "ids": "ids.txt"}},
    "codecs": {
        "float32": {"family": "float32"},
        "binary": {"family": "binary"},
        "int8": {"family": "int8", "transform": {"kind": "truncate", "dim": 48}},
    },
    "methods": {
        "float32": {"codec": "float32", "index": "flat"},
        "binary": {"codec": "binary", "index": "flat"},
        "int8-hnsw": {"codec": "int8", "index": "hnsw", "search": {"expansion_search": [32, 64]}},
    },
    "top_k": [10],
    "rescore": {"stores": ["float32"], "multipliers": [2, 20]},
}
"""A study of vectors that are given: nothing is embedded, so that it is quick."""


def with_vectors(folder, **changes):
    """Make a checkout with a study of random vectors; the last document repeats the first one's text."""
    checkout = new_checkout(folder)
    texts = [f"document {row % (DOCUMENTS - 1)}" for row in range(DOCUMENTS)]
    rows = [json.dumps({"_id": f"d{row}", "title": "", "text": text}) for row, text in enumerate(texts)]
    (checkout.folder / "input" / "corpus.jsonl").write_text("\n".join(rows) + "\n")
    rows = [json.dumps({"_id": f"q{row}", "text": f"query {row}"}) for row in range(QUERIES)]
    (checkout.folder / "input" / "queries.jsonl").write_text("\n".join(rows) + "\n")
    qrels = ["query-id\tcorpus-id\tscore", *(f"q{row}\td{row}\t1" for row in range(QUERIES))]
    (checkout.folder / "input" / "qrels" / "test.tsv").write_text("\n".join(qrels) + "\n")
    vectors = np.random.default_rng(0).standard_normal((DOCUMENTS + QUERIES, DIM)).astype(np.float32)
    np.save(checkout.folder / "vectors.npy", vectors)
    ids = [f"d{row}" for row in range(DOCUMENTS)] + [f"q{row}" for row in range(QUERIES)]
    (checkout.folder / "ids.txt").write_text("\n".join(ids) + "\n")
    checkout.configure(**{**CONFIG, **changes})
    return checkout


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """A checkout in which the study has run, and what it printed."""
    checkout = with_vectors(tmp_path_factory.mktemp("planned") / "study")
    status, output = checkout.snakemake("--configfile", "study.yaml")
    assert status == 0, output
    return checkout, output


def plan_of(checkout):
    return json.loads((checkout.folder / "results" / "reports" / "small" / "plan.json").read_text())


def test_the_plan_is_told_before_anything_long_begins_and_counts_what_there_is(planned):
    _, output = planned
    told = output[: output.index("Quantizing: ")]
    assert f"documents  {DOCUMENTS:,}, {DOCUMENTS - 1:,} different texts; {QUERIES} queries" in told
    assert re.search(r"Study small \(study\.yaml\): (\d+) of \1 jobs to run", told)
    assert re.search(r"disk +up to [\d.]+ MB to write, [\d.]+ [GT]B free", told)


def test_the_settings_that_are_told_are_the_rows_of_the_report(planned):
    checkout, output = planned
    rows = len(pd.read_csv(checkout.folder / "results" / "reports" / "small" / "retrieval.csv"))
    assert f"settings   {rows} (4 methods, 1 store × 2 multipliers × 1 top_k)" in output


def test_files_take_at_most_what_the_plan_says_and_lie_where_it_says(planned):
    checkout, _ = planned
    files = [file for file in plan_of(checkout)["files"] if file["until"] is None]
    actual = sum((checkout.folder / file["path"]).stat().st_size for file in files)
    assert actual <= sum(file["bytes"] for file in files) <= 2 * actual
    # Whatever else the study wrote in these folders is small.
    folders = ["results/facts/given", "results/reports/small/runs"]
    written = [path for folder in folders for path in checkout.folder.joinpath(folder).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in written) == pytest.approx(actual, rel=0.2)


def test_a_run_that_goes_on_says_how_much_is_done_and_what_is_left(planned, tmp_path):
    checkout, _ = planned
    (checkout.folder / "results" / "reports" / "small" / "summary.csv").unlink()
    status, output = checkout.snakemake("--configfile", "study.yaml")
    assert status == 0, output
    assert re.search(r"Study small \(study\.yaml\): 2 of \d+ jobs to run, the others are done", output)
    assert "Plan of the study small" in output
    assert "disk       up to 0 B to write" in output
    assert checkout.jobs() == {}


def test_a_study_that_the_disk_cannot_hold_is_refused_before_anything_is_embedded(tmp_path):
    checkout = with_vectors(tmp_path / "refused", disk_gb=0.001)
    status, output = checkout.snakemake("--configfile", "study.yaml")
    assert status != 0
    last = output.rstrip().splitlines()[-1]
    assert re.match(
        r"embquant: error: study small: up to [\d.]+ MB are to be written under .*results, 1 MB allowed", last
    )
    assert not list(checkout.folder.glob("results/facts/given/embeddings/*"))


def test_other_requirements_are_no_reason_to_plan_again(planned):
    checkout, _ = planned
    changed = Checkout(checkout.folder)
    changed.configure(**{**CONFIG, "requirements": {"min_retention": 0.5}})
    assert "plan_study" not in changed.jobs()
