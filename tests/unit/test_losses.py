"""Where it hurts, on seven documents whose scores can be read off: query vectors are the first axis."""

import numpy as np
import pyarrow as pa
import pytest

from embquant.files.atomic import write_json
from embquant.files.parquet import write_parquet
from embquant.report.numbers.explained import WORST_QUERIES, joined
from embquant.report.numbers.losses import ComparedSettings, quarters
from embquant.report.numbers.lost import cutoff_margins
from embquant.report.numbers.measured import read_measured
from embquant.retrieve.candidates import as_table, write_candidates
from embquant.steps.build_store import build_store
from embquant.steps.evaluate_run import evaluate_run
from embquant.steps.explain_losses import explain_losses
from support.embeddings import write_vectors

SCORES = [0.1, 0.2, 0.9, 0.8, 0.7, 0.05, 0.8]  # 6 is an exact copy of 3
EXACT = [2, 3, 6, 4, 1, 0, 5]
QUERIES = {"a": "one", "b": "two words", "c": "three words here", "d": "two\rwords"}
RELEVANT = [("a", 2), ("a", 4), ("b", 3), ("c", 5), ("d", 3)]
FOUND = {"a": [3, 2, 0, 1], "b": [2, 4, 5, 0], "c": [2, 6, 3, 4], "d": [2, 4, 3, 0]}
LOG3 = 1 / np.log2(3)
STATISTICS = {"seed": 0, "resamples": 1000, "confidence": 0.95}


def write_ranking(path, rows):
    rows = np.array(rows)
    scores = np.float32(SCORES)[rows].astype(float)
    write_candidates(path, [as_table(scores, rows)], {"depths": [rows.shape[1]]})


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Corpus, queries, float32 and binary store; the candidates of float32 and of a method that was made up."""
    folder = tmp_path_factory.mktemp("inputs")
    vectors = np.zeros((7, 8), np.float32)
    vectors[:, 0] = SCORES
    write_vectors(folder / "part.parquet", vectors)
    write_vectors(folder / "embedded.parquet", np.eye(8, dtype=np.float32)[[0] * 4])
    for codec in ("float32", "binary"):
        state, output = folder / codec / "state.npz", folder / f"{codec}.faiss"
        build_store(entry={"family": codec}, embeddings=[folder / "part.parquet"], state=state, output=output)
    texts = {
        "id": list("tuvwxyz"),
        "text": ["embedded"] * 7,
        "display": [None, None, "shown\r", "x" * 400, *[None] * 3],
    }
    corpus = pa.table(texts)
    write_parquet(folder / "corpus.parquet", corpus.schema, corpus.to_batches(max_chunksize=2))
    queries = pa.table({"id": list(QUERIES), "text": list(QUERIES.values())})
    write_parquet(folder / "queries.parquet", queries.schema, [queries])
    qrels = pa.schema([("query_row", pa.int64()), ("doc_row", pa.int64()), ("relevance", pa.int32())])
    pairs = [{"query_row": list(QUERIES).index(query), "doc_row": row, "relevance": 1} for query, row in RELEVANT]
    write_parquet(folder / "judged.parquet", qrels, [pa.Table.from_pylist(pairs, qrels)])
    write_parquet(folder / "unjudged.parquet", qrels, [qrels.empty_table()])
    return folder


def tables(inputs, folder, qrels, metrics, found=FOUND, worst=10):
    """Evaluate float32 and the made-up method, rescored by bits, at top_k 1 and 2; return both tables."""
    runs = [folder / "facts" / "minilm" / method for method in ("float32", "coarse")]
    manifest = {name: inputs / f"{name}.faiss.json" for name in ("float32", "binary")}
    for run, rows, stores in zip(runs, [[EXACT] * 4, list(found.values())], [[], ["binary"]], strict=True):
        write_ranking(run / "candidates.parquet", rows)
        write_json(
            folder / "method.json",
            {"name": run.name, "manifest": str(manifest["float32"]), "scoring": "symmetric", "search": {}},
        )
        evaluate_run(
            method_file=folder / "method.json",
            candidates=run / "candidates.parquet",
            reference=runs[0] / "candidates.parquet",
            float32_store=manifest["float32"],
            query_vectors=inputs / "embedded.parquet",
            qrels=inputs / qrels,
            stores={name: manifest[name] for name in stores},
            multipliers=[1, 2],
            top_k=[1, 2],
            metrics=metrics,
            output=run / "metrics.parquet",
        )
    explain_losses(
        runs=runs,
        baseline="float32",
        float32_store=manifest["float32"],
        stores={"binary": manifest["binary"]},
        query_vectors=inputs / "embedded.parquet",
        queries=inputs / "queries.parquet",
        corpus=inputs / "corpus.parquet",
        qrels=inputs / qrels,
        multipliers=[1, 2],
        worst=worst,
        statistics=STATISTICS,
        output=runs[0].parent,
    )
    return tuple(joined([runs[0].parent], name) for name in ("worst_queries", "losses"))


def of_setting(table, store):
    return table[table["rescore_store"] == store].reset_index(drop=True)


def test_the_queries_that_lose_most_with_the_document_they_lost(inputs, tmp_path):
    """nDCG@2. a: relevant are 2 and 4, ideal is 1 + 1/log₂3; float32 has 2 first, the method second: 1 − 1/log₂3 less.

    b and d: 3 is second, then not found: 1/log₂3. c: its document is neither way found. Bits put positive candidates
    in the order of rows: of a's 3, 2, 0, 1 they return 0 and 1, of b's 2, 4, 5, 0 and d's 2, 4, 3, 0 they return 0 and
    2.
    """
    worst, _ = tables(inputs, tmp_path, "judged.parquet", ["R@5", "nDCG@2", "overlap@2"])
    assert worst["metric"].eq("nDCG@2").all()
    assert worst["top_k"].eq(2).all()
    assert worst["method"].eq("coarse").all()
    columns = ["place", "query_id", "document_id", "baseline_rank", "reason"]
    plain, rescored = of_setting(worst, "none"), of_setting(worst, "binary")
    assert plain[columns].to_numpy().tolist() == [
        [1, "b", "w", 2, "not a candidate"],
        [2, "d", "w", 2, "not a candidate"],
        [3, "a", "v", 1, "ranked lower"],
    ]
    assert rescored[columns].to_numpy().tolist() == [
        [1, "b", "w", 2, "not a candidate"],
        [2, "d", "w", 2, "lost in rescoring"],
        [3, "a", "v", 1, "lost in rescoring"],
    ]
    assert plain["rank"].isna().tolist() == [True, True, False]
    assert plain["rank"][2] == 2
    assert rescored["rank"].isna().all()
    assert rescored["rescore_multiplier"].eq(2).all()
    assert plain["baseline_value"].tolist() == pytest.approx([LOG3, LOG3, 1 / (1 + LOG3)])
    assert plain["value"].tolist() == pytest.approx([0, 0, LOG3 / (1 + LOG3)])
    assert plain["loss"].tolist() == pytest.approx([LOG3, LOG3, (1 - LOG3) / (1 + LOG3)])
    assert rescored["loss"].tolist() == pytest.approx([LOG3, LOG3, 1 / (1 + LOG3)])
    assert plain["query"].tolist() == ["two words", "two\nwords", "one"]
    assert plain["document"].tolist() == ["x" * 300 + " …"] * 2 + ["shown"]


def test_three_queries_tell_what_a_setting_finds_in_place_of_float32(inputs, tmp_path):
    """Losses of the plain search: b and d log₃, a less, c nothing. So b loses most, d is the middle one of b, d and a.

    a is the third of all four. float32 finds v and w for each; v is relevant to a, w to b and d.
    """
    tables(inputs, tmp_path, "judged.parquet", ["nDCG@2"])
    told = of_setting(joined([tmp_path / "facts" / "minilm"], "examples"), "none")
    columns = ["example", "among", "query_id", "rank", "baseline_document_id", "baseline_gain", "document_id", "gain"]
    assert told[columns].to_numpy().tolist() == [
        ["loses most", 4, "b", 1, "v", 0, "v", 0],
        ["loses most", 4, "b", 2, "w", 1, "x", 0],
        ["middle of those that lose", 3, "d", 1, "v", 0, "v", 0],
        ["middle of those that lose", 3, "d", 2, "w", 1, "x", 0],
        ["middle of all", 4, "a", 1, "v", 1, "w", 0],
        ["middle of all", 4, "a", 2, "w", 0, "v", 1],
    ]
    assert told["baseline_document"].tolist()[:2] == ["shown", "x" * 300 + " …"]
    assert told["value"].tolist() == pytest.approx([0] * 4 + [LOG3 / (1 + LOG3)] * 2)


def test_a_setting_that_loses_nothing_has_one_example(inputs, tmp_path):
    tables(inputs, tmp_path, "judged.parquet", ["nDCG@2"], dict.fromkeys(QUERIES, EXACT[:4]))
    told = of_setting(joined([tmp_path / "facts" / "minilm"], "examples"), "none")
    assert told["example"].tolist() == ["middle of all"] * 2


def test_as_many_are_listed_as_asked_for(inputs, tmp_path):
    assert tables(inputs, tmp_path / "1", "judged.parquet", ["nDCG@2"], worst=1)[0]["query_id"].tolist() == ["b", "b"]
    worst, binned = tables(inputs, tmp_path / "0", "judged.parquet", ["nDCG@2"], worst=0)
    assert len(worst) == 0 < len(binned)


def test_loss_by_length_and_margin(inputs, tmp_path):
    """Words 1, 2, 3, 2 make three bins. Margins: a 0.9 − 0.8, b and d 0.9 − 0.8 too, c 0.9 − 0.05."""
    _, binned = tables(inputs, tmp_path, "judged.parquet", ["nDCG@2"])
    plain = of_setting(binned, "none")
    columns = ["bin_low", "bin_high", "queries", "mean_loss"]
    small = (1 - LOG3) / (1 + LOG3)
    words = plain[plain["by"] == "query_words"]
    assert words[columns].to_numpy().ravel().tolist() == pytest.approx([1, 1, 1, small, 2, 2, 2, LOG3, 3, 3, 1, 0])
    margins = plain[plain["by"] == "baseline_margin"]
    expected = [0.1, 0.1, 3, (small + 2 * LOG3) / 3, 0.85, 0.85, 1, 0]
    assert margins[columns].to_numpy().ravel().tolist() == pytest.approx(expected)
    assert (plain["mean_loss_low"] <= plain["mean_loss"]).all()
    assert len(binned) == 2 * len(plain)


def test_without_judgements_a_document_of_float32_s_top_k_fell_out(inputs, tmp_path):
    """c gets the copy of 3 in its place, which is no loss; b and d get 4 instead."""
    worst, binned = tables(inputs, tmp_path, "unjudged.parquet", ["nDCG@2", "overlap@2", "rbo"])
    plain = of_setting(worst, "none")
    assert plain[["metric", "query_id", "document_id", "baseline_rank", "reason"]].to_numpy().tolist() == [
        ["overlap@2", query, "w", 2, "not a candidate"] for query in ("b", "d")
    ]
    assert plain[["baseline_value", "value", "loss"]].to_numpy().tolist() == [[1, 0.5, 0.5]] * 2
    margins = of_setting(binned, "none").query("by == 'baseline_margin'")
    assert margins[["bin_low", "queries"]].to_numpy().ravel().tolist() == pytest.approx([0.1, 4])
    assert margins["mean_loss"].tolist() == [0.25]


def test_where_nothing_can_be_told_the_tables_are_empty(inputs, tmp_path):
    worst, binned = tables(inputs, tmp_path, "unjudged.parquet", ["nDCG@2", "rbo"])
    assert worst.columns.tolist() == WORST_QUERIES.names
    assert len(worst) == len(binned) == 0


def test_a_study_of_the_baseline_alone_has_no_losses(inputs, tmp_path):
    tables(inputs, tmp_path, "judged.parquet", ["nDCG@2"])
    assert ComparedSettings.of(read_measured([tmp_path / "facts" / "minilm" / "float32"]), "float32") is None


def test_a_method_that_loses_nothing_has_no_worst_queries(inputs, tmp_path):
    worst, binned = tables(inputs, tmp_path, "judged.parquet", ["nDCG@2"], dict.fromkeys(QUERIES, EXACT[:4]))
    assert len(worst[worst["rescore_store"] == "none"]) == 0
    assert of_setting(binned, "none")["mean_loss"].eq(0).all()


def test_equal_values_share_a_quarter_and_nan_has_none():
    values = np.array([3, 1, 2, 5, 4, np.nan, 2, 2, 2])
    found = [(low, high, places.tolist()) for low, high, places in quarters(values)]
    assert found == [(1, 2, [1, 2, 6, 7, 8]), (3, 3, [0]), (4, 5, [3, 4])]
    assert list(quarters(np.full(3, np.nan))) == []


def test_the_margin_at_the_cut_off_is_the_gap_to_twice_its_depth():
    scores = np.array([[0.9, 0.8, 0.7, 0.5, 0.1], [0.9, 0.9, 0.9, 0.9, 0.2]])
    assert cutoff_margins(scores, 2) == pytest.approx([0.3, 0])
    assert cutoff_margins(scores, 4) == pytest.approx([0.4, 0.7])  # the corpus has but five
    assert np.isnan(cutoff_margins(scores, 5)).all()
