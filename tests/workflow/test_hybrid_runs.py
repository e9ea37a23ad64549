"""Fusion and a reranker, added to a study that has run: what runs again, and what is missing is said at once."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from sentence_transformers import CrossEncoder

from embquant.measure.reranking import read_returned
from support.cross_encoder import small_cross_encoder
from support.small_study import DOCUMENTS, QUERIES, report

pytestmark = pytest.mark.workflow
KEYS = ["method", "rescore_store", "rescore_multiplier", "top_k"]


@pytest.mark.parametrize(
    ("stage", "missing"),
    [
        ({"fusion": {"with": {"run": "none.trec"}}}, "none.trec"),
        ({"reranker": {"run": "scores.trec"}}, "scores.trec"),
        ({"reranker": {"model": "no/model"}}, "no/model"),
    ],
    ids=str,
)
def test_a_file_that_is_missing_ends_the_run_before_it_begins(changed, stage, missing):
    changed.configure(**stage)
    status, output = changed.snakemake("--configfile", "study.yaml")
    assert status != 0
    assert output.splitlines()[-1].startswith("embquant: error: ")
    assert missing in output.splitlines()[-1]
    assert "Planning" not in output


def test_fusing_with_another_search_evaluates_again_and_searches_nothing(finished, changed):
    """The run file has one query with the document that answers it, so that no list loses by it."""
    answer = next(iter(QUERIES.values()))
    (changed.folder / "run.trec").write_text(f"q0 Q0 d{answer} 1 1.0 other\n")
    changed.configure(
        fusion={"with": {"run": "run.trec"}, "depth": 10},
        requirements={"min_retention": 0.0, "judge_after": "fusion"},
    )
    status, output = changed.snakemake("--configfile", "study.yaml")
    assert status == 0, output
    assert "facts · minilm: searching" not in output
    assert "quantizing" not in output
    fused = report(changed, "fusion").set_index(KEYS)
    alone = report(finished, "retrieval").query("top_k == 10").set_index(KEYS)
    assert fused.index.tolist() == alone.index.tolist()
    assert (fused["mean"] >= alone["nDCG@10"]).all()
    assert report(changed, "examples").empty, "those would be of the search alone"
    recommended = report(changed, "recommendation").iloc[0]
    assert recommended["kept_low"] == fused.loc[tuple(recommended[KEYS]), "kept_low"]
    assert recommended["deployed"].startswith("judged after fusion with the given run, 10 documents of each list")
    assert recommended["code"].endswith(
        "# Fuse these rows with those of run.trec: by the sum of 1 / (60 + rank) over both lists, ranks from 1."
    )
    assert changed.snakemake("--configfile", "study.yaml")[1].endswith(
        "Nothing to be done: all results are up to date\n"
    )


def test_scores_of_a_reranker_put_the_answers_first_wherever_they_are_handed_over(changed):
    """The file scores each query's answer alone: where a setting returns it, it is first, so that nDCG is recall."""
    lines = [f"q{query} Q0 d{answer} 1 1.0 other\n" for query, answer in enumerate(QUERIES.values())]
    (changed.folder / "scores.trec").write_text("".join(lines))
    requirements = {"min_retention": 0.0, "judge_after": "reranker"}
    metrics = ["nDCG@3", "overlap@3"]
    changed.configure(reranker={"run": "scores.trec"}, requirements=requirements, metrics=metrics)
    status, output = changed.snakemake("--configfile", "study.yaml")
    assert status == 0, output
    recommended, table = report(changed, "recommendation").iloc[0], report(changed, "reranking")
    assert recommended["top_k"] == table["top_k"].max()
    assert recommended["kept_low"] == table.set_index(KEYS).loc[tuple(recommended[KEYS]), "kept_low"]
    assert recommended["code"].endswith("# These rows are what the reranker is handed.")
    assert table["mean"].tolist() == pytest.approx(table["first_stage_recall"].tolist())
    summary = (changed.folder / "results" / "reports" / "small" / "summary.txt").read_text()
    assert "\nreranker:\nfacts · minilm: the least top_k at which nDCG@3 after the reranker " in summary


def test_a_cross_encoder_ranks_what_is_handed_to_it(changed):
    words = sorted({word.strip(".").lower() for text in DOCUMENTS for word in text.split()})
    model = small_cross_encoder(changed.folder, words)
    changed.configure(reranker={"model": "model"})
    run = changed.folder / "results" / "reports" / "small" / "runs" / "facts" / "minilm" / "float32"
    status, output = changed.snakemake(
        str(run.relative_to(changed.folder) / "reranked.parquet"), "--configfile", "study.yaml"
    )
    assert status == 0, output
    judge = CrossEncoder(str(model), device="cpu")
    [returned] = [rows for setting, rows in read_returned(run / "returned.parquet") if setting.top_k == 10]
    expected = []
    for (query, answer), rows in zip(QUERIES.items(), returned, strict=True):
        pairs = [(query, DOCUMENTS[row]) for row in rows]
        scores = judge.predict(pairs, activation_fn=lambda logits: logits)
        ranked = rows[np.argsort(-scores)].tolist()
        expected.append(1 / np.log2(2 + ranked.index(answer)) if answer in ranked else 0)
    table = pq.read_table(run / "reranked.parquet").to_pandas().query("top_k == 10")
    assert table["nDCG@10"].tolist() == pytest.approx(expected)
