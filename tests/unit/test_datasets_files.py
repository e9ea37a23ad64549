import csv
import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embquant.errors import InputError
from support.dataset_files import CORPUS, QRELS, QUERIES, TEXTS, column, prepare, rows, write_beir, write_table

FORMATS = ["parquet", "jsonl", "jsonl.gz", "csv", "csv.gz", "tsv"]


def files(folder, **more):
    return {"source": "files", "path": str(folder), **more}


def fails(tmp_path, spec) -> str:
    """The message of the error; nothing may be written."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError) as caught:
        prepare(tmp_path / "out", spec)
    assert sorted(tmp_path.rglob("*")) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


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


BAD = {
    "empty corpus": ({"corpus": []}, "corpus.jsonl: empty corpus, expected documents"),
    "all documents empty": ({"corpus": [{"_id": "d1", "text": " "}], "qrels": None}, "all 1 documents are empty"),
    "duplicate document ids": (
        {"corpus": [*CORPUS, CORPUS[1]]},
        "corpus.jsonl: document 6 has the id 'd2', which document 2 has already",
    ),
    "duplicate query ids": ({"queries": [*QUERIES, QUERIES[0]]}, "query 4 has the id 'q1', which query 1 has already"),
    "unknown documents alone": (
        {"qrels": [{"query-id": "q1", "corpus-id": "nope", "score": 1}]},
        "qrels/test.tsv: none of 1 judgements names a document of",
    ),
    "unknown queries alone": (
        {"qrels": [{"query-id": "q9", "corpus-id": "d1", "score": 1}]},
        "the first names 'q9', where",
    ),
    "contradiction": (
        {"qrels": [*QRELS, {"query-id": "q1", "corpus-id": "d1", "score": 1}]},
        "judgements 1 and 5 differ on query 'q1' and document 'd1'",
    ),
    "fractional relevance": (
        {"qrels": [{"query-id": "q1", "corpus-id": "d1", "score": 0.5}]},
        "test.tsv: line 2: 'score' is '0.5', expected a whole number",
    ),
    "non-text document": (
        {"corpus": [*CORPUS, {"_id": "d6", "text": 5}]},
        "corpus.jsonl: line 6: 'text' is 5, expected text",
    ),
    "list as text": ({"corpus": [{"_id": "d6", "text": ["a"]}]}, "line 1: 'text' is ['a'], expected text"),
    "missing id": ({"corpus": [*CORPUS, {"text": "x"}]}, "corpus.jsonl: line 6: '_id' is empty, expected an id"),
    "boolean id": ({"corpus": [{"_id": True, "text": "x"}]}, "line 1: '_id' is True, expected text or whole numbers"),
    "lone surrogate": ({"corpus": [{"_id": "a", "text": "\ud800"}]}, "line 1: 'text' is not valid Unicode"),
    "no text column": (
        {"corpus": [{"_id": "a", "body": "x"}]},
        "no column 'text' (text of the corpus); it has: _id, body",
    ),
    "no id column": ({"corpus": [{"text": "x"}]}, "no column '_id' or 'id'"),
    "no relevant document": ({"qrels": [QRELS[2]]}, "none of 3 queries has text and a relevant document"),
    "no queries": ({"queries": []}, "queries.jsonl: no queries"),
    "judgements without queries": ({"queries": None}, "there are judgements but no queries"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_tables(tmp_path, name):
    tables, message = BAD[name]
    assert message in fails(tmp_path, files(write_beir(tmp_path / "in", **tables)))


BROKEN = {
    "corpus.jsonl": [
        (b'{"_id": "a", "text": "x"}\n{"_id": \n', "corpus.jsonl: line 2 is not JSON"),
        (b"[1]\n", "corpus.jsonl: line 1 is not a JSON object"),
        (b'{"_id": "a", "text": "\xff"}\n', "corpus.jsonl: line 1 is not UTF-8 text"),
    ],
    "corpus.csv": [
        (b"", "corpus.csv: empty file"),
        (b"id,text\n", "corpus.csv: empty corpus"),
        (b"id,text\na,b,c\n", "corpus.csv: line 2 has 3 fields, the header has 2"),
        (b'id,text\na,"b\n', "corpus.csv: line 2: unexpected end of data"),
        (b"id,id\na,b\n", "the header names the column 'id' twice"),
    ],
    "corpus.jsonl.gz": [
        (b"no gzip", "corpus.jsonl.gz: damaged gzip file"),
        (gzip.compress(b'{"_id": "a", "text": "x"}\n' * 9, mtime=0)[:-12], "corpus.jsonl.gz: damaged gzip file"),
    ],
    "corpus.parquet": [(b"PAR1", "corpus.parquet: not a readable Parquet file")],
}


@pytest.mark.parametrize(("name", "content", "message"), [(n, *case) for n, cases in BROKEN.items() for case in cases])
def test_broken_files(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    assert message in fails(tmp_path, files(tmp_path))


def test_damaged_parquet_page(tmp_path):
    path = write_table(tmp_path / "corpus.parquet", [{"id": str(row), "text": f"{row}" * 20} for row in range(5000)])
    content = bytearray(path.read_bytes())
    content[100:5000] = bytes(4900)
    path.write_bytes(content)
    assert "corpus.parquet: damaged Parquet file" in fails(tmp_path, files(tmp_path))


def test_parquet_of_other_types(tmp_path):
    write_table(tmp_path / "corpus.parquet", [{"id": "a", "text": 5}])
    assert "corpus.parquet: row 1: 'text' holds int64, expected text" in fails(tmp_path, files(tmp_path))
    write_table(tmp_path / "corpus.parquet", [{"id": 0.5, "text": "x"}])
    assert "'id' holds double, expected text or whole numbers" in fails(tmp_path, files(tmp_path))
    pq.write_table(pa.table({"id": ["a"], "text": pa.array([b"\xff"])}), tmp_path / "corpus.parquet")
    assert "'text' is not valid UTF-8 text" in fails(tmp_path, files(tmp_path))


def test_missing_and_ambiguous_files(tmp_path):
    assert "nowhere: no such folder" in fails(tmp_path, files(tmp_path / "nowhere"))
    assert "no corpus; expected corpus.parquet" in fails(tmp_path, files(tmp_path))
    assert "give path or corpus" in fails(tmp_path, {"source": "files"})
    assert "x.csv: no such file" in fails(tmp_path, {"source": "files", "corpus": str(tmp_path / "x.csv")})
    (tmp_path / "x.xlsx").touch()
    assert "x.xlsx: unknown format" in fails(tmp_path, {"source": "files", "corpus": str(tmp_path / "x.xlsx")})
    write_table(tmp_path / "corpus.csv", [{"id": 1, "text": "a"}])
    write_table(tmp_path / "corpus.jsonl", [{"id": 1, "text": "a"}])
    assert "found corpus.jsonl and corpus.csv, expected one" in fails(tmp_path, files(tmp_path))


def test_held_out_queries_beside_queries(tmp_path):
    folder = write_beir(tmp_path / "in")
    assert "held_out_queries is for a corpus without queries" in fails(tmp_path, files(folder, held_out_queries=1))


def test_a_failure_keeps_the_dataset_that_is_there(tmp_path):
    good = prepare(tmp_path / "out", files(write_beir(tmp_path / "in")))
    write_beir(tmp_path / "in", corpus=[*CORPUS, CORPUS[0]])
    with pytest.raises(InputError):
        prepare(tmp_path / "out", files(tmp_path / "in"))
    assert json.loads((tmp_path / "out" / "dataset.json").read_text()) == good
    assert len(rows(tmp_path / "out", "corpus")) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_reading_leaves_no_limit_of_pythons_own_changed(tmp_path):
    before = csv.field_size_limit()
    prepare(tmp_path / "out", files(write_beir(tmp_path / "in")))
    assert csv.field_size_limit() == before
