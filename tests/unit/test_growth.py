"""How results change as a corpus grows: each subset is reported as a study of that subset alone is."""

import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embquant.arrays import StudyOfArrays
from embquant.exact.subsets import Subsets, Wanted
from embquant.files.parquet import write_parquet
from embquant.indexes.manifest import Encoded
from embquant.measure.extrapolation import CARRIED
from embquant.report.numbers.growth import growth_table
from embquant.report.numbers.intervals import Chance
from embquant.report.numbers.significance import Analysis
from embquant.steps.build_store import corpus_sample, store_codes
from embquant.study.study import Study

DOCUMENTS, QUERIES, JUDGED, DEPLOYED = 640, 50, 60, 2000
CHANCE = Chance(seed=0, resamples=1000, confidence=0.95)
SETTING = ["method", "rescore_store", "rescore_multiplier", "top_k"]
METHODS = {
    "float32": {"codec": "float32", "index": "flat"},
    "binary": {"codec": "binary", "index": "flat"},
    "int8": {"codec": "int8", "index": "flat"},
    "int8-hnsw": {"codec": "int8", "index": "hnsw", "scoring": "asymmetric"},
}


def configured(halvings):
    return Study.read(
        {
            "study": "growing",
            "datasets": {"corpus": {"source": "files", "path": "."}},
            "models": {"vectors": {"type": "precomputed", "corpus": "."}},
            "parts": 1,
            "codecs": {name: {"family": name} for name in ("float32", "binary", "int8")},
            "methods": METHODS,
            "top_k": [5, 20],
            "rescore": {"stores": ["int8", "float32"], "multipliers": [1, 4]},
            "metrics": ["nDCG@5", "RR@5", "R@20", "overlap@5", "rbo"],
            "growth": {"halvings": halvings},
            "requirements": {"vectors": DEPLOYED, "min_retention": 0.9},
        }
    )


def made_up():
    """Vectors of low dimension, so that codes are tied, and near judged documents, so that results aren't chance."""
    rng = np.random.default_rng(3)
    corpus = rng.standard_normal((DOCUMENTS, 24)).astype(np.float32)
    judged = rng.permutation(DOCUMENTS)[:JUDGED]
    queries = corpus[judged[:QUERIES]] + 0.7 * rng.standard_normal((QUERIES, 24)).astype(np.float32)
    qrels = {query: {int(judged[query]): 2, int(judged[QUERIES + query % 10]): query % 2} for query in range(QUERIES)}
    return corpus, queries, qrels


def run(folder, halvings, corpus, ids, queries, qrels, fitted=None):
    """Run a study of these documents, with the codecs that were ``fitted`` in another folder if there is one."""
    study = StudyOfArrays(configured(halvings), folder, 2)
    study.write_inputs(corpus, queries, qrels)
    write_parquet(
        study.path("results/{dataset}/corpus.parquet"), pa.schema([("id", pa.string())]), [pa.table([ids], ["id"])]
    )
    layout = study.study.layout
    for codec in study.study.codecs:
        if fitted is None:
            study.build_store(codec)
            continue
        state = study.path(layout.codec_state(codec))
        shutil.copytree(fitted.path(layout.codec_state(codec)).parent, state.parent)
        embeddings = corpus_sample([study.path(layout.each_part(layout.embeddings())[0])])
        store_codes(embeddings, study.path(study.study.store_file(codec)), Encoded(state))
    for name in study.study.indexes:
        study.build_index(name)
    for step in (study.search, study.evaluate):
        for name in METHODS:
            step(name)
    return study


def runs(study):
    return [study.path(study.study.layout.run(name)) for name in METHODS]


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A study with subsets, and its table of growth."""
    corpus, queries, qrels = made_up()
    ids = [f"d{row}" for row in range(DOCUMENTS)]
    study = run(tmp_path_factory.mktemp("whole"), 9, corpus, ids, queries, qrels)
    return study, growth_table(runs(study), study.study, CHANCE)


def test_each_subset_is_reported_as_a_study_of_its_documents_alone_is(grown, tmp_path):
    study, table = grown
    corpus, queries, qrels = made_up()
    ids = [f"d{row}" for row in range(DOCUMENTS)]
    judged = np.unique([document for gains in qrels.values() for document in gains])
    subsets = Subsets.of(ids, judged, Wanted(halvings=9, seed=0, depth=20))
    assert subsets.sizes == [80, 160, 320]
    for number, size in enumerate(subsets.sizes):
        rows = np.flatnonzero(subsets.first <= number)
        place = {int(row): at for at, row in enumerate(rows)}
        moved = {query: {place[document]: gain for document, gain in gains.items()} for query, gains in qrels.items()}
        alone = run(tmp_path / str(size), 0, corpus[rows], [ids[row] for row in rows], queries, moved, fitted=study)
        expected = Analysis.of(runs(alone), "float32", CHANCE).retrieval()
        compare(table[table["documents"] == size], expected, [name for name in METHODS if "hnsw" not in name])


def compare(found, expected, methods):
    """Compare rows of growth with those of retrieval at the least top_k: all shared columns, to the last digit."""
    expected = expected[(expected["top_k"] == 5) & expected["method"].isin(methods)]
    shared = [name for name in expected if name in found and name not in ("index_overlap", "baseline_p")]
    assert {"nDCG@5", "retention_nDCG@5_low", "overlap@5", "rbo_high", "nDCG@5_expected"} <= set(shared)
    found = found[found["method"].isin(methods)]
    pd.testing.assert_frame_equal(
        found[shared].set_index(SETTING).sort_index(),
        expected[shared].set_index(SETTING).sort_index(),
        check_exact=True,
    )


def test_the_rows_of_the_whole_corpus_are_those_of_the_report(grown):
    study, table = grown
    expected = Analysis.of(runs(study), "float32", CHANCE).retrieval()
    compare(table[table["documents"] == DOCUMENTS], expected, list(METHODS))


def test_an_approximate_index_is_measured_at_its_own_size_and_names_its_twin(grown):
    _, table = grown
    graph = table[table["method"] == "int8-hnsw"]
    assert dict(zip(graph["documents"], graph["basis"], strict=True)) == {DOCUMENTS: "measured", DEPLOYED: "unknown"}
    graph, table = (rows[rows["basis"] == "measured"] for rows in (graph, table))
    assert set(graph["exact_twin"]) == {"int8"}
    keys = ["rescore_store", "rescore_multiplier"]
    exact = table[(table["method"] == "int8") & (table["documents"] == DOCUMENTS)].set_index(keys)["nDCG@5"]
    expected = graph.set_index(keys)["nDCG@5"] / exact.reindex(graph.set_index(keys).index)
    assert graph["index_retention"].tolist() == expected.tolist()
    assert table.loc[table["method"] != "int8-hnsw", ["exact_twin", "index_retention"]].isna().all(axis=None)


def test_the_first_stage_s_recall_is_that_of_the_candidates_that_are_rescored(grown):
    """At ×4 these are 20 documents, whose recall the report has as R@20 of the search for 20."""
    study, table = grown
    expected = Analysis.of(runs(study), "float32", CHANCE).retrieval()
    plain = expected[(expected["top_k"] == 20) & (expected["rescore_store"] == "none")].set_index("method")["R@20"]
    found = table[(table["documents"] == DOCUMENTS) & (table["rescore_multiplier"] == 4)]
    assert found["first_stage_recall"].to_numpy() == pytest.approx(plain.reindex(found["method"]).to_numpy(), abs=1e-9)


def test_a_larger_corpus_is_expected_to_move_what_was_measured_as_far_as_the_projection_moves(grown):
    """The judge are means of growth.parquet: projected, and the share CARRIED of what was measured beyond it."""
    study, table = grown
    means = {}
    for method in ("float32", "binary", "int8"):
        read = pq.read_table(study.path(study.study.layout.growth(method))).to_pandas()
        keys = ["rescore_store", "rescore_multiplier", "documents", read["projected_from"].notna()]
        for key, value in read.groupby(keys)["nDCG@5"].mean().items():
            means[method, *key] = value

    def moved(method, store, multiplier):
        at = (method, store, multiplier)
        return means[*at, DEPLOYED, True] + CARRIED * (means[*at, DOCUMENTS, False] - means[*at, DOCUMENTS, True])

    expected = table[table["basis"] == "expected"]
    assert set(expected["documents"]) == {DEPLOYED}
    assert len(expected) == len(study.study.methods["binary"].rescore_stores) * 2 * 2 + 3
    for row in expected.to_dict("records"):
        setting = (row["method"], row["rescore_store"], row["rescore_multiplier"])
        by_hand = moved(*setting) / moved("float32", "none", 1)
        assert row["retention_nDCG@5"] == pytest.approx(by_hand, abs=1e-6)
        assert row["method"] != "float32" or row["retention_nDCG@5_low"] == 1
        assert row["retention_nDCG@5_low"] <= row["retention_nDCG@5"] <= row["retention_nDCG@5_high"]


def test_the_least_multiplier_is_that_from_which_on_all_lower_bounds_reach_the_requirement(grown):
    study, table = grown
    wanted = study.study.config.requirements.min_retention
    assert table.loc[table["rescore_store"] == "none", "least_multiplier"].isna().all()
    found = set()
    for _, rows in table[table["rescore_store"] != "none"].groupby(["method", "rescore_store", "documents"]):
        low = rows.set_index("rescore_multiplier")["retention_nDCG@5_low"].fillna(0)
        expected = 1 if min(low[1], low[4]) >= wanted else 4 if low[4] >= wanted else None
        assert set(rows["least_multiplier"].dropna()) == ({expected} if expected else set())
        found.add(expected)
    assert found == {1, 4, None}
