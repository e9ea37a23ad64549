"""Files that can't be a dataset: each ends in one line that names the file, and nothing is written."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embquant.errors import InputError
from support.dataset_files import CORPUS, QRELS, QUERIES, fails, files, prepare, rows, write_beir, write_table

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
