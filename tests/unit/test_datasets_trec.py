"""Judgements as TREC has them and without a header; those that can't be used say what they should be."""

import pytest

from support.dataset_files import fails, files, prepare, rows, write_beir

JUDGED = [("q1", "d1", 2), ("q1", "d4", 1), ("q2", "d2", 1)]


def judgements(tmp_path, folder):
    prepare(tmp_path / "out", files(folder))
    return [(row["query_id"], row["doc_id"], row["relevance"]) for row in rows(tmp_path / "out", "qrels")]


TREC = {
    "spaces": "q1 0 d1 2\nq2 0 d2 1\nq3  0  d2 0\n\nq1 Q0 d4 1\n",
    "tabs": "q1\t0\td1\t2\nq2\t0\td2\t1\nq3\t0\td2\t0\nq1\t0\td4\t1",
    "three columns": "q1\td1\t2\r\nq2\td2\t1\r\nq3\td2\t0\r\nq1\td4\t1\r\n",
    "three columns and spaces": "\ufeffq1 d1 2\nq2 d2 1\nq3 d2 0\nq1 d4 1\n",
    "carriage returns": "q1 0 d1 2\rq2 0 d2 1\rq3 0 d2 0\rq1 0 d4 1\r",
    "with a header": "query-id\tcorpus-id\tscore\nq1\td1\t2\nq2\td2\t1\nq3\td2\t0\nq1\td4\t1\n",
}


@pytest.mark.parametrize("name", ["qrels/test.tsv", "qrels.txt", "QRELS/Test.TREC", "qrels.TSV"])
@pytest.mark.parametrize("content", TREC.values(), ids=TREC)
def test_judgements_as_trec_has_them_and_without_a_header(tmp_path, name, content):
    folder = write_beir(tmp_path / "in", qrels=None)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(content.encode())
    assert judgements(tmp_path, folder) == JUDGED


def test_judgements_without_a_header_in_csv(tmp_path):
    folder = write_beir(tmp_path / "in", qrels=None)
    (folder / "qrels.csv").write_text('q1,d1,2\nq2,"d2",1\nq3,d2,0\nq1,d4,1\n')
    assert judgements(tmp_path, folder) == JUDGED


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("q1 Q0 d1 1 0.9 run\n", "without a header, its lines have TREC's four fields"),
        ("query-id,corpus-id,score\nq1,d1,1\n", "fields are separated by tabs in .tsv, by commas in .csv"),
        ("query-id\tcorpus-id\tscore\n", "qrels.tsv has no relevance above 0 for them"),
        ("q1 0 d1 0\n", "qrels.tsv has no relevance above 0 for them"),
        ("q1 0 d1 0.5\n", "line 1: 'score' is '0.5', expected a whole number; round or multiply grades"),
    ],
)
def test_judgements_that_cannot_be_used_say_what_they_should_be(tmp_path, content, words):
    folder = write_beir(tmp_path / "in", qrels=None)
    (folder / "qrels.tsv").write_text(content)
    assert words in fails(tmp_path, files(folder))


def test_a_line_of_judgements_with_other_fields_is_named(tmp_path):
    folder = write_beir(tmp_path / "in", qrels=None)
    (folder / "qrels.txt").write_text("q1 0 d1 1\nq2 0 d2\n")
    assert "qrels.txt: line 2 has 3 fields, the first has 4" in fails(tmp_path, files(folder))
