"""A study that is fitted on the documents of a group as well, run as a user runs it."""

import json

import numpy as np
import pytest

from embquant.quantize.codecs import load_codec
from support.embeddings import write_vectors
from support.small_study import DOCUMENTS, QUERIES, report

pytestmark = pytest.mark.workflow

SEEN = 10


def test_a_study_fits_twice_and_compares(fresh):
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((len(DOCUMENTS), 16)).astype(np.float32)
    vectors[:SEEN] = vectors[0] + 0.1 * vectors[:SEEN]
    write_vectors(fresh.folder / "corpus.parquet", vectors)
    write_vectors(fresh.folder / "queries.parquet", vectors[list(QUERIES.values())], "q")
    given = {"type": "precomputed", "corpus": "corpus.parquet", "queries": "queries.parquet", "normalize": False}
    names = ("float32", "binary", "int8")
    corpus = fresh.folder / "input" / "corpus.jsonl"
    ages = ["old" if row < SEEN else "new" for row in range(len(DOCUMENTS))]
    rows = [json.loads(line) | {"age": age} for line, age in zip(corpus.read_text().splitlines(), ages, strict=True)]
    corpus.write_text("".join(json.dumps(row) + "\n" for row in rows))
    fresh.configure(
        datasets={"facts": {"source": "files", "path": "input", "columns": {"corpus": {"group": "age"}}}},
        models={"given": given},
        codecs={**{name: {"family": name} for name in names}, "pq": {"family": "pq", "pieces": 4, "bits": 4}},
        methods={
            **{name: {"codec": name, "index": "flat"} for name in (*names, "pq")},
            "lists": {"codec": "float32", "index": "ivf", "build": {"lists": 3}, "search": {"nprobe": 3}},
        },
        rescore={"stores": ["int8"], "multipliers": [2]},
        parts=1,
        top_k=[3],
        metrics=["R@3", "overlap@3"],
        fit_on={"by": "group", "values": ["old"]},
    )
    status, output = fresh.snakemake("--configfile", "study.yaml")
    assert status == 0, output
    drift = report(fresh, "drift").set_index(["method", "rescore_store"])
    assert set(drift.index) == {
        *(("int8", store) for store in ("none", "int8")),
        ("lists", "none"),
        ("binary", "int8"),
    }
    outside = (vectors < vectors[:SEEN].min(axis=0)) | (vectors > vectors[:SEEN].max(axis=0))
    assert drift.loc[("int8", "none"), "clipped_drifted"] == pytest.approx(outside.mean(), rel=1e-5)
    assert drift.loc[("lists", "none"), ["mean", "mean_drifted"]].nunique() == 1  # all lists are searched
    state = fresh.folder / "results" / "facts" / "given" / "codecs" / "int8_drifted" / "state.npz"
    ranges = [vectors[:SEEN].min(axis=0), vectors[:SEEN].max(axis=0)]
    np.testing.assert_array_equal(load_codec(state).ranges, ranges)
    left_out = report(fresh, "left_out").set_index("method")["reason"]
    assert left_out["pq_drifted"] == (
        "codec pq: needs at least 16 training vectors to fit 16 centroids, got 10; embed more documents, raise training"
    )
    assert not report(fresh, "summary")["method"].str.contains("drifted").any()
    page = (fresh.folder / "results" / "reports" / "small" / "report.html").read_text()
    assert "Fitted on some of the documents, and on all" in page
    assert not fresh.jobs()
