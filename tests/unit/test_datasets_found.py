"""Which files a dataset is read from: every name, compression and shard that is understood; all else is named."""

import bz2
import json
import lzma
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embquant.datasets.files import find_layout
from embquant.datasets.spec import FilesSpec
from embquant.errors import InputError
from support.dataset_files import CORPUS, QRELS, QUERIES, column, prepare, rows, write_beir, write_table


def files(folder, **more):
    return {"source": "files", "path": str(folder), **more}


def fails(tmp_path, folder, **more) -> str:
    with pytest.raises(InputError) as caught:
        prepare(tmp_path / "failed", files(folder, **more))
    assert not (tmp_path / "failed" / "dataset.json").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def zstd(content):
    return pa.compress(content, codec="zstd", asbytes=True)


@pytest.fixture
def expected(tmp_path):
    """What the collection is in BEIR's layout."""
    prepare(tmp_path / "reference", files(write_beir(tmp_path / "beir")))
    return {name: rows(tmp_path / "reference", name) for name in ("corpus", "queries", "qrels")}


def is_read(tmp_path, expected, folder, **more):
    prepare(tmp_path / "out", files(folder, **more))
    assert {name: rows(tmp_path / "out", name) for name in expected} == expected


@pytest.mark.parametrize(
    ("suffix", "compressed"), [("zst", zstd), ("ZSTD", zstd), ("bz2", bz2.compress), ("xz", lzma.compress)]
)
@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_any_table_may_be_compressed(tmp_path, expected, name, suffix, compressed):
    folder = write_beir(tmp_path / "in")
    path = folder / name
    path.with_name(f"{path.name}.{suffix}").write_bytes(compressed(path.read_bytes()))
    path.unlink()
    is_read(tmp_path, expected, folder)


def test_a_compressed_file_that_was_cut_is_damaged(tmp_path):
    folder = write_beir(tmp_path / "in", corpus=[{"_id": str(row), "text": f"text {row}"} for row in range(9999)])
    path = folder / "corpus.jsonl"
    for suffix, compressed, program in (
        ("zst", zstd, "zstd"),
        ("bz2", bz2.compress, "bzip2"),
        ("xz", lzma.compress, "xz"),
    ):
        content = compressed(path.read_bytes())
        cut = folder / f"corpus.jsonl.{suffix}"
        for wrong in (content[: len(content) // 2], b"no such thing"):
            cut.write_bytes(wrong)
            assert f"corpus.jsonl.{suffix}: damaged {program} file" in fails(tmp_path, folder, corpus=str(cut))
        cut.unlink()


@pytest.mark.parametrize(
    "name", ["CORPUS.JSONL", "Corpus.Csv", "corpus.Parquet", "corpus.parquet.gzip", "corpus.parquet.snappy"]
)
def test_upper_case_and_the_compression_of_parquet_s_pages_in_names(tmp_path, expected, name):
    folder = write_beir(tmp_path / "in")
    (folder / "corpus.jsonl").unlink()
    suffix = "parquet" if "arquet" in name else name.rpartition(".")[2].lower()
    write_table(tmp_path / f"x.{suffix}", CORPUS).rename(folder / name)
    is_read(tmp_path, expected, folder)


def test_a_parquet_file_that_was_compressed_as_a_whole_is_named(tmp_path):
    folder = write_beir(tmp_path / "in")
    (folder / "corpus.jsonl").unlink()
    (folder / "corpus.parquet.zst").write_bytes(zstd(write_table(tmp_path / "x.parquet", CORPUS).read_bytes()))
    assert "corpus.parquet.zst: a Parquet file that was compressed as a whole; decompress it" in fails(tmp_path, folder)


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "csv", "jsonl.gz"])
@pytest.mark.parametrize("pattern", ["corpus/part-{}.{}", "corpus/{}.{}", "corpus-{}-of-5.{}", "corpus_{}.{}"])
def test_shards_are_one_table_in_the_order_of_their_numbers(tmp_path, expected, pattern, suffix):
    folder = write_beir(tmp_path / "in")
    (folder / "corpus.jsonl").unlink()
    for number, row in zip((1, 2, 9, 10, 11), CORPUS, strict=True):
        write_table(folder / pattern.format(number, suffix), [row])
    for name in ("_SUCCESS", ".part-1.crc"):
        if "/" in pattern:
            (folder / "corpus" / name).touch()
    is_read(tmp_path, expected, folder)


@pytest.mark.parametrize("name", ["corpus/train-{:05}-of-00006.parquet", "corpus-{:05}-of-00006.parquet"])
def test_a_shard_that_its_name_promises_and_is_not_there_is_an_error(tmp_path, expected, name):
    folder = write_beir(tmp_path / "in")
    (folder / "corpus.jsonl").unlink()
    for number, row in enumerate(CORPUS):
        write_table(folder / name.format(number), [row])
    assert "*-of-00006.parquet: 5 of 6 shards are there" in fails(tmp_path, folder)
    assert "5 of 6 shards" in fails(tmp_path, folder, corpus=str(folder / name.format(0)).replace("00000", "*"))
    is_read(tmp_path, expected, folder, corpus=[str(folder / name.format(number)) for number in range(5)])


def test_queries_and_judgements_may_lie_in_shards(tmp_path, expected):
    folder = write_beir(tmp_path / "in")
    (folder / "queries.jsonl").unlink()
    (folder / "qrels" / "test.tsv").unlink()
    for number, row in enumerate(QUERIES):
        write_table(folder / "queries" / f"part-{number}.parquet", [row])
    for number, row in enumerate(QRELS):
        write_table(folder / "qrels" / "test" / f"part-{number}.tsv", [row])
    is_read(tmp_path, expected, folder)


def test_lists_and_patterns_of_files(tmp_path, expected):
    for number, row in enumerate(CORPUS):
        write_table(tmp_path / "x" / f"c{number}.jsonl", [row])
    folder = write_beir(tmp_path / "in")
    (folder / "corpus.jsonl").unlink()
    is_read(tmp_path, expected, folder, corpus=str(tmp_path / "x" / "c*.jsonl"))
    is_read(tmp_path, expected, folder, corpus=[str(tmp_path / "x" / f"c{number}.jsonl") for number in range(5)])
    is_read(tmp_path, expected, folder, corpus=str(tmp_path / "x"))
    assert "y*.jsonl: no file matches" in fails(tmp_path, folder, corpus=str(tmp_path / "y*.jsonl"))
    spec = FilesSpec(path=str(folder), corpus=str(tmp_path / "x" / "c[01].jsonl"))
    assert [path.name for path in spec.input_files()] == ["c0.jsonl", "c1.jsonl", "queries.jsonl", "test.tsv"]


def test_rows_without_ids_are_numbered_across_shards_and_errors_name_the_shard(tmp_path):
    for number in range(2):
        write_table(tmp_path / "in" / "corpus" / f"{number}.csv", [{"text": f"{number} {row}"} for row in range(3)])
    write_table(tmp_path / "in" / "queries.csv", [{"text": "q"}])
    prepare(tmp_path / "good", files(tmp_path / "in"))
    assert column(tmp_path / "good", "corpus", "id") == [str(row) for row in range(6)]
    write_table(tmp_path / "in" / "corpus" / "2.csv", [{"body": "x"}])
    assert "2.csv: has the columns body, but" in fails(tmp_path, tmp_path / "in")
    (tmp_path / "in" / "corpus" / "2.csv").rename(tmp_path / "in" / "corpus" / "2.xlsx")
    assert "corpus/2.xlsx: not understood" in fails(tmp_path, tmp_path / "in")


@pytest.mark.parametrize(
    "name",
    [
        "queries.json",
        "queries.txt",
        "queries.xlsx",
        "queries",
        "queries.tsv.7z",
        "queries_test.txt",
        "Queries.TXT",
        "test_queries.jsonl",
        "query.jsonl",
        "topics.txt",
        "queries-dev.jsonl",
        "queries_train.jsonl",
    ],
)
def test_queries_that_are_not_understood_are_named_and_nothing_replaces_them(tmp_path, name):
    folder = write_beir(tmp_path / "in", queries=None, qrels=None)
    (folder / name).write_text("who? what?\n")
    assert f"in/{name}: " in fails(tmp_path, folder)
    prepare(tmp_path / "decided", files(folder, queries=None))
    assert rows(tmp_path / "decided", "qrels") == []


@pytest.mark.parametrize(
    "name",
    [
        "qrels.json",
        "qrels/test.json",
        "qrels/test.7z",
        "qrels_test.xml",
        "qrels",
        "test.json",
        "test.tsv",
        "qrel.tsv",
        "judgements.csv",
        "relevance.tsv",
        "qrels-test.tsv",
        "qrels.dev.json",
        "QRELS/dev.json",
        "qrels/en/test.tsv",
        "judgments/dev.tsv",
        "gold_labels.tsv",
    ],
)
def test_judgements_that_are_not_understood_are_named_and_agreement_does_not_replace_them(tmp_path, name):
    folder = write_beir(tmp_path / "in", qrels=None)
    (folder / name).parent.mkdir(exist_ok=True, parents=True)
    (folder / name).write_text('{"q1": {"d1": 1}}\n')
    assert f"in/{name.partition('/')[0]}" in fails(tmp_path, folder)
    assert prepare(tmp_path / "decided", files(folder, qrels=None))["judged"] is False


def test_what_is_beside_a_table_that_was_found_does_no_harm(tmp_path, expected):
    folder = write_beir(tmp_path / "in")
    for name in ("README.md", "corpus.jsonl.md5", "queries.txt", "qrels/train.json", "qrels/README", "topics.txt"):
        (folder / name).write_text("x")
    is_read(tmp_path, expected, folder)


def test_a_folder_without_a_corpus_says_what_it_has(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "documents.jsonl").touch()
    assert "no corpus; expected corpus.parquet or corpus.jsonl" in fails(tmp_path, tmp_path / "in")
    assert "the folder has documents.jsonl" in fails(tmp_path, tmp_path / "in")


def test_queries_null_takes_neither_queries_nor_their_judgements(tmp_path):
    folder = write_beir(tmp_path / "in")
    layout = find_layout(FilesSpec(path=str(folder), queries=None))
    assert [path.name for path in layout.paths()] == ["corpus.jsonl"]


@pytest.mark.parametrize("kind", ["jsonl", "csv", "tsv", "parquet", "jsonl.zst"])
def test_a_text_of_17_million_characters_is_read_in_every_format(tmp_path, kind):
    table = [{"_id": "long", "text": "word " * 3_400_000 + "end"}, {"_id": "short", "text": "x"}]
    (tmp_path / "in").mkdir()
    if kind == "jsonl.zst":
        (tmp_path / "in" / "corpus.jsonl.zst").write_bytes(
            zstd("".join(json.dumps(row) + "\n" for row in table).encode())
        )
    else:
        write_table(tmp_path / "in" / f"corpus.{kind}", table)
    write_table(tmp_path / "in" / "queries.jsonl", [{"_id": "q", "text": "x"}])
    described = prepare(tmp_path / "out", files(tmp_path / "in"))
    assert described["text_length_characters"]["corpus"]["p100"] == 17_000_003
    assert column(tmp_path / "out", "corpus", "text")[0] == table[0]["text"]


@pytest.mark.parametrize("kind", ["jsonl", "csv", "tsv"])
def test_lines_may_end_with_carriage_returns_alone(tmp_path, expected, kind):
    folder = write_beir(tmp_path / "in")
    (folder / "corpus.jsonl").unlink()
    path = write_table(folder / f"corpus.{kind}", CORPUS)
    path.write_bytes("\ufeff".encode() + path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r"))
    texts = {row["id"]: row["text"].replace("\n", "\r") for row in expected["corpus"]}
    prepare(tmp_path / "out", files(folder))
    assert {row["id"]: row["text"] for row in rows(tmp_path / "out", "corpus")} == (
        texts if kind != "jsonl" else {row["id"]: row["text"] for row in expected["corpus"]}
    )


def test_ids_of_documents_may_be_uuids(tmp_path):
    ids = [uuid.UUID(int=row + 1) for row in range(2)]
    folder = write_beir(tmp_path / "in", qrels=None)
    (folder / "corpus.jsonl").unlink()
    table = pa.table({"id": pa.array([one.bytes for one in ids], pa.uuid()), "text": ["a", "b"]})
    pq.write_table(table, folder / "corpus.parquet")
    prepare(tmp_path / "out", files(folder))
    assert column(tmp_path / "out", "corpus", "id") == [str(one) for one in ids]


def test_a_column_or_key_twice_is_named(tmp_path):
    folder = write_beir(tmp_path / "in")
    (folder / "corpus.jsonl").write_text('{"_id": "d1", "text": "a"}\n{"_id": "d2", "text": "b", "_id": "d3"}\n')
    assert "corpus.jsonl: line 2 has '_id' twice; keep one of them" in fails(tmp_path, folder)
    rows_with_more = [{**row, "more": {"_id": "x", "text": "y"}} for row in CORPUS]
    write_table(folder / "corpus.jsonl", [*rows_with_more[:4], {"_id": "d5", "text": 'is "_id": "d6"'}])
    prepare(tmp_path / "nested", files(folder))
    (folder / "corpus.jsonl").unlink()
    table = pa.table([pa.array(["a"]), pa.array(["b"]), pa.array(["c"])], names=["id", "text", "id"])
    pq.write_table(table, folder / "corpus.parquet")
    assert "corpus.parquet: has the column 'id' twice; keep one of them" in fails(tmp_path, folder)
