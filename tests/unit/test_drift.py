"""Drift: rows of drift.csv and the words about them, judged by numpy and brute force."""

import numpy as np
import pytest

from embquant.arrays import StudyOfArrays
from embquant.errors import InputError
from embquant.report.numbers.caveats import caveats, drift_words
from embquant.report.numbers.drift import DRIFT, drift_table, with_drift
from embquant.report.numbers.intervals import Chance
from embquant.report.numbers.significance import Analysis
from embquant.study.study import Study

DOCUMENTS, QUERIES, DIM, SEEN = 600, 80, 32, 300
CODECS = {
    **{family: {"family": family} for family in ("float32", "float16", "binary", "int8", "uint8", "int6", "int4")},
    "percentile": {"family": "int8", "ranges": "percentile", "percentile": 90},
    "center": {"family": "int8", "transform": "center"},
    "mean": {"family": "binary", "threshold": "mean"},
    "pq": {"family": "pq", "pieces": 8, "bits": 4},
}
METHODS = {name: {"codec": name, "index": "flat"} for name in CODECS} | {
    "lists": {"codec": "float32", "index": "ivf", "build": {"lists": 12}, "search": {"nprobe": 2}},
    "graph": {"codec": "int8", "index": "hnsw"},
}


def study(**changes):
    """A study of given vectors, fitted on the first half as well."""
    return Study.read(
        {
            "study": "drift",
            "datasets": {"corpus": {"source": "files", "path": "."}},
            "models": {"vectors": {"type": "precomputed", "corpus": "."}},
            "parts": 1,
            "codecs": CODECS,
            "methods": METHODS,
            "fit_on": {"share": 0.5},
            "top_k": [10],
            "rescore": {"stores": ["int8", "float16"], "multipliers": [4]},
            "metrics": ["nDCG@10", "overlap@10"],
            "statistics": {"resamples": 1000},
            "growth": {"halvings": 0},
            **changes,
        }
    )


@pytest.fixture(scope="module")
def vectors():
    """Documents of a narrow subject, then of all others; each query is near one document."""
    rng = np.random.default_rng(0)
    corpus = rng.standard_normal((DOCUMENTS, DIM))
    corpus[:SEEN] = rng.standard_normal(DIM) + 0.1 * corpus[:SEEN]
    corpus /= np.linalg.norm(corpus, axis=1, keepdims=True)
    relevant = rng.integers(SEEN // 2, DOCUMENTS, QUERIES)
    queries = corpus[relevant] + 0.12 * rng.standard_normal((QUERIES, DIM))
    return corpus.astype(np.float32), queries.astype(np.float32), relevant


@pytest.fixture(scope="module")
def measured(vectors, tmp_path_factory):
    """The rows of drift.csv, and the settings of retrieval.csv with what drift does to them."""
    corpus, queries, relevant = vectors
    run = StudyOfArrays(study(), tmp_path_factory.mktemp("study"), threads=1)
    run.write_inputs(corpus, queries, {query: {int(row): 1} for query, row in enumerate(relevant)})
    run.build_and_search()
    for method in run.study.searched:
        run.evaluate(method)
    chance = Chance(seed=0, resamples=1000, confidence=0.95)
    folders = {name: run.path(run.study.layout.run(name)) for name in run.study.searched}
    analysis = Analysis.of([folders[name] for name in run.study.methods], "float32", chance)
    table = drift_table([folders[name] for name in run.study.drifted_methods], run.study)
    assert table.columns.tolist() == DRIFT
    return table, with_drift(analysis.retrieval(), table)


@pytest.fixture
def table(measured):
    """drift.csv, by setting."""
    return measured[0].set_index(["method", "rescore_store"])


def test_only_what_is_fitted_is_drifted():
    methods = study().drifted_methods
    without = {"float32", "float16"}
    assert set(methods) == {f"{name}_drifted" for name in set(METHODS) - without}
    assert methods["binary_drifted"].entry.codec == "binary"  # its rescore store alone is fitted
    assert methods["binary_drifted"].rescore_stores == ["int8_drifted", "float16"]
    assert methods["lists_drifted"].entry.codec == "float32"
    assert study(fit_on=None).drifted_methods == {}


def test_settings_that_nothing_is_fitted_for_have_no_row(table):
    assert ("binary", "int8") in table.index
    assert {("binary", "none"), ("binary", "float16")}.isdisjoint(table.index)
    assert {("mean", "none"), ("mean", "float16"), ("lists", "none")} <= set(table.index)


@pytest.mark.parametrize("name", ["int8", "uint8", "int6", "int4"])
def test_clipped_values_are_those_outside_of_the_range_of_the_first_half(name, vectors, table):
    corpus = vectors[0]
    outside = (corpus < corpus[:SEEN].min(axis=0)) | (corpus > corpus[:SEEN].max(axis=0))
    row = table.loc[(name, "none")]
    assert row["clipped_drifted"] == pytest.approx(outside.mean(), abs=1e-12)
    assert outside.mean() > 0.3
    assert row["clipped"] == 0


def test_percentiles_clip_whatever_is_seen(vectors, table):
    corpus = vectors[0]
    for column, seen in (("clipped", corpus), ("clipped_drifted", corpus[:SEEN])):
        low, high = np.percentile(seen, [10, 90], axis=0).astype(np.float32)
        expected = ((corpus < low) | (corpus > high)).mean()
        assert table.loc[("percentile", "none"), column] == pytest.approx(expected, abs=1e-12)


def test_values_are_clipped_after_the_transform(vectors, table):
    centred = vectors[0] - vectors[0][:SEEN].mean(axis=0, dtype=np.float64).astype(np.float32)
    outside = (centred < centred[:SEEN].min(axis=0)) | (centred > centred[:SEEN].max(axis=0))
    assert table.loc[("center", "none"), "clipped_drifted"] == pytest.approx(outside.mean(), abs=1e-4)


def test_codecs_without_a_range_clip_nothing_and_stores_have_shares_of_their_own(table):
    assert table.loc[["mean", "pq", "lists"], ["clipped", "clipped_drifted"]].isna().all(axis=None)
    stored = table.loc[("binary", "int8")]
    assert stored["store_clipped_drifted"] == table.loc[("int8", "none"), "clipped_drifted"]
    assert stored["store_clipped"] == 0


def ndcg(scores, relevant):
    """Return nDCG@10 of each query with one relevant document; equal documents come by ascending row."""
    order = np.argsort(-scores, axis=1, kind="stable")
    ranks = np.argmax(order == relevant[:, None], axis=1)
    return np.where(ranks < 10, 1 / np.log2(ranks + 2), 0)


def test_means_are_those_of_brute_force(vectors, table):
    corpus, queries, relevant = (array.astype(np.float64) if array.ndim == 2 else array for array in vectors)

    def mean_bits(seen):
        threshold = seen.mean(axis=0).astype(np.float32)
        return np.where(queries > threshold, 1, -1) @ np.where(corpus > threshold, 1, -1).T

    def int4(seen):
        low, width = seen.min(axis=0), np.ptp(seen, axis=0)
        levels = np.clip(np.clip((corpus - low) / width, 0, 1) * 15, 0, 15).astype(int)
        return queries @ (low + (levels + 0.5) / 15 * width).T

    for name, scores in (("mean", mean_bits), ("int4", int4)):
        whole, drifted = (ndcg(scores(seen), relevant) for seen in (corpus, corpus[:SEEN]))
        row = table.loc[(name, "none")]
        baseline = ndcg(queries @ corpus.T, relevant).mean()
        assert (row["mean"], row["mean_drifted"]) == pytest.approx((whole.mean(), drifted.mean()), abs=1e-6)
        assert row["kept_drifted"] == pytest.approx(drifted.mean() / baseline, abs=1e-6)
        assert row["difference"] == pytest.approx((drifted - whole).mean(), abs=1e-6)
        assert row["differing"] == np.count_nonzero(drifted != whole)


def test_a_loss_is_told_from_noise(table):
    assert table.loc[("mean", "none"), "verdict"] == "worse"
    same = table.loc[("graph", "float16")]
    assert (same["verdict"], same["p_holm"]) == ("noise", 1)
    assert (table["p_holm"] >= table["p"]).all()


def test_words_name_the_settings_that_lose_most_and_what_helps(measured, table):
    described = measured[1]
    assert described["drift_verdict"].notna().sum() == len(table)
    (words,) = drift_words(described, study())
    worse = table[table["verdict"] == "worse"].sort_values("difference")
    first = worse.iloc[0]
    assert words.startswith("drift: fitted on the first 50 % of the documents alone, nDCG@10 on corpus falls by more")
    assert f"{worse.index[0][0]}" in words.split("(")[1].split(" from ")[0]
    assert f"from {first['mean']:.4f} to {first['mean_drifted']:.4f}" in words
    assert len(worse) < 3 or f"and {len(worse) - 2} more settings" in words
    assert words.endswith("; fit codecs and indexes again when documents have been added")
    recommended = described[described["drift_verdict"] == "worse"].iloc[0]
    assert caveats(recommended, described, study())[-1].startswith("drift: ")
    assert drift_words(described[described["drift_verdict"] != "worse"], study()) == []
    assert drift_words(described, study(fit_on=None)) == []


@pytest.mark.parametrize(
    ("fit_on", "message"),
    [
        ({"share": 1}, "fit_on: share is 1, expected"),
        ({"share": 0.0}, "fit_on: share is 0.0, expected"),
        ({"share": 0.5, "by": "date"}, "fit_on: by is 'date', expected 'order' or 'random' or 'group'"),
        ({"by": "order"}, "fit_on: neither share nor values is given, expected one of them"),
        ({"by": "group", "share": 0.5, "values": ["en"]}, "fit_on: share and values are both given, expected one of"),
        ({"values": ["en"]}, "fit_on: values are of groups, but by is 'order'; set by: group"),
    ],
)
def test_a_wrong_fit_on_is_refused(fit_on, message):
    with pytest.raises(InputError, match=message):
        study(fit_on=fit_on)


def test_too_few_seen_documents_leave_the_drifted_method_out():
    small = study(fit_on={"share": 0.02})  # 12 of 600 documents, for 16 centroids and 12 lists
    assert small.methods["pq"].obstacle(DOCUMENTS, DIM) is None
    assert "at least 16 training vectors" in small.drifted_methods["pq_drifted"].obstacle(DOCUMENTS, DIM)
    assert small.drifted_methods["lists_drifted"].obstacle(DOCUMENTS, DIM) is None
    assert "can't fill 12 lists" in study(fit_on={"share": 0.01}).drifted_methods["lists_drifted"].obstacle(
        DOCUMENTS, DIM
    )
