import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embquant.errors import InputError
from support.dataset_files import CORPUS, QRELS, QUERIES, column, prepare, rows, write_beir

NAMES = ("left", "right", "plain")


@pytest.fixture
def pool(tmp_path):
    """Three prepared datasets of 5, 3 and 2 documents; the last one isn't judged."""
    corpus = [{"_id": f"d{row}", "text": f"right {row}"} for row in range(3)]
    qrels = [{"query-id": "q1", "corpus-id": "d2", "score": 1}, {"query-id": "q2", "corpus-id": "d0", "score": 3}]
    write_beir(tmp_path / "in" / "left", CORPUS, QUERIES, QRELS)
    write_beir(tmp_path / "in" / "right", corpus, QUERIES, qrels)
    write_beir(tmp_path / "in" / "plain", corpus[:2], QUERIES, None)
    for name in NAMES:
        prepare(tmp_path / "pool" / name, {"source": "files", "path": str(tmp_path / "in" / name)})
    return {name: tmp_path / "pool" / name for name in NAMES}


def pooled(output, pool, names, **more):
    return prepare(output, {"source": "pooled", "datasets": list(names), **more}, [pool[name] for name in names])


def relevant(output):
    return {(row["query_id"], row["doc_id"]): row["relevance"] for row in rows(output, "qrels")}


def test_corpus_queries_and_judgements_of_all(tmp_path, pool):
    described = pooled(tmp_path / "out", pool, ["left", "right"])
    assert column(tmp_path / "out", "corpus", "id") == [f"left/d{n}" for n in range(1, 6)] + [
        f"right/d{n}" for n in range(3)
    ]
    assert column(tmp_path / "out", "queries", "id") == ["left/q1", "left/q2", "right/q1", "right/q2"]
    assert relevant(tmp_path / "out") == {
        ("left/q1", "left/d1"): 2,
        ("left/q1", "left/d4"): 1,
        ("left/q2", "left/d2"): 1,
        ("right/q1", "right/d2"): 1,
        ("right/q2", "right/d0"): 3,
    }
    assert column(tmp_path / "out", "qrels", "doc_row") == [0, 3, 1, 7, 5]
    assert set(described["provenance"]["origin"]["fingerprints"]) == {"left", "right"}


def test_the_group_of_a_document_is_its_dataset(tmp_path, pool):
    pooled(tmp_path / "out", pool, ["left", "right"])
    assert column(tmp_path / "out", "corpus", "group") == 5 * ["left"] + 3 * ["right"]


def test_cut(tmp_path, pool):
    described = pooled(tmp_path / "out", pool, ["left", "right"], documents=6)
    assert column(tmp_path / "out", "corpus", "id")[-1] == "right/d0"
    assert column(tmp_path / "out", "queries", "id") == ["left/q1", "left/q2", "right/q2"]
    assert described["left_out"]["queries_whose_documents_were_cut"] == 1


def test_copies_of_relevant_documents_are_relevant(tmp_path, pool):
    pooled(tmp_path / "out", pool, ["left", "right"], documents=20)
    ids = column(tmp_path / "out", "corpus", "id")
    assert ids[8:10] == ["left/d1#2", "left/d2#2"]
    assert ids[16:] == ["left/d1#3", "left/d2#3", "left/d3#3", "left/d4#3"]
    found = relevant(tmp_path / "out")
    assert {doc for query, doc in found if query == "left/q2"} == {"left/d2", "left/d2#2", "left/d2#3"}
    assert {doc for query, doc in found if query == "right/q1"} == {"right/d2", "right/d2#2"}
    assert found["left/q1", "left/d1#3"] == 2


@given(documents=st.integers(1, 40))
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_relevance_goes_by_text(tmp_path, pool, documents):
    """Whatever the size: a document is relevant if and only if its text is that of a relevant one of the dataset."""
    output = tmp_path / f"out-{documents}"
    pooled(output, pool, ["left", "right"], documents=documents)
    corpus = rows(output, "corpus")
    assert len(corpus) == documents
    assert [row["first_row"] for row in corpus] == [
        np.flatnonzero([other["text"] == row["text"] for other in corpus])[0] for row in corpus
    ]
    judged = {(row["query_id"], row["doc_row"]) for row in rows(output, "qrels")}
    sources = {"left": {"q1": "d1 d4", "q2": "d2"}, "right": {"q1": "d2", "q2": "d0"}}
    expected = {
        (f"{name}/{query}", row)
        for name, queries in sources.items()
        for query, docs in queries.items()
        for row, document in enumerate(corpus)
        if document["id"].split("#")[0] in {f"{name}/{doc}" for doc in docs.split()}
    }
    assert judged == expected


def test_max_queries_holds_for_each_dataset(tmp_path, pool):
    pooled(tmp_path / "out", pool, ["left", "right"], max_queries=1)
    assert column(tmp_path / "out", "queries", "id") == ["left/q1", "right/q1"]


def test_queries_without_judgements_are_left_out_beside_judged_ones(tmp_path, pool):
    described = pooled(tmp_path / "out", pool, ["plain", "left"])
    assert column(tmp_path / "out", "queries", "id") == ["left/q1", "left/q2"]
    assert column(tmp_path / "out", "corpus", "id")[:2] == ["plain/d0", "plain/d1"]
    assert described["left_out"]["queries_of_datasets_without_judgements"] == 3


def test_unjudged_datasets_alone(tmp_path, pool):
    described = pooled(tmp_path / "out", pool, ["plain"], documents=3)
    assert described["judged"] is False
    assert column(tmp_path / "out", "queries", "id") == ["plain/q1", "plain/q2", "plain/q3"]
    assert rows(tmp_path / "out", "qrels") == []


def test_wrong_pools(tmp_path, pool):
    def fails(names, folders):
        with pytest.raises(InputError) as caught:
            prepare(tmp_path / "out", {"source": "pooled", "datasets": names}, folders)
        return str(caught.value)

    assert "must name each dataset once" in fails(["left", "left"], [pool["left"]] * 2)
    assert "must name each dataset once" in fails([], [])
    assert "2 datasets, but 1 folders" in fails(["left", "right"], [pool["left"]])
    assert "holds the dataset 'left', expected 'right'" in fails(["right"], [pool["left"]])
    assert "dataset.json: no such file" in fails(["right"], [tmp_path])
