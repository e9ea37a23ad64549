"""Reranking by a real CrossEncoder and by a file of scores: each pair once, and what is measured."""

import ir_measures
import numpy as np
import pyarrow.parquet as pq
import pytest
from sentence_transformers import CrossEncoder

from embquant.errors import InputError
from embquant.measure.reranking import read_returned, write_returned
from embquant.retrieve.reranker import load_cross_encoder, score_pairs
from embquant.steps.rerank import rerank
from embquant.study import Setting
from support.cross_encoder import small_cross_encoder
from support.dataset_files import prepare, write_beir

WORDS = ["a", "the", "moon", "sun", "orbits", "earth", "cheese", "of", "and", "nothing", "is", "made"]
DOCUMENTS = [" ".join(np.random.default_rng(row).choice(WORDS, 3 + row)) for row in range(12)]
ASKED = ["the moon", "sun and earth", "cheese"]
SETTINGS = {
    "float32": [(Setting("none", 1, 4), [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]])],
    "binary": [
        (Setting("none", 1, 4), [[3, 2, 9, 0], [4, 5, 6, 7], [0, 1, 2, -1]]),
        (Setting("float32", 2, 4), [[3, 2, 1, 0], [7, 6, 5, 4], [8, 9, 10, 0]]),
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_cross_encoder(tmp_path_factory.mktemp("reranker"), WORDS)


@pytest.fixture
def study(tmp_path):
    documents = [{"_id": f"d{row}", "title": "", "text": text} for row, text in enumerate(DOCUMENTS)]
    queries = [{"_id": f"q{row}", "text": text} for row, text in enumerate(ASKED)]
    qrels = [{"query-id": f"q{row}", "corpus-id": f"d{4 * row + 1}", "score": 1} for row in range(3)]
    prepare(
        tmp_path / "facts", {"source": "files", "path": str(write_beir(tmp_path / "given", documents, queries, qrels))}
    )
    for method, settings in SETTINGS.items():
        path = tmp_path / "runs" / method / "returned.parquet"
        write_returned(path, [(setting, np.array(rows)) for setting, rows in settings])
    return tmp_path


def reranked(study, **how):
    tables = {name: study / "facts" / f"{name}.parquet" for name in ("corpus", "queries", "qrels")}
    runs = [study / "runs" / method for method in SETTINGS]
    rerank(runs=runs, baseline="float32", **tables, metrics=["nDCG@4", "overlap@4"], **how)
    return {run.name: pq.read_table(run / "reranked.parquet").to_pandas() for run in runs}


def test_what_settings_return_is_read_as_it_was_written(study):
    read = list(read_returned(study / "runs" / "binary" / "returned.parquet"))
    assert [(setting, rows.tolist()) for setting, rows in read] == SETTINGS["binary"]


def test_scores_are_those_of_sentence_transformers_whatever_the_threads(folder):
    pairs = [(query, text) for query in ASKED for text in DOCUMENTS] * 2
    one, two = (score_pairs(load_cross_encoder(folder, None), pairs, threads) for threads in (1, 2))
    assert one.tobytes() == two.tobytes()
    judge = CrossEncoder(str(folder), device="cpu").predict(pairs, batch_size=1, activation_fn=lambda logits: logits)
    assert one == pytest.approx(np.asarray(judge), abs=1e-5)
    assert one.std() > 0.1, "scores that hardly differ would be alike by any other model"


def test_what_is_measured_is_what_ir_measures_finds_in_lists_by_score(study, folder):
    found = reranked(study, model=folder, threads=2)
    model = CrossEncoder(str(folder), device="cpu")

    def score(query, text):
        return float(model.predict((query, text), activation_fn=lambda logits: logits))

    qrels = [ir_measures.Qrel(f"q{row}", f"d{4 * row + 1}", 1) for row in range(3)]
    for method, settings in SETTINGS.items():
        for setting, rows in settings:
            run = [
                ir_measures.ScoredDoc(f"q{query}", f"d{row}", score(ASKED[query], DOCUMENTS[row]))
                for query, ranked in enumerate(rows)
                for row in ranked
                if row >= 0
            ]
            judged = {one.query_id: one.value for one in ir_measures.iter_calc([ir_measures.nDCG @ 4], qrels, run)}
            table = found[method]
            of_setting = table[table["rescore_store"] == setting.store].set_index("query_id")
            assert of_setting["nDCG@4"].to_dict() == pytest.approx(judged)
            recall = [float(4 * query + 1 in ranked) for query, ranked in enumerate(rows)]
            assert of_setting["first_stage_recall"].tolist() == recall
    assert found["float32"]["overlap@4"].tolist() == [1, 1, 1]
    assert found["binary"].query("rescore_store == 'none'")["overlap@4"].tolist() == [0.75, 1, 0]


def test_scores_may_come_from_a_file_and_what_it_lacks_comes_last_and_is_said(study, caplog):
    run = study / "scores.run"
    scores = {(0, 0): 1, (0, 1): 5, (0, 2): 3, (1, 7): 2, (2, 9): 9}
    run.write_text("".join(f"q{query} Q0 d{row} 0 {score} x\n" for (query, row), score in scores.items()))
    found = reranked(study, run_file=run)
    expected = [1, 1 / np.log2(4), 1]  # d5 comes after d7, and after d4, which has no score either
    assert found["float32"]["nDCG@4"].tolist() == pytest.approx(expected)
    coarse = found["binary"].query("rescore_store == 'none'")
    assert coarse["overlap@4"].tolist() == [0.75, 1, 0], "documents without a score agree only if both lists have them"
    assert "lacks the scores of" in caplog.text


def test_a_folder_that_is_no_reranker_is_an_error_of_one_line(study, tmp_path):
    with pytest.raises(InputError, match="is no folder; save a CrossEncoder there"):
        reranked(study, model=tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="can't load this CrossEncoder"):
        reranked(study, model=tmp_path / "empty")
