"""What doesn't fit a dataset is left out of it, with the reason, and everything else runs."""

import json

import numpy as np
import pytest

from embquant.errors import InputError
from embquant.retrieve.retriever import Retriever
from support.small_study import new_checkout, report

pytestmark = pytest.mark.workflow

DOCUMENTS = {"few": 82, "many": 300}
QUERIES, DIM = 12, 32


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A checkout with a study of two datasets, with vectors too large for float16, and what a run of it printed."""
    checkout = new_checkout(tmp_path_factory.mktemp("left-out") / "study")
    ids = [*(f"d{row}" for row in range(300)), *(f"q{row}" for row in range(QUERIES))]
    vectors = np.random.default_rng(0).standard_normal((300, DIM)).astype(np.float32)
    for dataset, documents in DOCUMENTS.items():
        folder = checkout.folder / dataset
        (folder / "qrels").mkdir(parents=True)
        rows = [json.dumps({"_id": f"d{row}", "title": "", "text": f"fact {row}"}) for row in range(documents)]
        (folder / "corpus.jsonl").write_text("\n".join(rows) + "\n")
        rows = [json.dumps({"_id": f"q{row}", "text": f"which {row}"}) for row in range(QUERIES)]
        (folder / "queries.jsonl").write_text("\n".join(rows) + "\n")
        rows = ["query-id\tcorpus-id\tscore", *(f"q{row}\td{row}\t1" for row in range(QUERIES))]
        (folder / "qrels" / "test.tsv").write_text("\n".join(rows) + "\n")
    np.save(checkout.folder / "vectors.npy", np.concatenate([vectors * 1e6, vectors[:QUERIES]]))
    (checkout.folder / "ids.txt").write_text("\n".join(ids) + "\n")
    np.save(checkout.folder / "queries.npy", vectors[:QUERIES])
    (checkout.folder / "query_ids.txt").write_text("\n".join(ids[300:]) + "\n")
    given = {"type": "precomputed", "corpus": "vectors.npy", "ids": "ids.txt", "normalize": False}
    codecs = {family: {"family": family} for family in ("float32", "float16", "binary")}
    checkout.configure(
        datasets={name: {"source": "files", "path": name} for name in DOCUMENTS},
        models={"given": {**given, "queries": "queries.npy", "query_ids": "query_ids.txt"}},
        codecs={**codecs, "pq": {"family": "pq", "pieces": 4}},
        methods={
            **{name: {"codec": name, "index": "flat"} for name in (*codecs, "pq")},
            "binary-ivf": {"codec": "binary", "index": "ivf", "build": {"lists": 100}},
        },
        rescore={"stores": ["float16"], "multipliers": [2]},
        search={"by": "part"},
        top_k=[10],
        metrics=["nDCG@10", "overlap@10"],
        timing={"rounds": 1, "single_queries": 2, "seconds": 0},
    )
    status, output = checkout.snakemake("--configfile", "study.yaml")
    assert status == 0, output
    return checkout, output


def test_all_other_methods_are_measured_and_no_row_tells_of_the_others(ran):
    checkout, _ = ran
    for table in ("retrieval", "summary", "speed", "memory", "cost"):
        found = report(checkout, table).groupby("dataset")["method"].unique()
        assert set(found["few"]) == {"float32", "binary"}, table
        assert set(found["many"]) == {"float32", "binary", "pq", "binary-ivf"}, table
    summary = report(checkout, "summary")
    assert set(summary["rescore_store"]) == {"none"}
    assert summary.query("method == 'float32'")["nDCG@10"].tolist() == [1, 1]


def test_the_reports_say_what_is_left_out_and_why(ran):
    checkout, _ = ran
    rows = report(checkout, "left_out").fillna("").set_index(["dataset", "method", "rescore_store"])["reason"]
    assert set(rows.index) == {
        *((dataset, "float16", "") for dataset in DOCUMENTS),
        *((dataset, "binary", "float16") for dataset in DOCUMENTS),
        ("few", "pq", ""),
        ("few", "binary-ivf", ""),
        *(("many", method, "float16") for method in ("pq", "binary-ivf")),
    }
    assert rows["few", "pq", ""].startswith("codec pq: needs at least 256 training vectors")
    assert rows["few", "binary-ivf", ""].startswith("index ivf: 82 documents can't fill 100 lists")
    assert "beyond 65504, the greatest that float16 holds" in rows["many", "float16", ""]
    reports = checkout.folder / "results" / "reports" / "small"
    assert "\nleft out: pq: codec pq: needs at least 256" in (reports / "summary.txt").read_text()
    assert "greatest that float16 holds" in (reports / "report.html").read_text()


def test_the_plan_says_what_the_number_of_documents_tells(ran):
    checkout, output = ran
    reports = checkout.folder / "results" / "reports" / "small"
    plan = json.loads((reports / "plan.json").read_text())
    assert {(one["dataset"], one["method"]) for one in plan["left_out"]} == {("few", "pq"), ("few", "binary-ivf")}
    assert "left out   pq: codec pq: needs at least 256" in output
    assert "left out   pq: codec pq: needs at least 256" in (reports / "plan.txt").read_text()


def test_averages_count_the_datasets_that_have_a_setting(ran):
    checkout, _ = ran
    macro = report(checkout, "macro").query("metric == 'nDCG@10'").set_index("method")["datasets"]
    assert macro.to_dict() == {"float32": 2, "binary": 2, "pq": 1, "binary-ivf": 1}


def test_an_opened_method_says_why_it_is_not_there(ran):
    checkout, _ = ran
    with pytest.raises(InputError, match="left out of the study: codec pq: needs at least 256"):
        Retriever.open(checkout.folder / "results/few/given/methods/pq.json")


def test_nothing_runs_again(ran):
    checkout, _ = ran
    assert checkout.jobs() == {}
