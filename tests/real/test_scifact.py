"""BEIR's SciFact: the published figure of the model, and the known costs of quantizing it."""

import pandas as pd
import pytest

RETENTION = [
    ("binary", "none", 1, 0.912, 0.002),
    ("binary", "binary", 4, 0.963, 0.003),
    ("binary", "int8", 4, 0.990, 0.004),
    ("binary", "int8", 10, 0.996, 0.004),
]


def test_float32_reaches_the_published_figure(retrieval):
    assert retrieval.loc[("float32", "none", 1), "nDCG@10"] == pytest.approx(0.6451, abs=0.001)


@pytest.mark.parametrize(("method", "store", "multiplier", "expected", "tolerance"), RETENTION)
def test_retention_of_binary(retrieval, method, store, multiplier, expected, tolerance):
    assert retrieval.loc[(method, store, multiplier), "retention_nDCG@10"] == pytest.approx(expected, abs=tolerance)


def test_int8_scored_by_the_float_query_loses_nothing(retrieval):
    assert retrieval.loc[("int8", "none", 1), "retention_nDCG@10"] >= 0.999


def test_files_shrink_by_32_and_4_to_within_a_header(scifact):
    memory = pd.read_csv(scifact / "results" / "reports" / "scifact" / "memory.csv").set_index(
        ["method", "rescore_store"]
    )
    vectors = 5183 * 384 * 4
    assert 0 < memory.loc[("binary", "none"), "index_file_bytes"] - vectors // 32 <= 64
    assert 0 < memory.loc[("int8", "none"), "index_file_bytes"] - vectors // 4 <= 64
    hnsw = memory.loc[("int8-hnsw", "none")]
    assert hnsw["compression_vs_float32"] == pytest.approx(vectors / hnsw["index_file_bytes"], rel=1e-4)
