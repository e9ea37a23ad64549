"""Fusion by reciprocal ranks: by hand, by ir-measures, and as evaluate-run and the reports have it."""

import ir_measures
import numpy as np
import pandas as pd
import pytest

from embquant.errors import InputError
from embquant.measure.fusion import Fusion, reciprocal_rank_fusion
from embquant.measure.judgements import Judgements
from embquant.measure.metrics import parse_metric
from embquant.report.numbers.quality import with_quality
from embquant.report.numbers.stages import judged_after, stage_table
from embquant.retrieve.candidates import Candidates
from embquant.steps.read_run import read_run
from embquant.study.study import Study
from support.dataset_files import prepare, write_beir
from support.made_up_study import configuration
from support.metric_files import write

QUERIES = 40


def test_scores_are_sums_of_reciprocal_ranks():
    scores, rows = reciprocal_rank_fusion(np.array([[5, 2, 7]]), np.array([[2, 9, -1]]), k=60)
    assert rows.tolist() == [[2, 5, 9, 7, -1, -1]]
    assert scores[0, :4].tolist() == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62, 1 / 63])
    assert np.isneginf(scores[0, 4:]).all()


def test_equal_scores_are_tied_and_ordered_by_row():
    """1/70 + 1/105 = 1/84 + 1/84; and a document of either list alone at the same rank."""
    one, other = np.arange(100, 200)[None], np.arange(300, 400)[None]
    one[0, [9, 23]], other[0, [44, 23]] = [8, 7], [8, 7]
    scores, rows = reciprocal_rank_fusion(one, other, k=60)
    assert rows[0, :4].tolist() == [7, 8, 100, 300]
    assert scores[0, 0] == scores[0, 1]
    assert scores[0, 2] == scores[0, 3] == pytest.approx(1 / 61)


def lists(seed, documents=60, depth=20):
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(documents)[:depth] for _ in range(QUERIES)])


def test_fused_lists_are_measured_as_a_dictionary_and_ir_measures_do():
    rows, other, exact = lists(0), lists(1), lists(2)
    other[::3, 5:] = -1
    rng = np.random.default_rng(3)
    pairs = {(query, int(row)): int(rng.integers(1, 3)) for query in range(QUERIES) for row in rng.integers(0, 60, 8)}
    table = np.array([(query, row, relevance) for (query, row), relevance in pairs.items()])
    judgements = Judgements.from_rows(*table.T, QUERIES, 60)
    metrics = [parse_metric(name) for name in ("nDCG@10", "R@20", "overlap@10")]
    found = Fusion(other, exact, 60, metrics, judgements).values(rows)

    def fused(query, first):
        scores = {}
        for ranked in (first[query], other[query]):
            for rank, row in enumerate(ranked, start=1):
                if row >= 0:
                    scores[int(row)] = scores.get(int(row), 0) + 1 / (60 + rank)
        return scores

    def best(scores, count):
        return sorted(scores, key=lambda row: (-round(scores[row], 12), row))[:count]

    qrels = [ir_measures.Qrel(str(query), str(row), relevance) for (query, row), relevance in pairs.items()]
    run = [
        ir_measures.ScoredDoc(str(query), str(row), -rank)
        for query in range(QUERIES)
        for rank, row in enumerate(best(fused(query, rows), 20))
    ]
    for name in ("nDCG@10", "R@20"):
        judged = {
            int(one.query_id): one.value for one in ir_measures.iter_calc([ir_measures.parse_measure(name)], qrels, run)
        }
        assert found[name].tolist() == pytest.approx([judged[query] for query in range(QUERIES)])
    for query in range(QUERIES):
        reference = fused(query, exact)
        least = reference[best(reference, 10)[-1]]
        among = [row for row in best(fused(query, rows), 10) if reference.get(row, 0) >= least - 1e-9]
        assert found["overlap@10"][query] == pytest.approx(len(among) / 10)


DOCUMENTS = [{"_id": f"d{row}", "title": "", "text": f"document {row}"} for row in range(5)]
ASKED = [{"_id": f"q{row}", "text": f"query {row}"} for row in range(3)]
QRELS = [{"query-id": f"q{row}", "corpus-id": f"d{row}", "score": 1} for row in range(3)]


@pytest.fixture
def dataset(tmp_path):
    prepare(
        tmp_path / "facts", {"source": "files", "path": str(write_beir(tmp_path / "given", DOCUMENTS, ASKED, QRELS))}
    )
    return tmp_path / "facts"


def read(dataset, text):
    path = dataset.parent / "given.run"
    path.write_text(text)
    output = dataset.parent / "given-run.parquet"
    tables = {name: dataset / f"{name}.parquet" for name in ("corpus", "queries")}
    read_run(run_file=path, **tables, depth=3, output=output)
    return Candidates(output, 3, 5).read(0)


def test_a_run_is_ordered_by_score_and_what_is_unknown_is_said(dataset, caplog):
    text = "q0 Q0 d1 1 0.5 x\nq0 Q0 d4 2 0.9 x\nq0 Q0 d0 3 0.5 x\nq0 Q0 d2 4 0.1 x\n"
    rows, scores = read(dataset, text + "q2 Q0 d3 1 7 x\nq2 Q0 d77 2 6 x\nq9 Q0 d1 1 1 x\n\n")
    assert rows.tolist() == [[4, 0, 1], [-1, -1, -1], [3, -1, -1]]
    assert scores[0].tolist() == [0.9, 0.5, 0.5]
    said = caplog.text
    assert "1 lines of queries that aren't evaluated" in said
    assert "1 lines of documents that the corpus lacks" in said
    assert "1 queries without a line" in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q0 Q0 d1 1 0.5\n", "line 1 has 5 fields, expected 6: query, Q0, document, rank, score, tag"),
        ("q0 Q0 d1 1 high x\n", "line 1 has the score 'high', expected a number"),
        ("q0 Q0 d1 1 2 x\nq0 Q0 d1 2 1 x\n", "line 2 has the query and the document of line 1"),
        ("a Q0 b 1 2 x\n", "no line names a query of"),
        ("", "no lines, expected those of a run"),
    ],
)
def test_a_run_that_cannot_be_read_is_an_error_of_one_line(dataset, text, message):
    with pytest.raises(InputError, match=message):
        read(dataset, text)


def test_the_table_and_the_recommendation_have_what_is_kept_after_fusion(tmp_path):
    rng = np.random.default_rng(0)
    exact = rng.beta(2, 2, 200)
    alone = {"float32": exact, "binary": exact * 0.8}
    fused = {"float32": exact + 0.1, "binary": exact + 0.1 - 0.002 * (np.arange(200) % 2)}
    runs = [tmp_path / "facts" / "minilm" / name for name in alone]
    for run in runs:
        write(run / "metrics.parquet", alone[run.name])
        write(run / "fused.parquet", fused[run.name], top_ks=(100,))
    study = Study.read({**configuration(["facts"], ["float32", "binary"], [1, 4]), "fusion": {}})
    keys = {"dataset": "facts", "model": "minilm", "rescore_store": "none", "rescore_multiplier": 1}
    before = {"nDCG@10_lost": [0, 0.5] * 2, "drift_verdict": [None, "worse"] * 2}
    share = before | {
        "retention_nDCG@10": [1, 0.8] * 2,
        "retention_nDCG@10_low": [1, 0.7] * 2,
        "overlap@10": [1, 0.5] * 2,
    }
    retrieval = pd.DataFrame(
        {"method": [*alone] * 2, "top_k": [10, 10, 100, 100], **share, "verdict": [None, "worse"] * 2}
    )
    table = stage_table(runs, "fused.parquet", retrieval.assign(**keys), study).set_index("method", drop=False)
    row = table.loc["binary"]
    assert (row["top_k"], row["metric"], row["queries"]) == (100, "nDCG@10", 200)
    assert row["mean"] == pytest.approx(fused["binary"].mean())
    assert row["kept"] == pytest.approx(fused["binary"].mean() / fused["float32"].mean())
    assert row["difference"] == pytest.approx((fused["binary"] - fused["float32"]).mean())
    assert (row["differing"], row["verdict"]) == (100, "worse")
    assert (row["alone_kept"], row["alone_kept_low"], row["alone_verdict"]) == (0.8, 0.7, "worse")
    assert table.loc["float32", ["kept", "verdict"]].tolist()[0] == 1
    assert judged_after(retrieval.assign(**keys), table.reset_index(drop=True), 10).empty
    judged = with_quality(judged_after(retrieval.assign(**keys), table.reset_index(drop=True), 100)).set_index("method")
    assert judged["top_k"].eq(100).all()
    assert "nDCG@10_lost" not in judged
    assert judged["drift_verdict"].isna().all()
    assert judged.loc["binary", ["kept", "kept_low"]].tolist() == row[["kept", "kept_low"]].tolist()
