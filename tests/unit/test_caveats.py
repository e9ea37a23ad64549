"""What a mean hides is said: ties that move it, what a graph loses, queries that lose everything."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from embquant import evaluate
from embquant.report.numbers.caveats import graph_words, lost_words, originals_words, tie_words
from embquant.report.numbers.quality import with_quality
from embquant.report.numbers.recommendation import recommendations
from embquant.report.numbers.spread import hidden_by_means, ties_matter
from embquant.report.show.summary import summary_text
from embquant.report.show.verdict import verdict_lines
from support.report_tables import setting, study, summary

TWINS = (1 + 1 / math.log2(3)) / 2
TIES = {"nDCG@10_expected": 0.8, "nDCG@10_least": 0.6, "nDCG@10_greatest": 1.0}
BY_ROW = {"nDCG@10": 1.0, "nDCG@10_low": 1.0, "nDCG@10_high": 1.0, "compared_in": "nDCG@10", "queries": 100}


def by_expected(kept, low):
    """The columns of a setting whose retention over all orders of ties is ``kept``."""
    column = "retention_nDCG@10_expected"
    return {**BY_ROW, **TIES, column: kept, f"{column}_low": low, f"{column}_high": 2 * kept - low}


def test_twins_have_the_expected_value_over_both_orders_and_its_span():
    """Every vector twice, the judged one first: by ascending row nothing is lost; either of the two may come first."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((200, 64))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    queries = vectors[:50] + 0.02 * rng.standard_normal((50, 64))
    methods = {name: {"codec": name, "index": "flat"} for name in ("int8", "float16")}
    methods["graph"] = {"codec": "float32", "index": "hnsw"}
    table = evaluate(np.repeat(vectors, 2, axis=0), queries, methods, {row: {2 * row: 1} for row in range(50)})
    assert table["nDCG@10"].tolist() == [1] * 4
    assert table["nDCG@10_expected"].to_numpy() == pytest.approx(TWINS)
    assert table["nDCG@10_least"].to_numpy() == pytest.approx(1 / math.log2(3))
    assert table["nDCG@10_greatest"].to_numpy() == pytest.approx(1)
    assert ties_matter(table, "nDCG@10").all()
    assert table["retention_nDCG@10_expected"].to_numpy() == pytest.approx(1)


def test_ties_that_the_interval_holds_are_not_said():
    rows = pd.DataFrame([{"nDCG@10_low": 0.5, "nDCG@10_high": 0.9, **TIES} | {"nDCG@10_greatest": 0.9}])
    assert not ties_matter(rows, "nDCG@10").any()
    assert ties_matter(rows.assign(**{"nDCG@10_low": 0.61}), "nDCG@10").all()


def test_a_setting_that_ties_flatter_is_judged_by_its_expected_value():
    """int8 can't tell documents apart that float32 can; by ascending row the judged one happens to come first."""
    rows = [
        setting("float32", p95=5, **by_expected(1.0, 1.0)),
        setting("int8", kept=1.0, low=1.0, **by_expected(0.8, 0.79)),
    ]
    found = recommendations(summary(*rows), study(), "results")[0]
    assert found.best["method"] == "float32"
    (ties,) = found.caveats
    assert ties.startswith("ties: another order of tied documents moves nDCG@10 on a by more than its interval")
    assert "float32 from 0.6000 to 1.0000, expected 0.8000" in ties
    assert f"   beware: {ties}" in verdict_lines(found, Path("summary.txt"))
    assert with_quality(summary(*rows))["kept"].tolist() == [1.0, 0.8]


def graph(found, lost=0.0):
    return {"index_overlap": found, "index_overlap_high": found + 0.005, "index_overlap_lost": lost}


def test_a_graph_that_loses_more_than_noise_is_said_with_what_helps():
    rows = [setting("float32", p95=5, low=1.0), setting("graph", kept=0.999, low=0.995, **graph(0.5, lost=0.15))]
    (words,) = graph_words(summary(*rows), study())
    assert words == (
        "graph: its hnsw index finds 50.0% of what a scan of the same codes finds on a, "
        "and nothing for 15.0% of queries; what may help: search wider (expansion_search); "
        "leave copies of a text out of the corpus"
    )
    assert graph_words(summary(setting("graph", **graph(0.99))), study()) == []


@pytest.mark.parametrize(
    ("index", "end"),
    [
        ("qdrant", " on a; what may help: search wider (hnsw_ef)"),
        ("pgvector", " on a; what may help: search wider (ef_search or probes)"),
        ("lancedb", " on a; what may help: search wider (nprobes or ef)"),
        ("zvec", " on a; what may help: search wider (ef or nprobe)"),
        ("sqlite-vec", " of what a scan of the same codes finds on a"),
    ],
)
def test_each_database_has_advice_in_its_own_words_or_none(index, end):
    (words,) = graph_words(
        summary(setting("graph", **graph(0.5))), study(methods={"graph": {"codec": "float32", "index": index}})
    )
    assert words.endswith(end)


def test_vectors_that_are_not_normalized_are_told_so():
    config = study().config.to_dict()
    config["models"] = {"m": {"type": "precomputed", "corpus": "x.npy", "queries": "y.npy", "normalize": False}}
    (words,) = graph_words(summary(setting("graph", **graph(0.5))), type(study()).read(config))
    assert "normalize: true" in words


def test_lost_queries_are_those_whose_value_falls_to_zero():
    metrics = {
        "nDCG@10": np.array([[1, 0.5, 0, 0.2], [0, 0.5, 0, 0], [1, 0, 0.3, 0.1]]),
        "index_overlap": np.array([[np.nan] * 4, [0, 1, 0, 0.5], [np.nan] * 4]),
    }
    columns = hidden_by_means(metrics, {}, 0, pd.RangeIndex(3))
    assert columns["nDCG@10_lost"].tolist() == [0, 0.5, 0.25]
    assert columns["index_overlap_lost"].tolist()[1] == 0.5
    assert np.isnan(columns["index_overlap_lost"][0])


def test_the_verdict_says_how_many_queries_lose_everything():
    rows = summary(setting("int8", **BY_ROW, **{"nDCG@10_lost": 0.031}))
    assert lost_words(rows) == ["int8: 3.1% of queries on a lose everything (nDCG@10 is 0, float32's is not)"]
    assert lost_words(rows.assign(**{"nDCG@10_lost": 0.0})) == []
    assert tie_words(rows) == []


def test_the_summary_shows_what_means_hide():
    shown = {"bytes_per_vector": 1, "compression_vs_float32": 1.0, "latency_p50_ms": 1.0, "speedup_p50_vs_float32": 1.0}
    shown |= {"verdict": "noise", "retention_nDCG@10_high": 1.0}
    rows = [
        setting("float32", **shown, **by_expected(1.0, 1.0)),
        setting("graph", **shown, **by_expected(0.8, 0.79), **graph(0.5, lost=0.15), **{"nDCG@10_lost": 0.125}),
    ]
    nothing_left_out = pd.DataFrame(columns=["dataset", "model", "method", "rescore_store", "reason"])
    described = [{"name": "a", "left_out": {}, "kept": {}}]
    lines = summary_text(summary(*rows), study(), described, nothing_left_out).splitlines()
    assert any(line.startswith("ties: another order") for line in lines)
    assert any(line.startswith("graph: its hnsw index finds 50.0%") for line in lines)
    heading = next(line for line in lines if line.startswith("method"))
    values = next(line for line in lines if line.startswith("graph  "))
    assert all(name in heading for name in ("expected nDCG@10", "of float32", "lose all", "of exact scan"))
    assert all(value in values for value in ("0.8000 ±0.0100", "12.5%", "0.5000"))


def test_what_a_database_keeps_and_holds_is_said_because_its_memory_does_not_fall():
    graph = {"codec": "float32", "index": "pgvector", "build": {"type": "halfvec", "index": "hnsw"}}
    made_up = study({"halves": graph, "floats": {**graph, "build": {"index": "hnsw"}}})
    kept = {"vectors": 10_000, "originals_bytes": 5_000_000, "resident_bytes": 9_000_000, "mapped_bytes": 1_000_000}
    rows = summary(
        setting("int8"),
        {**setting("float32"), "method": "floats", **kept, "searched_bytes": 6_000_000},
        {**setting("float32"), "method": "halves", **kept, "searched_bytes": 3_500_000, "bytes_per_vector": 200},
    )
    (words,) = originals_words(rows, made_up)
    assert words == (
        "memory: pgvector on a keeps 5.0 MB of originals on disk, and 3.5 to 6.0 MB of codes, graph or lists; its "
        "processes held 10.0 MB with a quantizer, 10.0 MB without one. float32 vectors take 4.0 MB. Where the "
        "originals are float32, a quantizer adds its codes to them; memory falls only where they may stay on disk"
    )
    halves = rows[rows["method"] == "halves"].assign(originals_bytes=2_500_000)  # float16 in place of float32
    (words,) = originals_words(halves, made_up)
    assert words.endswith("float32 vectors take 4.0 MB")
    (words,) = originals_words(pd.concat([rows[rows["method"] == "floats"], halves]), made_up)
    assert words.endswith("memory falls only where they may stay on disk")
    (words,) = originals_words(halves.assign(originals_bytes=0), made_up)  # originals: false of sqlite-vec
    assert words.endswith("float32 vectors take 4.0 MB")
    assert originals_words(summary(setting("int8")), made_up) == []
