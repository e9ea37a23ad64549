"""What BEIR's collections have: queries that are documents themselves, and judged documents that the corpus lacks."""

import pytest

from support.dataset_files import QRELS, column, prepare, write_beir

SAME, OTHER = "results_that_are_the_query_itself", "results_with_the_id_of_the_query_and_another_text"
CORPUS = [
    {"_id": "a", "title": "", "text": "meat is murder "},
    {"_id": "b", "title": "Vegetarianism", "text": "plants feel pain"},
    {"_id": "c", "title": "", "text": "number three"},
    {"_id": "d", "title": "Health", "text": "beans are good"},
    {"_id": "e", "title": "", "text": "not a query"},
]
QUERIES = [
    {"_id": "a", "text": "meat is murder"},
    {"_id": "b", "text": "plants  feel\npain"},
    {"_id": "c", "text": "three"},
    {"_id": "d", "text": "Health beans are good"},
    {"_id": "q", "text": "not a query"},
]
JUDGED = [{"query-id": query["_id"], "corpus-id": "e", "score": 1} for query in QUERIES]


def prepared(folder, **more):
    write_beir(folder / "in", CORPUS, QUERIES, JUDGED)
    described = prepare(folder / "out", {"source": "files", "path": str(folder / "in"), **more})
    return column(folder / "out", "queries", "own_row"), described


@pytest.mark.parametrize(
    ("decided", "own_rows", "left_out", "kept"),
    [
        (None, [0, 1, -1, 3, -1], {SAME: 3}, {OTHER: 1}),
        ("auto", [0, 1, -1, 3, -1], {SAME: 3}, {OTHER: 1}),
        ("exclude", [0, 1, 2, 3, -1], {SAME: 3, OTHER: 1}, {}),
        ("keep", [-1, -1, -1, -1, -1], {}, {SAME: 3, OTHER: 1}),
    ],
)
def test_a_document_with_the_query_s_id_is_its_own_if_the_text_is_the_same_with_or_without_title(
    tmp_path, decided, own_rows, left_out, kept
):
    found, described = prepared(tmp_path, **({"identical_ids": decided} if decided else {}))
    assert found == own_rows
    assert (described["left_out"], described["kept"]) == (left_out, kept)


def test_what_is_left_out_of_results_changes_the_fingerprint(tmp_path):
    for name in ("auto", "exclude", "keep"):
        (tmp_path / name).mkdir()
    prints = {
        name: prepared(tmp_path / name, identical_ids=name)[1]["fingerprint"] for name in ("auto", "exclude", "keep")
    }
    assert len(set(prints.values())) == 3


def test_a_pool_takes_over_what_its_datasets_decided(tmp_path):
    prepared(tmp_path)
    members = ["out", "other"]
    write_beir(tmp_path / "plain", CORPUS[:2], [QUERIES[0]], [{"query-id": "a", "corpus-id": "b", "score": 1}])
    prepare(tmp_path / "other", {"source": "files", "path": str(tmp_path / "plain"), "identical_ids": "keep"})
    described = prepare(
        tmp_path / "pool", {"source": "pooled", "datasets": members}, [tmp_path / name for name in members]
    )
    assert column(tmp_path / "pool", "queries", "own_row") == [0, 1, -1, 3, -1, -1]
    assert described["left_out"] == {SAME: 3}


def test_judgements_of_documents_that_the_corpus_lacks_stay_and_those_of_unknown_queries_do_not(tmp_path):
    more = [
        {"query-id": "q1", "corpus-id": "gone", "score": 1},
        {"query-id": "q1", "corpus-id": "gone too", "score": 2},
        {"query-id": "q1", "corpus-id": "gone", "score": 1},
        {"query-id": "q9", "corpus-id": "d1", "score": 1},
        {"query-id": "q3", "corpus-id": "gone", "score": 1},
    ]
    write_beir(tmp_path / "in", qrels=[*QRELS, *more])
    described = prepare(tmp_path / "out", {"source": "files", "path": str(tmp_path / "in")})
    judged = zip(*(column(tmp_path / "out", "qrels", name) for name in ("query_id", "doc_id", "doc_row")), strict=True)
    assert sorted(judged) == [
        ("q1", "d1", 0), ("q1", "d4", 3), ("q1", "gone", -1), ("q1", "gone too", -1), ("q2", "d2", 1),
        ("q3", "gone", -1),
    ]  # fmt: skip
    assert described["kept"] == {"judgements_of_documents_that_the_corpus_lacks": 3}
    assert described["left_out"] == {
        "judgements_of_unknown_queries": 1, "judgements_repeated": 1, "judgements_not_relevant": 1,
    }  # fmt: skip
    pooled = prepare(tmp_path / "pool", {"source": "pooled", "datasets": ["out"], "documents": 8}, [tmp_path / "out"])
    assert pooled["kept"] == described["kept"]
