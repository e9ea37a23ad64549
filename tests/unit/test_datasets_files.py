import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.dataset_files import (
    CORPUS,
    QRELS,
    QUERIES,
    TEXTS,
    column,
    fails,
    files,
    prepare,
    rows,
    write_beir,
    write_table,
)

FORMATS = ["parquet", "jsonl", "jsonl.gz", "csv", "csv.gz", "tsv"]


def test_beir_layout_gives_the_four_files(tmp_path):
    described = prepare(tmp_path / "out", files(write_beir(tmp_path / "in")))
    assert rows(tmp_path / "out", "corpus") == [
        {"id": f"d{row + 1}", "text": text, "display": None, "first_row": first}
        for row, (text, first) in enumerate(zip(TEXTS, [0, 1, 2, 0, 4], strict=True))
    ]
    assert rows(tmp_path / "out", "queries") == [
        {"id": "q1", "text": "archives", "own_row": -1},
        {"id": "q2", "text": "sorting", "own_row": -1},
    ]
    assert rows(tmp_path / "out", "qrels") == [
        {"query_id": "q1", "doc_id": "d1", "relevance": 2, "query_row": 0, "doc_row": 0},
        {"query_id": "q1", "doc_id": "d4", "relevance": 1, "query_row": 0, "doc_row": 3},
        {"query_id": "q2", "doc_id": "d2", "relevance": 1, "query_row": 1, "doc_row": 1},
    ]
    assert described["judged"] is True
    assert described["counts"] == {"documents": 5, "queries": 2, "judgements": 3, "empty_documents": 1}
    assert described["left_out"] == {"judgements_not_relevant": 1, "queries_without_relevant_document": 1}
    assert described["duplicate_text_share"] == 0.2
    assert described["text_length_characters"]["corpus"]["p50"] == 19
    assert json.loads((tmp_path / "out" / "dataset.json").read_text()) == described


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_gives_the_same_dataset(tmp_path, suffix):
    folder = tmp_path / "Ordner mit Größe 日本"
    for name, table in (("corpus", CORPUS), ("queries", QUERIES), ("qrels", QRELS)):
        write_table(folder / f"{name}.{suffix}", table)
    described = prepare(tmp_path / "out", files(folder))
    reference = prepare(tmp_path / "reference", files(write_beir(tmp_path / "beir")))
    assert described["fingerprint"] == reference["fingerprint"]
    for name in ("corpus", "queries", "qrels"):
        assert rows(tmp_path / "out", name) == rows(tmp_path / "reference", name)


def test_fingerprint_depends_on_ids_texts_and_judgements(tmp_path):
    tables = {"corpus": CORPUS, "queries": QUERIES, "qrels": QRELS}
    changes = [
        {},
        {"corpus": [*CORPUS[:4], CORPUS[4] | {"_id": "d6"}]},
        {"corpus": [*CORPUS[:4], CORPUS[4] | {"text": "other"}]},
        {"queries": [QUERIES[0] | {"text": "archive"}, *QUERIES[1:]]},
        {"qrels": [QRELS[0] | {"score": 1}, *QRELS[1:]]},
        {"qrels": QRELS[:3]},
    ]
    prints = set()
    for number, change in enumerate(changes):
        folder = write_beir(tmp_path / f"in{number}", **(tables | change))
        prints.add(prepare(tmp_path / f"out{number}", files(folder))["fingerprint"])
    assert len(prints) == len(changes)


def test_other_column_names_and_display(tmp_path):
    write_table(tmp_path / "a.csv", [{"nr": 1, "body": "one", "code": "1+1"}, {"nr": 2, "body": "two", "code": "two"}])
    spec = {"source": "files", "corpus": str(tmp_path / "a.csv"), "held_out_queries": 1}
    columns = {"corpus": {"id": "nr", "text": "body", "display": "code"}}
    prepare(tmp_path / "out", spec | {"columns": columns, "seed": 1})
    held = column(tmp_path / "out", "queries", "id")
    kept = (
        {"id": "1", "text": "one", "display": "1+1"} if held == ["2"] else {"id": "2", "text": "two", "display": None}
    )
    assert rows(tmp_path / "out", "corpus") == [kept | {"first_row": 0}]


def test_a_group_is_a_column_of_the_corpus_where_it_is_named(tmp_path):
    table = [{"_id": row, "text": f"text {row}", "year": 2020 + row if row else None} for row in range(4)]
    folder = tmp_path / "in"
    write_table(folder / "corpus.jsonl", table)
    write_table(folder / "queries.jsonl", [{"_id": "q1", "text": "text"}])
    prepare(tmp_path / "out", {"source": "files", "path": str(folder), "columns": {"corpus": {"group": "year"}}})
    assert column(tmp_path / "out", "corpus", "group") == [None, "2021", "2022", "2023"]
    prepare(tmp_path / "without", {"source": "files", "path": str(folder)})
    assert "group" not in rows(tmp_path / "without", "corpus")[0]


def test_a_null_column_name_means_no_such_column(tmp_path):
    folder = write_beir(tmp_path / "in", qrels=None)
    prepare(tmp_path / "out", files(folder, columns={"corpus": {"title": None, "id": None}}))
    assert column(tmp_path / "out", "corpus", "text")[0] == "read an archive"
    assert column(tmp_path / "out", "corpus", "id") == ["0", "1", "2", "3", "4"]


def test_a_title_that_only_later_rows_have_counts(tmp_path):
    folder = write_beir(
        tmp_path / "in", corpus=[{"_id": "d1", "text": "a"}, {"_id": "d2", "text": "b", "title": "t"}], qrels=None
    )
    prepare(tmp_path / "out", files(folder))
    assert column(tmp_path / "out", "corpus", "text") == ["a", "t b"]


def test_ids_may_be_integers_and_relevance_text(tmp_path):
    corpus = [{"_id": 1, "text": "a"}, {"_id": "x", "text": "b"}, {"_id": 10**20, "text": None}]
    qrels = [{"query-id": 7, "corpus-id": 1, "score": "1"}, {"query-id": 7, "corpus-id": "x", "score": 2.0}]
    folder = write_beir(tmp_path / "in", corpus, [{"_id": 7, "text": "q"}], None)
    write_table(folder / "qrels.jsonl", qrels)
    prepare(tmp_path / "out", files(folder))
    assert column(tmp_path / "out", "corpus", "id") == ["1", "x", "1" + "0" * 20]
    assert column(tmp_path / "out", "qrels", "relevance") == [1, 2]


def test_splits(tmp_path):
    folder = write_beir(tmp_path / "in")
    write_table(folder / "queries_train.jsonl", [{"_id": "t1", "text": "train"}])
    write_table(folder / "qrels_train.csv", [{"query_id": "t1", "doc_id": "d5", "relevance": 1}])
    prepare(tmp_path / "train", files(folder, split="train"))
    assert column(tmp_path / "train", "queries", "id") == ["t1"]
    assert "no judgements for the split 'dev'; there are: qrels/test.tsv, qrels_train.csv" in fails(
        tmp_path, files(folder, split="dev")
    )


def test_max_queries_takes_the_first_judged_ones(tmp_path):
    folder = write_beir(tmp_path / "in", queries=list(reversed(QUERIES)))
    described = prepare(tmp_path / "out", files(folder, max_queries=1))
    assert column(tmp_path / "out", "queries", "id") == ["q2"]
    assert rows(tmp_path / "out", "qrels") == [
        {"query_id": "q2", "doc_id": "d2", "relevance": 1, "query_row": 0, "doc_row": 1}
    ]
    assert described["left_out"]["queries_beyond_max_queries"] == 1


def test_without_judgements_all_queries_with_text_are_asked(tmp_path):
    folder = write_beir(tmp_path / "in", queries=[*QUERIES, {"_id": "q4", "text": " "}, {"_id": "q5"}], qrels=None)
    described = prepare(tmp_path / "out", files(folder))
    assert column(tmp_path / "out", "queries", "id") == ["q1", "q2", "q3"]
    assert rows(tmp_path / "out", "qrels") == []
    assert (described["judged"], described["left_out"]) == (False, {"queries_without_text": 2})


def test_documents_are_held_out_where_there_are_no_queries(tmp_path):
    corpus = [{"_id": f"d{row}", "text": f"text {row % 37}" if row % 10 else ""} for row in range(100)]
    folder = write_beir(tmp_path / "in", corpus, None, None)
    described = prepare(tmp_path / "out", files(folder))
    queries, documents = rows(tmp_path / "out", "queries"), rows(tmp_path / "out", "corpus")
    assert (len(queries), len(documents), described["judged"]) == (10, 90, False)
    assert all(query["text"] for query in queries)
    texts = {row["id"]: row["text"] for row in queries + documents}
    assert texts == {row["_id"]: row["text"] for row in corpus}
    first = {}
    for row, document in enumerate(documents):
        assert document["first_row"] == first.setdefault(document["text"], row)
    again = prepare(tmp_path / "again", files(folder))
    other = prepare(tmp_path / "other", files(folder, seed=1))
    assert described["fingerprint"] == again["fingerprint"] != other["fingerprint"]
    assert prepare(tmp_path / "few", files(folder, held_out_queries=3))["counts"]["queries"] == 3
    assert "can't hold out 90 queries from 90 documents with text" in fails(
        tmp_path, files(folder, held_out_queries=90)
    )


def test_judgements_by_key(tmp_path):
    write_table(tmp_path / "mined.csv", [{"question": key, "text": f"t{row}"} for row, key in enumerate([5, 6, 5, 7])])
    write_table(tmp_path / "asked.parquet", [{"question": key, "text": f"q{key}"} for key in (5, 7, 8, None)])
    spec = {
        "source": "files",
        "corpus": str(tmp_path / "mined.csv"),
        "queries": str(tmp_path / "asked.parquet"),
        "qrels": {"key": {"corpus": "question", "queries": "question"}},
    }
    described = prepare(tmp_path / "out", spec)
    pairs = [
        (row["query_id"], row["doc_id"], row["query_row"], row["doc_row"]) for row in rows(tmp_path / "out", "qrels")
    ]
    assert pairs == [("q0", "0", 0, 0), ("q0", "2", 0, 2), ("q1", "3", 1, 3)]
    assert described["judged"] is True
    assert described["left_out"] == {"queries_without_relevant_document": 2}


def test_tsv_with_stray_quotes_is_read_as_it_stands(tmp_path):
    (tmp_path / "c.tsv").write_text('id\ttext\na\t"quoted start\nb\tfive" tall\n')
    prepare(tmp_path / "out", {"source": "files", "corpus": str(tmp_path / "c.tsv"), "held_out_queries": 1})
    texts = column(tmp_path / "out", "corpus", "text") + column(tmp_path / "out", "queries", "text")
    assert sorted(texts) == ['"quoted start', 'five" tall']


def test_byte_order_mark_and_windows_line_ends(tmp_path):
    (tmp_path / "c.csv").write_bytes('\ufeffid,text\r\na,"one\r\ntwo"\r\n\r\nb,three\r\n'.encode())
    prepare(tmp_path / "out", {"source": "files", "corpus": str(tmp_path / "c.csv"), "held_out_queries": 1})
    texts = column(tmp_path / "out", "corpus", "text") + column(tmp_path / "out", "queries", "text")
    assert sorted(texts) == ["one\r\ntwo", "three"]
    ids = column(tmp_path / "out", "corpus", "id") + column(tmp_path / "out", "queries", "id")
    assert sorted(ids) == ["a", "b"]


def test_the_same_judgement_twice_counts_once(tmp_path):
    described = prepare(tmp_path / "out", files(write_beir(tmp_path / "in", qrels=[*QRELS, QRELS[0]])))
    assert described["counts"]["judgements"] == 3
    assert described["left_out"]["judgements_repeated"] == 1


@pytest.mark.parametrize(
    "kind", [pa.large_string(), pa.string_view(), pa.binary(), pa.dictionary(pa.int32(), pa.string())], ids=str
)
def test_any_text_type_of_parquet(tmp_path, kind):
    text = (
        pa.array(["one", "two"]).cast(kind)
        if not pa.types.is_dictionary(kind)
        else pa.array(["one", "two"]).dictionary_encode()
    )
    pq.write_table(pa.table({"id": pa.array([1, 2], pa.uint16()), "text": text}), tmp_path / "c.parquet")
    prepare(tmp_path / "out", {"source": "files", "corpus": str(tmp_path / "c.parquet"), "held_out_queries": 1})
    assert column(tmp_path / "out", "corpus", "text")[0] in ("one", "two")


def test_more_rows_than_a_batch(tmp_path):
    corpus = [{"_id": row, "text": f"text {row % 5000}"} for row in range(20_000)]
    folder = write_beir(
        tmp_path / "in", corpus, [{"_id": 1, "text": "q"}], [{"query-id": 1, "corpus-id": 19_999, "score": 1}]
    )
    described = prepare(tmp_path / "out", files(folder))
    assert column(tmp_path / "out", "corpus", "first_row") == [row % 5000 for row in range(20_000)]
    assert column(tmp_path / "out", "qrels", "doc_row") == [19_999]
    assert described["duplicate_text_share"] == 0.75
    write_table(folder / "c.parquet", [row | {"_id": str(row["_id"])} for row in corpus])
    single = prepare(tmp_path / "single", files(folder, corpus=str(folder / "c.parquet")))
    assert single["fingerprint"] == described["fingerprint"]


def test_reading_leaves_no_limit_of_pythons_own_changed(tmp_path):
    before = csv.field_size_limit()
    prepare(tmp_path / "out", files(write_beir(tmp_path / "in")))
    assert csv.field_size_limit() == before
