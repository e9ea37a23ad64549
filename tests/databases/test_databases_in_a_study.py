"""A study of databases: built three times, judged, timed, measured in memory; nothing is left running or lying."""

import json
from importlib.metadata import version

import numpy as np
import pandas as pd
import pytest

from support.small_study import new_checkout

pytestmark = pytest.mark.workflow

DOCUMENTS, QUERIES, DIM = 1500, 12, 32
SCANNED = {"quantization": {"scalar": {"type": "int8"}}, "hnsw_config": {"m": 0}, "indexing_threshold": 1}
METHODS = {
    "float32": {"codec": "float32", "index": "flat"},
    "qdrant": {
        "codec": "float32",
        "index": "qdrant",
        "build": {**SCANNED, "hnsw_config": {"m": 4, "full_scan_threshold": 10}},
        "search": {"hnsw_ef": [10, 200], "rescore": False},
    },
    "qdrant-scan": {"codec": "float32", "index": "qdrant", "build": SCANNED, "search": {"rescore": False}},
    "sqlite": {"codec": "float32", "index": "sqlite-vec", "build": {"column": "bit"}, "search": {"oversampling": 4}},
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    checkout = new_checkout(tmp_path_factory.mktemp("databases") / "study")
    folder = checkout.folder / "mine"
    (folder / "qrels").mkdir(parents=True)
    vectors = np.random.default_rng(0).standard_normal((DOCUMENTS + QUERIES, DIM)).astype(np.float32)
    vectors[DOCUMENTS:] = vectors[:QUERIES] + 0.3 * vectors[DOCUMENTS:]
    texts = [json.dumps({"_id": f"d{row}", "title": "", "text": f"fact {row}"}) for row in range(DOCUMENTS)]
    asked = [json.dumps({"_id": f"q{row}", "text": f"which {row}"}) for row in range(QUERIES)]
    (folder / "corpus.jsonl").write_text("\n".join(texts) + "\n")
    (folder / "queries.jsonl").write_text("\n".join(asked) + "\n")
    rows = ["query-id\tcorpus-id\tscore", *(f"q{row}\td{row}\t1" for row in range(QUERIES))]
    (folder / "qrels" / "test.tsv").write_text("\n".join(rows) + "\n")
    np.save(checkout.folder / "vectors.npy", vectors[:DOCUMENTS])
    np.save(checkout.folder / "queries.npy", vectors[DOCUMENTS:])
    (checkout.folder / "ids.txt").write_text("\n".join(f"d{row}" for row in range(DOCUMENTS)) + "\n")
    (checkout.folder / "query_ids.txt").write_text("\n".join(f"q{row}" for row in range(QUERIES)) + "\n")
    checkout.configure(
        datasets={"mine": {"source": "files", "path": "mine"}},
        models={
            "given": {
                "type": "precomputed",
                "corpus": "vectors.npy",
                "ids": "ids.txt",
                "queries": "queries.npy",
                "query_ids": "query_ids.txt",
            }
        },
        codecs={"float32": {"family": "float32"}},
        methods=METHODS,
        rescore={"stores": [], "multipliers": [1]},
        top_k=[10],
        metrics=["nDCG@10", "overlap@10"],
        timing={"rounds": 1, "single_queries": 2, "seconds": 0},
    )
    status, output = checkout.snakemake("--configfile", "study.yaml")
    assert status == 0, output
    return checkout


def table(checkout, name):
    (file,) = checkout.folder.glob(f"results/reports/*/{name}.csv")
    return pd.read_csv(file).set_index("method")


def test_each_knob_is_judged_and_the_loss_of_the_graph_is_apart(ran):
    rows = table(ran, "retrieval")
    assert list(rows.index) == ["float32", "qdrant-hnsw-ef-10", "qdrant-hnsw-ef-200", "qdrant-scan", "sqlite"]
    assert rows.loc["sqlite", "overlap@10"] < 0.9 < rows.loc["qdrant-scan", "overlap@10"]
    assert rows.loc["qdrant-hnsw-ef-10", "index_overlap"] < rows.loc["qdrant-hnsw-ef-200", "index_overlap"]
    assert (rows["nDCG@10_low"] <= rows["nDCG@10"]).all()


def test_what_varies_is_built_three_times_and_says_so(ran):
    rows = table(ran, "retrieval")
    assert rows["builds"].to_dict() == {
        **dict.fromkeys(["float32", "sqlite"], 1),
        **dict.fromkeys(["qdrant-hnsw-ef-10", "qdrant-hnsw-ef-200", "qdrant-scan"], 3),
    }
    varying = rows[rows["builds"] == 3]
    assert (varying["overlap@10_builds_least"] <= varying["overlap@10"]).all()
    assert (varying["overlap@10"] <= varying["overlap@10_builds_greatest"]).all()


def test_time_memory_and_bytes_are_measured(ran):
    speed, memory = table(ran, "speed"), table(ran, "memory")
    assert speed.loc["qdrant-scan", "engine"] == "qdrant"
    (file,) = ran.folder.glob("results/reports/*/runs/mine/given/qdrant-scan/speed.json")
    assert json.loads(file.read_text())["environment"]["qdrant-edge-py"] == version("qdrant-edge-py")
    assert (speed["latency_p50_ms"] > 0).all()
    assert (memory["index_file_bytes"] >= DOCUMENTS * DIM / 8).all()
    assert memory["bytes_per_vector"].to_dict()["sqlite"] == DIM // 8
    assert memory.loc["float32", ["originals_bytes", "searched_bytes"]].isna().all()
    databases = memory.drop(index="float32")
    assert (databases["originals_bytes"] >= 4 * DOCUMENTS * DIM).all()
    assert (databases["searched_bytes"] >= DOCUMENTS * DIM / 8).all()
    cost = table(ran, "cost")
    of_corpus = cost[cost["vectors"] == DOCUMENTS]
    expected = databases["searched_bytes"] + databases["originals_bytes"] * (databases.index != "sqlite")
    assert of_corpus["memory_bytes"].drop(index="float32").to_dict() == expected.to_dict()
    assert (of_corpus["disk_bytes"] == memory["index_file_bytes"]).all()
    for shown in ("summary.txt", "report.html"):
        (file,) = ran.folder.glob(f"results/reports/*/{shown}")
        assert "memory: qdrant on mine keeps " in file.read_text()
    assert (databases["resident_bytes"] + databases["mapped_bytes"] > 0).all()


def test_nothing_is_left_and_nothing_is_left_to_do(ran):
    assert [*ran.folder.rglob(".staging-*")] == []
    status, output = ran.snakemake("--configfile", "study.yaml")
    assert status == 0
    assert "Nothing to be done" in output
