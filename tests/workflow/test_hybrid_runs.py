"""Fusion and a reranker, added to a study that has run: what runs again, and what is missing is said at once."""

import pytest

from support.small_study import QUERIES, report

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
    changed.configure(reranker={"run": "scores.trec"}, requirements={"min_retention": 0.0, "judge_after": "reranker"})
    status, output = changed.snakemake("--configfile", "study.yaml")
    assert status == 0, output
    recommended, table = report(changed, "recommendation").iloc[0], report(changed, "reranking")
    assert recommended["top_k"] == table["top_k"].max()
    assert recommended["kept_low"] == table.set_index(KEYS).loc[tuple(recommended[KEYS]), "kept_low"]
    assert recommended["code"].endswith("# These rows are what the reranker is handed.")
    reranked = table.query("top_k == 10")
    assert reranked["mean"].tolist() == pytest.approx(reranked["first_stage_recall"].tolist())
