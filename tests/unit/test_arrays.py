"""``evaluate`` on arrays: judged by ir-measures on brute-force rankings; no file and no switch is left behind."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import ir_measures
import numpy as np
import pytest
from ir_measures import RR, R, nDCG

import embquant
from embquant import evaluate
from embquant.errors import InputError
from support.codec_cases import unit_vectors

DOCUMENTS, QUERIES, DIM = 400, 25, 32
QRELS = {query: {(query * 7 + step) % DOCUMENTS: 1 + step % 2 for step in range(9)} for query in range(0, QUERIES, 2)}
METHODS = {
    "bits": {"codec": "binary", "index": "flat"},
    "int8": {"codec": "int8", "index": "flat"},
    "graph": {"codec": "int8", "index": "hnsw", "search": {"expansion_search": [8, 64]}},
    "small": {"codec": "small", "index": "flat"},
}
CODECS = {"small": {"family": "int8", "calibration": 100, "transform": {"kind": "truncate", "dim": 16}}}


@pytest.fixture(scope="module")
def vectors():
    """Documents near the queries that they are judged for, so that metrics are neither 0 nor 1."""
    corpus, queries = unit_vectors(DOCUMENTS, dim=DIM), unit_vectors(QUERIES, dim=DIM, seed=1)
    for query, documents in QRELS.items():
        corpus[list(documents)] += 0.5 * queries[query]
    return (corpus / np.linalg.norm(corpus, axis=1, keepdims=True)).astype(np.float32), queries


@pytest.fixture(scope="module")
def table(vectors):
    metrics = ["nDCG@10", "RR@10", "R@10", "overlap@10", "rbo"]
    settings = {"rescore_stores": ["binary", "float32"], "multipliers": [1, 4], "metrics": metrics}
    return evaluate(*vectors, METHODS, QRELS, codecs=CODECS, **settings)


def test_agreement_is_that_of_brute_force_however_short_or_long_vectors_are():
    rng = np.random.default_rng(0)
    corpus = unit(rng.standard_normal((60, 384)))
    queries = unit(corpus[:12] + 0.03 * rng.standard_normal((12, 384)))
    signs = np.where(queries > 0, 1, -1) @ np.where(corpus > 0, 1, -1).T
    best, found = (np.argsort(-scores, axis=1, kind="stable")[:, :10] for scores in (queries @ corpus.T, signs))
    expected = np.mean([len(set(one) & set(other)) / 10 for one, other in zip(best, found, strict=True)])
    for scale in (1e-3, 1, 1e3):
        scaled = [(scale * vectors).astype(np.float32) for vectors in (corpus, queries)]
        table = evaluate(*scaled, {"bits": METHODS["bits"]}, metrics=["overlap@10"])
        assert value(table, "float32")["overlap@10"] == 1
        assert value(table, "bits")["overlap@10"] == pytest.approx(expected)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def value(table, method, store="none", multiplier=1):
    (row,) = table[
        (table["method"] == method) & (table["rescore_store"] == store) & (table["rescore_multiplier"] == multiplier)
    ].to_dict("records")
    return row


def judged(rows):
    """Return what ir-measures makes of rankings, document rows (queries, k)."""
    run = {str(query): {str(row): -place for place, row in enumerate(found)} for query, found in enumerate(rows)}
    qrels = {str(query): {str(row): gain for row, gain in gains.items()} for query, gains in QRELS.items()}
    pairs = ir_measures.iter_calc([nDCG @ 10, RR @ 10, R @ 10], qrels, run)
    sums = dict.fromkeys(["nDCG@10", "RR@10", "R@10"], 0.0)
    for metric in pairs:
        sums[str(metric.measure)] += metric.value / len(QRELS)  # the queries that are judged
    return sums


def best(scores, k=10):
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


def test_quality_is_that_of_brute_force_rankings(vectors, table):
    corpus, queries = vectors
    exact = (queries.astype(np.float64) @ corpus.T.astype(np.float64)).round(12)
    hamming = -((queries > 0)[:, None] ^ (corpus > 0)[None]).sum(axis=2)
    candidates = best(hamming, 40)
    rescored = np.take_along_axis(candidates, best(np.take_along_axis(exact, candidates, axis=1)), axis=1)
    rankings = {("float32", "none", 1): best(exact), ("bits", "none", 1): best(hamming)}
    rankings |= {("bits", "float32", 4): rescored}
    for setting, rows in rankings.items():
        found, expected = value(table, *setting), judged(rows)
        assert {name: found[name] for name in expected} == pytest.approx(expected)
        assert 0 < found["nDCG@10"] < 1
    retained = value(table, "bits")["nDCG@10"] / value(table, "float32")["nDCG@10"]
    assert value(table, "bits")["retention_nDCG@10"] == pytest.approx(retained)
    assert value(table, "float32")["overlap@10"] == 1
    assert value(table, "float32")["queries"] == len(QRELS)


def test_every_setting_has_a_row_with_its_bytes(table):
    graphs = ["graph-expansion-search-8", "graph-expansion-search-64"]
    stores = {
        "float32": 0,
        "bits": 2,
        "int8": 1,
        "small": 1,
        **dict.fromkeys(graphs, 1),
    }  # none is coarser than the codec
    assert table.groupby("method", sort=False).size().to_dict() == {
        name: 1 + 2 * count for name, count in stores.items()
    }
    assert table.groupby("method")["bytes_per_vector"].first().to_dict() == {
        "float32": 4 * DIM, "bits": DIM // 8, "int8": DIM, "small": 16, **dict.fromkeys(graphs, DIM)
    }  # fmt: skip
    assert value(table, "int8", "float32", 4)["store_file_bytes"] >= 4 * DIM * DOCUMENTS
    assert value(table, "int8")["store_file_bytes"] == 0
    assert value(table, "graph-expansion-search-64")["index_overlap"] >= 0.99  # of the exact scan of the same codes


def test_without_judgements_agreement_is_measured(vectors):
    found = evaluate(*vectors, {"bits": METHODS["bits"]}, metrics=["nDCG@10", "overlap@10"])
    assert found["nDCG@10"].isna().all()
    assert found["overlap@10"].tolist()[0] == 1 > found["overlap@10"].tolist()[1]
    assert found["compared_in"].eq("overlap@10").all()


SWITCHES = """
import csv
import os
from pathlib import Path

import faiss
import matplotlib
import numpy as np
import threadpoolctl

def switches():
    pools = {pool["filepath"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()}
    return pools, faiss.omp_get_max_threads(), csv.field_size_limit(), dict(matplotlib.rcParams), dict(os.environ)

before = switches()
import embquant
import embquant.cli
import embquant.report.show.figures.style
from embquant.datasets.formats import open_table
Path("corpus.csv").write_text("_id,text\\n1,a\\n")
assert [rows.columns for rows in open_table(Path("corpus.csv")).read(["_id"])] == [{"_id": ["1"]}]
vectors = np.random.default_rng(0).normal(size=(300, 16)).astype(np.float32)
kinds = {"binary": ["flat", "fastscan", "ivf", "hnsw"], "int8": ["flat"], "rabitq": ["flat"], "float32": ["ivf"]}
methods = {f"{codec}-{kind}": {"codec": codec, "index": kind} for codec, known in kinds.items() for kind in known}
embquant.evaluate(vectors, vectors[:20], methods, metrics=["overlap@10"], rescore_stores=["int8"], threads=2)
after = switches()
assert all(after[0][pool] == threads for pool, threads in before[0].items()), (before[0], after[0])
assert before[1:] == after[1:]
"""


def test_no_switch_of_the_process_is_left_on(tmp_path):
    source = {**os.environ, "PYTHONPATH": str(Path(embquant.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", SWITCHES], check=True, cwd=tmp_path, env=source)


def test_no_files_are_left(vectors, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    evaluate(*vectors, {"int8": METHODS["int8"]}, QRELS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"queries": np.ones((3, 8))}, "queries: 8 dimensions, expected 32, as the corpus has"),
        ({"corpus": np.ones(32)}, r"corpus: an array of shape \(32,\), expected \(rows, dimensions\)"),
        ({"corpus": np.full((3, 32), np.nan)}, "corpus: row 0 has a value that is no finite float32 number"),
        ({"methods": {"x": {"codec": "int9", "index": "flat"}}}, "int9"),
        ({"methods": {"x": {"codec": "int8", "index": "flatt"}}}, "flatt"),
        ({"qrels": {99: {0: 1}}}, "qrels: query 99, document 0: expected rows of 25 queries and 400 documents"),
        ({"qrels": {1: {0: 0.5}}}, "qrels: query 1, document 0: relevance 0.5, expected a whole number"),
        ({"qrels": {1: {0: 0, 2: -1}}}, "qrels: no relevance is above 0"),
        ({"metrics": ["nDCG"]}, "nDCG"),
        ({"top_k": 10}, r"top_k is 10, expected a list: \[10\]"),
        ({"rescore_stores": "int8"}, r"rescore_stores is 'int8', expected a list: \['int8'\]"),
        ({"methods": {"bits": "binary"}}, "methods is {'bits': 'binary'}, expected names and entries: {\"bits\": "),
        ({"methods": ["binary"]}, r"methods is \['binary'\], expected names and entries"),
        ({"rescore_stores": ["int9"]}, "int9"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(vectors, changes, message):
    corpus, queries = vectors
    arguments = {"corpus": corpus, "queries": queries, "methods": METHODS, "codecs": CODECS, **changes}
    with pytest.raises(InputError, match=message) as error:
        evaluate(**arguments)
    assert "\n" not in str(error.value)


def test_the_public_names_are_those_of_their_modules():
    assert set(embquant.__all__) == {"Retriever", "Study", "evaluate", "__version__"}
    assert all(getattr(embquant, name) is not None for name in embquant.__all__)
    with pytest.raises(AttributeError, match="embquant has no 'Studdy'"):
        _ = embquant.Studdy
