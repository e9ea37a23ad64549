"""Other studies of the small collection, from nothing."""

import json
import shutil

import ir_measures
import numpy as np
import pytest

from support.embeddings import write_vectors
from support.small_study import DOCUMENTS, QUERIES, REPOSITORY, TABLES_ALONE, Checkout, new_checkout, report, study

pytestmark = pytest.mark.workflow
GIVEN = {"minilm": {"type": "precomputed", "corpus": "vectors/embeddings", "queries": "vectors/queries.parquet"}}
"""The small study's own embeddings, as given ones: nothing is embedded."""

IGNORED = shutil.ignore_patterns(".*")
KEYS = ["method", "rescore_store", "rescore_multiplier", "top_k"]


@pytest.fixture(scope="module")
def unjudged(finished, tmp_path_factory):
    """A study of the finished one's embeddings without judgements, which has run, and what the run printed."""
    checkout = new_checkout(tmp_path_factory.mktemp("unjudged") / "study")
    made = finished.folder / "results" / "facts" / "minilm"
    shutil.copytree(made / "embeddings", checkout.folder / "vectors" / "embeddings", ignore=IGNORED)
    shutil.copy(made / "queries.parquet", checkout.folder / "vectors")
    shutil.rmtree(checkout.folder / "input" / "qrels")
    methods = {name: study()["methods"][name] for name in ("float32", "binary")}
    rescore = {"stores": ["int8", "float32"], "multipliers": [2, 4]}
    checkout.configure(models=GIVEN, methods=methods, top_k=[10], rescore=rescore)
    status, output = checkout.snakemake("--configfile", "study.yaml")
    assert status == 0, output
    return checkout, output


def test_from_scratch_on_one_core_gives_the_same_bytes(finished, tmp_path):
    again = new_checkout(tmp_path / "again")
    status, output = again.snakemake("--configfile", "study.yaml", *TABLES_ALONE, cores=1)
    assert status == 0, output
    for name in ("retrieval.csv", "memory.csv", "significance.csv", "macro.csv"):
        written = [own.folder.joinpath("results", "reports", "small", name).read_bytes() for own in (finished, again)]
        assert written[0] == written[1], name


def test_without_judgements_agreement_is_measured(unjudged):
    checkout, output = unjudged
    retrieval = report(checkout, "retrieval")
    assert retrieval[["nDCG@10", "RR@10", "retention_nDCG@10"]].isna().all(axis=None)
    assert retrieval[["overlap@10", "rbo"]].notna().all(axis=None)
    assert "compared in agreement with float32 (overlap@10), not in quality" in output
    assert report(checkout, "significance")["kind"].eq("agreement").all()
    assert "rbo" in output
    assert report(checkout, "recommendation")["measure"].tolist() == ["overlap@10"]
    worst = report(checkout, "worst_queries")
    assert worst["metric"].eq("overlap@10").all()
    assert set(worst["document"]) <= set(DOCUMENTS)
    rescored = worst["rescore_store"] == "int8"
    assert worst.loc[~rescored, "reason"].eq("not a candidate").all()
    assert set(worst.loc[rescored, "reason"]) <= {"not a candidate", "lost in rescoring"}
    assert worst["rank"].isna().all()
    assert worst["baseline_rank"].between(1, 10).all()
    assert 0 < worst.groupby("rescore_store").size().max() <= len(QUERIES)
    assert "nothing is judged" in output


def test_more_candidates_than_documents_are_clipped_and_said(unjudged):
    checkout, output = unjudged
    assert "top_k × multiplier of up to 40 is clipped to the corpus's 25 documents" in output
    retrieval = report(checkout, "retrieval").set_index(["method", "rescore_store", "rescore_multiplier"])
    assert retrieval.loc[("binary", "float32", 4), "overlap@10"] == 1  # all documents were candidates


def test_missing_documents_stay_relevant_and_own_documents_are_no_results(fresh):
    """Queries are documents, as in ArguAna; ir-measures judges a search in float64 that leaves each query's own out.

    Scans are searched by part, the graph is not.
    """
    rng, ids = np.random.default_rng(0), [f"d{row}" for row in range(len(DOCUMENTS))]
    vectors = rng.standard_normal((len(DOCUMENTS), 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked = [0, 3, 7, 12]
    query_vectors = vectors.copy()
    query_vectors[1] = vectors[20 % len(vectors)]
    folder = fresh.folder / "input"
    lines = [json.dumps({"_id": ids[row], "text": DOCUMENTS[row]}) for row in asked]
    lines.append(json.dumps({"_id": "d1", "text": "the same id by chance"}))
    (folder / "queries.jsonl").write_text("\n".join(lines))
    qrels = {ids[row]: {ids[row + 1]: 1, ids[row + 2]: 2} for row in [*asked, 1]}
    qrels["d0"]["gone"] = 1
    judged = [f"{query} 0 {doc} {grade}\n" for query, docs in qrels.items() for doc, grade in docs.items()]
    (folder / "qrels" / "test.tsv").write_text("".join(judged) + "unknown 0 d1 1\n")
    write_vectors(fresh.folder / "corpus.parquet", vectors)
    write_vectors(fresh.folder / "queries.parquet", query_vectors)
    fresh.configure(
        models={"minilm": {"type": "precomputed", "corpus": "corpus.parquet", "queries": "queries.parquet"}},
        methods={name: study()["methods"][name] for name in ("float32", "int8", "int8-hnsw")},
        rescore={"stores": ["float32"], "multipliers": [2]},
        search={"by": "part"},
        top_k=[10],
    )
    status, output = fresh.snakemake("--configfile", "study.yaml", *TABLES_ALONE)
    assert status == 0, output
    assert "left out: 4 results that are the query itself" in output
    assert "left out: 1 judgements of unknown queries" in output
    assert "kept: 1 results with the id of the query and another text" in output
    assert "kept: 1 judgements of documents that the corpus lacks" in output
    run = [
        ir_measures.ScoredDoc(ids[row], doc, float(score))
        for row in [*asked, 1]
        for doc, score in zip(ids, vectors.astype(np.float64) @ query_vectors[row].astype(np.float64), strict=True)
        if row == 1 or doc != ids[row]
    ]
    judge = ir_measures.calc_aggregate([ir_measures.nDCG @ 10, ir_measures.R @ 10], qrels, run)
    found = report(fresh, "retrieval").set_index(["method", "rescore_store"])
    for metric, value in judge.items():
        assert found.loc[("float32", "none"), str(metric)] == pytest.approx(value, rel=1e-5)
        assert found.loc[("int8-hnsw", "float32"), str(metric)] == pytest.approx(value, rel=1e-5)
    assert found.loc[("float32", "none"), ["overlap@10", "rbo"]].tolist() == [1, 1]
    assert found.loc[("int8-hnsw", "none"), "index_overlap"] == 1


def test_default_study_plans(tmp_path):
    checkout = new_checkout(tmp_path / "default")
    for config in sorted(REPOSITORY.glob("config/*.yaml")):
        status, output = Checkout(checkout.folder).snakemake("--configfile", str(config), "--dry-run")
        assert status == 0, f"{config}: {output}"
    assert checkout.snakemake("--dry-run")[0] == 0
