"""BM25: scores by hand and by bm25s itself, what is found, and how it is measured."""

import math

import bm25s
import ir_measures
import numpy as np
import pyarrow.parquet as pq
import pytest

from embquant.files.inapplicable import why_inapplicable
from embquant.retrieve.bm25 import BM25
from embquant.retrieve.candidates import Candidates
from embquant.steps.search_bm25 import search_bm25
from support.dataset_files import prepare, write_beir

TEXTS = [
    "The moon orbits the Earth",
    "the Earth orbits the sun, the sun orbits nothing",
    "a cheese of the moon: MOON cheese",
    "",
    "a b c",
    "Das Käsebrot über München",
]
QUERIES = ["the moon", "sun", "Earth and sun, Earth", "käsebrot", "nothing of it", "x", "unknown words"]
PARAMETERS = {"k1": 1.5, "b": 0.75, "stopwords": "none"}


@pytest.mark.parametrize("stopwords", ["none", "english", "german"])
def test_scores_are_those_of_bm25s(stopwords):
    chosen = [] if stopwords == "none" else stopwords
    words = bm25s.tokenize(TEXTS, stopwords=chosen, show_progress=False)
    judge = bm25s.BM25(k1=1.2, b=0.5)
    judge.index(words, show_progress=False)
    mine = BM25([TEXTS[:2], TEXTS[2:]], k1=1.2, b=0.5, stopwords=stopwords)
    for query in QUERIES:
        (asked,) = bm25s.tokenize([query], stopwords=chosen, return_ids=False, show_progress=False)
        known = judge.get_tokens_ids(asked)
        expected = judge.get_scores_from_ids(known) if known else np.zeros(len(TEXTS))
        np.testing.assert_array_equal(mine.scores(query), expected)


def test_a_score_by_hand():
    """Lucene's formula: ln(1 + (N − n + ½) / (n + ½)) · f / (f + k1 (1 − b + b length / mean length))."""
    texts = ["red red car", "blue car", "green house near water"]
    red = math.log(1 + 2.5 / 1.5) * 2 / (2 + 1.5 * (0.25 + 0.75 * 3 / 3))
    car = [math.log(1 + 1.5 / 2.5) / (1 + 1.5 * (0.25 + 0.75 * length / 3)) for length in (3, 2)]
    scores = BM25([texts], **PARAMETERS).scores("a RED car")
    assert scores.tolist() == pytest.approx([red + car[0], car[1], 0], rel=1e-6)


def test_ties_are_broken_by_row_and_documents_without_a_common_word_are_not_found():
    texts = ["one two", "three", "one two", "two", "one two"]
    scores, rows = BM25([texts], **PARAMETERS).search(["two one", "four"], 4)
    assert rows.tolist() == [[0, 2, 4, 3], [-1] * 4]
    assert scores[0, 0] == scores[0, 1] == scores[0, 2] > scores[0, 3] > 0
    assert np.isneginf(scores[1]).all()


def test_a_query_s_own_document_is_left_out():
    texts = ["one two", "three", "one two", "two", "one two"]
    _, rows = BM25([texts], **PARAMETERS).search(["two one", "three"], 2, np.array([2, -1]))
    assert rows.tolist() == [[0, 4], [1, -1]]


def test_a_corpus_without_words_finds_nothing():
    _, rows = BM25([["?", "a b", ""]], **PARAMETERS).search(["a question"], 10)
    assert rows.tolist() == [[-1, -1, -1]]


def searched(dataset, output, **options):
    files = {name: dataset / f"{name}.parquet" for name in ("corpus", "queries", "qrels")}
    fixed = {"parameters": PARAMETERS, "top_k": [2, 10], "depth": 20, "metrics": ["nDCG@10", "RR@2", "overlap@10"]}
    search_bm25(**files, **fixed, output=output / "bm25.parquet", measured=output / "bm25-metrics.parquet", **options)
    return output / "bm25.parquet", output / "bm25-metrics.parquet"


@pytest.fixture
def dataset(tmp_path):
    documents = [{"_id": f"d{row}", "title": "", "text": text} for row, text in enumerate(TEXTS)]
    queries = [{"_id": f"q{row}", "text": text} for row, text in enumerate(QUERIES)]
    qrels = [{"query-id": f"q{row}", "corpus-id": f"d{row % 3}", "score": 1 + row % 2} for row in range(len(queries))]
    folder = write_beir(tmp_path / "given", documents, queries, qrels)
    prepare(tmp_path / "facts", {"source": "files", "path": str(folder)})
    return tmp_path / "facts"


def test_what_is_measured_is_what_ir_measures_finds(dataset, tmp_path):
    found, measured = searched(dataset, tmp_path)
    rows, _ = Candidates(found, len(QUERIES), len(TEXTS)).read(0)
    qrels = [ir_measures.Qrel(f"q{row}", f"d{row % 3}", 1 + row % 2) for row in range(len(QUERIES))]
    run = [
        ir_measures.ScoredDoc(f"q{query}", f"d{row}", -rank)
        for query, ranked in enumerate(rows)
        for rank, row in enumerate(ranked)
        if row >= 0
    ]
    table = pq.read_table(measured).to_pandas()
    at_10 = table[table["top_k"] == 10].set_index("query_id")
    judged = {one.query_id: one.value for one in ir_measures.iter_calc([ir_measures.nDCG @ 10], qrels, run)}
    assert at_10["nDCG@10"].to_dict() == pytest.approx({f"q{row}": judged.get(f"q{row}", 0) for row in range(7)})
    assert table[table["top_k"] == 2]["nDCG@10"].isna().all()
    assert table["RR@2"].notna().all()
    assert table["overlap@10"].isna().all()


def test_without_judgements_it_searches_only_to_be_fused(tmp_path):
    documents = [{"_id": f"d{row}", "title": "", "text": text} for row, text in enumerate(TEXTS)]
    folder = write_beir(tmp_path / "given", documents, [{"_id": "q", "text": "moon"}], None)
    prepare(tmp_path / "facts", {"source": "files", "path": str(folder)})
    for name, fused in (("a", False), ("b", True)):
        found, measured = searched(tmp_path / "facts", tmp_path / name, fused=fused)
        assert why_inapplicable(measured) == "nothing is judged"
        assert (why_inapplicable(found) is None) == fused
