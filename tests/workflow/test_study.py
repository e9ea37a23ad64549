"""The whole workflow on a small study: what comes out."""

import json
import re
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import embquant
from embquant.report.tables import TABLES
from support.small_study import DOCUMENTS, QUERIES, REPOSITORY, report
from support.small_study import study as small_study

pytestmark = pytest.mark.workflow
KEYS = ["method", "rescore_store", "rescore_multiplier", "top_k"]


def test_every_setting_has_a_row_and_retention_is_the_ratio_of_means(finished):
    retrieval = report(finished, "retrieval")
    settings = {"float32": 2, "binary": 2 + 3 * 2 * 2, "int8": 2 + 2 * 2 * 2, "int8-hnsw": 2 + 2 * 2 * 2}
    assert retrieval["method"].value_counts().to_dict() == settings
    assert not retrieval.duplicated(KEYS).any()
    assert retrieval["queries"].eq(len(QUERIES)).all()
    at_10 = retrieval[retrieval["top_k"] == 10]
    float32 = at_10[at_10["method"] == "float32"].iloc[0]
    assert 0.7 < float32["nDCG@10"] <= 1
    assert float32["overlap@10"] == float32["rbo"] == 1
    expected = (at_10["nDCG@10"] / float32["nDCG@10"]).tolist()
    assert at_10["retention_nDCG@10"].tolist() == pytest.approx(expected, rel=1e-4)
    assert retrieval.loc[retrieval["top_k"] == 3, ["nDCG@10", "R@100", "overlap@10"]].isna().all(axis=None)
    approximate = (retrieval["method"] == "int8-hnsw") & (retrieval["rescore_store"] == "none")
    assert retrieval["index_overlap"].notna().eq(approximate).all()
    assert retrieval.loc[approximate, "index_overlap"].eq(1).all()  # of 25 documents it sees each
    assert at_10["R@100"].isna().all()


def test_evaluating_the_same_vectors_in_one_process_gives_the_same_numbers(finished):
    folder = finished.folder / "results" / "facts" / "minilm"
    parts = sorted((folder / "embeddings").glob("part-*.parquet"))
    corpus, queries = (
        np.concatenate([np.stack(pd.read_parquet(path)["embedding"]) for path in paths])
        for paths in (parts, [folder / "queries.parquet"])
    )
    retrieval = report(finished, "retrieval")
    metrics = [name.removesuffix("_low") for name in retrieval if name.endswith("_low")]
    options = {"top_k": [3, 10], "rescore_stores": ["binary", "int8", "float32"], "multipliers": [1, 2]}
    options["metrics"] = [name for name in metrics if not name.startswith("retention_") and name != "index_overlap"]
    qrels = {query: {document: 1} for query, document in enumerate(QUERIES.values())}
    found = embquant.evaluate(corpus, queries, small_study()["methods"], qrels, **options)
    columns = [*KEYS, "queries", *metrics, "compared_in"]
    for name in metrics:  # as the report writes them
        found[name] = found[name].map(lambda value: float(f"{value:.6g}"))
    pd.testing.assert_frame_equal(found[columns], retrieval[columns], check_dtype=False, check_exact=True)
    memory = report(finished, "memory").set_index(["method", "rescore_store"])
    for row in found.to_dict("records"):
        expected = memory.loc[(row["method"], row["rescore_store"])]
        sizes = ["bytes_per_vector", "index_file_bytes", "store_file_bytes"]
        assert [row[size] for size in sizes] == expected[sizes].tolist()


def test_differences_from_float32_are_tested_and_marked(finished):
    against = report(finished, "significance").query("comparison == 'baseline'")
    assert against["kind"].value_counts().to_dict() == {"quality": 17, "agreement": 17}  # at top_k 3 there is only rbo
    assert against["p_holm"].between(against["p"], 1).all()
    assert report(finished, "macro")["datasets"].eq(1).all()
    retrieval = report(finished, "retrieval")
    assert retrieval["verdict"].isna().eq(retrieval["method"] == "float32").all()
    assert re.search(r"int8-hnsw +– .* [<≈>] ", (finished.folder / "output.txt").read_text())


def test_rescoring_everything_by_float32_is_float32(finished):
    retrieval = report(finished, "retrieval").set_index(KEYS)
    exact = retrieval.loc[("float32", "none", 1, 10)]
    assert retrieval.loc[("int8", "float32", 2, 10), "nDCG@10"] == pytest.approx(exact["nDCG@10"])


def test_embeddings_lie_on_disk_once(finished):
    folder = finished.folder / "results" / "facts" / "minilm"
    assert not list(folder.glob("embeddings/distinct-*")), "the parts have the embeddings"


def test_memory_is_that_of_real_files(finished):
    memory = report(finished, "memory")
    stores = finished.folder / "results" / "facts" / "minilm" / "stores"
    sizes = {family: stores.joinpath(name).stat().st_size for family, name in
             {"float32": "float32.faiss", "binary": "binary.faiss", "int8": "int8.i8bin"}.items()}  # fmt: skip
    for method, size in sizes.items():
        rows = memory[memory["method"] == method]
        assert rows["index_file_bytes"].eq(size).all()
    assert memory["vector_bytes"].eq(memory["vectors"] * memory["bytes_per_vector"]).all()
    binary = memory[memory["method"] == "binary"].set_index("rescore_store")
    assert binary["bytes_per_vector"].eq(48).all()
    assert binary.loc["int8", "store_file_bytes"] == sizes["int8"]
    assert binary.loc["none", "mapped_bytes"] == 0 < binary.loc["int8", "mapped_bytes"]


def test_every_column_is_in_the_dictionary(finished):
    dictionary = (REPOSITORY / "docs" / "columns.md").read_text()
    for name in TABLES.names():
        for column in report(finished, name).columns:
            documented = re.sub(r"_(low|high)$", "", re.sub(r"@\d+", "@k", column))
            assert f"`{column}`" in dictionary or f"`{documented}`" in dictionary, column


def test_every_setting_is_compared_with_a_search_by_words(finished):
    """Each query's words are its one document's, so that BM25 finds it."""
    beside = report(finished, "bm25")
    at_10 = report(finished, "retrieval").query("top_k == 10")
    assert beside[KEYS].to_numpy().tolist() == at_10[KEYS].to_numpy().tolist()
    assert beside["mean"].tolist() == at_10["nDCG@10"].tolist()
    assert 0.7 < beside["bm25"].iloc[0] <= 1


def test_summary_joins_the_others_and_is_printed(finished):
    summary = report(finished, "summary")
    assert len(summary) == len(report(finished, "retrieval"))
    assert summary[["latency_p50_ms", "queries_per_second", "resident_bytes", "peak_rss_bytes"]].notna().all(axis=None)
    printed = (finished.folder / "output.txt").read_text()
    assert f"facts · minilm: {len(DOCUMENTS)} documents of 384 dimensions" in printed
    assert "results/reports/small/retrieval.csv" in printed
    assert "top_k × multiplier of up to 20 is clipped to" not in printed


def test_the_vectors_are_diagnosed(finished):
    """The mean share by hand; a sample has all of so few documents, so that bits find what they find in the study."""
    found = json.loads((finished.folder / "results/reports/small/runs/facts/minilm/diagnosis.json").read_text())
    parts = sorted((finished.folder / "results/facts/minilm/embeddings").glob("part-*.parquet"))
    vectors = np.concatenate([np.stack(pq.read_table(part)["embedding"].to_numpy()) for part in parts]).astype(float)
    share = np.linalg.norm(vectors.mean(axis=0)) / np.linalg.norm(vectors, axis=1).mean()
    assert found["mean_share"] == pytest.approx(share)
    overlap = report(finished, "retrieval").set_index(KEYS)["overlap@10"]
    assert found["overlap"]["binary"] == pytest.approx(overlap["binary", "none", 1, 10], abs=1e-6)
    told = (finished.folder / "output.txt").read_text()
    assert told.count(f": mean share {share:.2f}; effective") == 2  # in the plan and in the summary


@pytest.mark.parametrize(("above", "expected"), [(0, 0), (1e-6, 1)])
def test_a_setting_is_checked_against_the_figure_of_the_summary(finished, above, expected):
    summary = report(finished, "summary").set_index([*KEYS[1:], "method"])
    kept = summary.loc[("none", 1, 10, "binary"), "retention_nDCG@10_low"]
    words = ["check", "results/reports/small", "--method", "binary", "--min-retention", f"{kept - 1e-9 + above:.9f}"]
    assert finished.embquant(*words)[0] == expected
    status, output = finished.embquant(*words, "--json")
    assert status == expected
    assert [one["value"] for one in json.loads(output)["checks"]] == [kept]


def test_every_table_marks_what_none_surpasses(finished):
    for name in ("retrieval", "memory", "speed", "summary", "cost"):
        marks = report(finished, name)["pareto"]
        assert marks.dtype == bool, name
        assert marks.any(), name
    assert "✓" in (finished.folder / "output.txt").read_text()


def test_cost_is_that_of_the_files_and_of_more_vectors(finished):
    cost = report(finished, "cost").set_index(["method", "rescore_store", "vectors"])
    memory = report(finished, "memory").set_index(["method", "rescore_store"])
    sizes = memory.loc[("binary", "int8"), ["index_file_bytes", "store_file_bytes"]]
    own = cost.loc[("binary", "int8", len(DOCUMENTS))]
    assert (own["memory_bytes"], own["disk_bytes"]) == (sizes.iloc[0], sizes.sum())
    header = sizes.iloc[0] - len(DOCUMENTS) * 48
    assert cost.loc[("binary", "int8", 10**9), "memory_bytes"] == 48 * 10**9 + header
    assert cost.loc[("float32", "none", 10**9), "usd_per_month"] == pytest.approx(1536 * 3.9, rel=1e-4)


def test_a_run_ends_with_the_verdict_and_the_report_starts_with_it(finished):
    recommended = report(finished, "recommendation")
    assert recommended["dataset"].tolist() == ["facts"]
    output = (finished.folder / "output.txt").read_text().rstrip()
    verdict = output[output.rindex("Verdict for") :].splitlines()
    assert verdict[0].startswith(f"Verdict for facts · minilm: {recommended['method'][0]}")
    written = (finished.folder / "results" / "reports" / "small" / "summary.txt").read_text()
    assert written.splitlines()[: len(verdict)] == verdict
    assert verdict[-2].startswith("   more queries: about ")
    assert recommended["configuration"][0] in written
    assert recommended["code"][0] in written


def test_the_recommended_code_finds_what_the_study_measured(finished):
    """Each query has one relevant document, so that nDCG@10 is 1 / log₂(rank + 1) of it."""
    dump = "print(__import__('json').dumps(rows.tolist()))"
    read = "import numpy as np, pyarrow.parquet as pq; queries = np.stack(pq.read_table("
    read += "'results/facts/minilm/queries.parquet')['embedding'].to_numpy())"
    recommended = report(finished, "recommendation").iloc[0]
    status, output = finished.call([sys.executable, "-c", "\n".join([read, recommended["code"], dump])])
    assert status == 0, output
    rows = json.loads(output)
    assert np.shape(rows) == (len(QUERIES), 10)
    ranks = [found.index(document) + 1 for found, document in zip(rows, QUERIES.values(), strict=True)]
    measured = report(finished, "retrieval").set_index(KEYS)["nDCG@10"]
    setting = (*recommended[KEYS[:3]], 10)
    assert np.mean(1 / np.log2(np.add(ranks, 1))) == pytest.approx(measured[setting], abs=1e-5)


def test_the_run_ends_with_a_page_of_its_own_figures(finished):
    folder = finished.folder / "results" / "reports" / "small"
    assert "\nresults/reports/small/report.html\n" in (finished.folder / "output.txt").read_text()
    page = (folder / "report.html").read_text("utf-8")
    row = report(finished, "recommendation").iloc[0]
    assert f"{row['kept']:.2%}" in page
    assert json.loads((folder / "provenance.json").read_text())["datasets"][0]["fingerprint"] in page
    figures = {path.stem for path in (folder / "figures").glob("*.svg")}
    assert {
        f"{name}-facts-minilm" for name in ("memory", "multipliers", "latency", "heatmap", "differences")
    } <= figures
    assert {path.suffix for path in (folder / "tables").glob("*.*")} >= {".md", ".tex"}


def test_snakemake_reports_every_result_with_its_caption(changed, tmp_path):
    status, output = changed.snakemake("--configfile", "study.yaml", "--report", str(tmp_path / "report.html"))
    assert status == 0, output
    text = (tmp_path / "report.html").read_text("utf-8")
    folder = changed.folder / "results" / "reports" / "small"
    shown = [path.name for path in folder.iterdir() if path.is_file()] + [
        path.stem for path in folder.glob("figures/*.svg")
    ]
    assert [name for name in shown if name not in text] == []
    captions = (changed.folder / "workflow" / "report" / "retrieval.rst").read_text().split(",")[0]
    assert captions in text


def test_a_run_compared_with_itself_is_the_same(finished):
    reports = ["results/reports/small"] * 2
    status, output = finished.embquant("compare", *reports)
    assert status == 0, output
    assert "b against a, all 18 settings: 18 same" in output


def test_search_answers_from_what_the_run_built(finished):
    status, output = finished.embquant(
        "search", "results/facts/minilm", "--rescore", "int8", "--top-k", "2", "how many bits are different"
    )
    assert status == 0, output
    assert "1. d2 " in output
    assert DOCUMENTS[2] in output
    assert "searched in" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["results/facts/minilm", "--method", "binray", "x"], "did you mean 'binary'"),
        (["results/facts/minilm", "--rescore", "int9", "x"], "did you mean 'int8'"),
        (["results/facts/nothing", "x"], "no finished run here"),
        (["results/facts/minilm", "--top-k", "0", "x"], "must be 1 or more"),
        (["results/facts/minilm", "--method", "int8", "--rescore", "binary", "x"], "is coarser than the method"),
        (["results/facts/minilm", " "], "the question is empty"),
    ],
)
def test_search_says_what_is_wrong_in_one_line(finished, arguments, message):
    status, output = finished.embquant("search", *arguments)
    assert status == 2
    assert output.startswith("embquant: error: ")
    assert message in output
    assert output.count("\n") == 1
