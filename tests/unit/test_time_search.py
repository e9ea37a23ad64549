"""What the command that times a search opens and hands to the rounds, and what it writes; no clock is looked at."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embquant.arrays import DATASET, MODEL, StudyOfArrays
from embquant.files.atomic import read_json
from embquant.measure.effort import Effort
from embquant.measure.speed import Contestant, Queries, measured_speed
from embquant.steps import time_search as step
from embquant.study import Setting
from embquant.study.study import Study
from support.codec_cases import unit_vectors

QUERIES = 20
STUDY = Study.read(
    {
        "study": "timed",
        "datasets": {DATASET: {"source": "files"}},
        "models": {MODEL: {"name": "made-up"}},
        "parts": 1,
        "codecs": {family: {"family": family} for family in ("float32", "int8", "binary")},
        "methods": {family: {"codec": family, "index": "flat"} for family in ("float32", "int8", "binary")},
        "top_k": [5, 10],
        "rescore": {"stores": ["int8"], "multipliers": [2, 4]},
        "growth": {"halvings": 0},
    }
)
SETTINGS = [
    ("none", 1, 5), ("none", 1, 10),
    ("int8", 2, 5), ("int8", 2, 10), ("int8", 4, 5), ("int8", 4, 10),
]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Build all methods; the queries are the first documents, and a file says so."""
    corpus = unit_vectors(300, dim=32)
    run = StudyOfArrays(STUDY, tmp_path_factory.mktemp("timed"), 1)
    run.write_inputs(corpus, corpus[:QUERIES], {})
    run.build_and_search()
    pq.write_table(pa.table({"own_row": np.arange(QUERIES)}), run.folder / "queries.parquet")
    return run


@pytest.fixture
def time_search(run, tmp_path):
    """Return a function that times a method beside a baseline, and returns what was written."""

    def call(method, baseline="float32", **options):
        step.time_search(
            method_file=run.path(STUDY.layout.method(method)),
            baseline_file=run.path(STUDY.layout.method(baseline)),
            query_vectors=run.path(STUDY.layout.query_vectors()),
            stores={"int8": run.path(STUDY.store_manifest("int8"))},
            multipliers=[2, 4],
            top_k=[5, 10],
            threads=1,
            output=tmp_path / "speed.json",
            **options,
        )
        return read_json(tmp_path / "speed.json")

    return call


@pytest.fixture
def opened(time_search, monkeypatch):
    """Return a function that returns what would be timed: what ``measured_speed`` is called with."""

    def call(*methods, **options):
        calls = []
        monkeypatch.setattr(step, "measured_speed", lambda *given: calls.append(given) or ([], 0))
        time_search(*methods, **options)
        return calls[0]

    return call


def settings(contestants):
    return [(one.store, one.multiplier, one.top_k) for each in contestants for one in each.settings]


def test_each_setting_has_its_row_and_the_plain_code_that_of_the_least_top_k(time_search):
    written = time_search("binary", rounds=1, single_queries=2, seconds=0.0)
    rows = {(row["rescore_store"], row["rescore_multiplier"], row["top_k"]): row for row in written["settings"]}
    assert sorted(rows) == sorted(SETTINGS)
    assert len(written["settings"]) == len(SETTINGS)
    assert all(row["latency_p50_ms"] > 0 for row in rows.values())
    plain = {key for key, row in rows.items() if "plain_code" in row}
    assert plain == {key for key in SETTINGS if key[2] == 5}
    for key in plain:
        assert rows[key]["plain_latency_p50_ms"] > 0
        assert rows[key]["plain_queries_per_second"] > 0
        assert "def search(" in rows[key]["plain_code"]
    assert (written["method"], written["threads"], written["batch_queries"]) == ("binary", 1, QUERIES)


def test_a_method_is_built_in_the_time_to_fit_its_codec_to_encode_the_corpus_and_to_build_its_index(run, time_search):
    written = time_search("int8", rounds=1, single_queries=1, seconds=0.0)
    manifest = read_json(run.path(STUDY.methods["int8"].manifest))
    parts = [manifest[f"{part}_seconds"] for part in ("fit", "encode", "build")]
    assert all(part > 0 for part in parts)
    assert written["build_seconds"] == pytest.approx(sum(parts))


def test_the_effort_is_what_was_asked_for(opened):
    *_, single_queries, effort = opened("int8", rounds=7, single_queries=3, precision=0.05, seconds=0.1)
    assert effort == Effort(rounds=7, precision=0.05, seconds=0.1)
    assert single_queries == 3


def test_the_baseline_has_both_engines_at_each_top_k_and_is_timed_against_nothing_else(opened):
    baselines, contestants, *_ = opened("float32")
    assert [(each.engine, each.settings[0].top_k) for each in baselines] == [
        ("blas", 5), ("blas", 10), ("faiss", 5), ("faiss", 10),
    ]  # fmt: skip
    assert contestants == []
    baselines, contestants, *_ = opened("binary")
    assert [each.engine for each in baselines] == ["blas", "blas", "faiss", "faiss"]
    assert sorted(settings(each for each in contestants if each.code is None)) == sorted(SETTINGS)


def test_codes_have_no_float32_to_be_faster_than_though_they_are_the_baseline(opened):
    baselines, contestants, *_ = opened("int8", "int8")
    assert baselines == []
    assert sorted(settings(each for each in contestants if each.code is None)) == sorted(SETTINGS)


@pytest.mark.parametrize("method", ["float32", "int8", "binary"])
def test_own_documents_are_left_out_of_what_is_timed_and_plain_code_which_has_them_is_not(run, opened, method):
    baselines, contestants, asked, *_ = opened(method, queries=run.folder / "queries.parquet")
    assert asked.own_rows.tolist() == list(range(QUERIES))
    assert all(each.code is None for each in contestants)
    for each in [*baselines, *contestants]:
        _, with_own = each.search(Queries(asked.vectors))
        _, without = each.search(asked)
        assert (with_own[:, 0] == asked.own_rows).all()
        assert not (without == asked.own_rows[:, None]).any()


def test_few_queries_are_asked_again_in_turn():
    asked = []
    search = Contestant("int8", (Setting("none", 1, 10),), lambda queries: asked.append(queries.vectors[:, 0].tolist()))
    measured_speed([], [search], Queries(np.arange(2.0)[:, None]), 4, Effort(1, 1, 0))
    assert sorted(asked[-5:-1]) == [[0], [0], [1], [1]]  # the last is the batch


def test_each_query_keeps_its_own_document_alone_and_in_batches():
    asked = Queries(np.arange(12.0).reshape(4, 3), np.array([5, -1, 7, 2]))
    assert [query.own_rows.tolist() for query in asked.singly()] == [[5], [-1], [7], [2]]
    assert asked[np.array([0, 3])].own_rows.tolist() == [5, 2]
    assert [query.vectors[0, 0] for query in asked[1:].singly()] == [3, 6, 9]
