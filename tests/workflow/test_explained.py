"""The losses of a small study, as the whole workflow reports them."""

import shutil

import pyarrow.parquet as pq
import pytest

from embquant.steps.explain_losses import explain_losses
from support.small_study import QUERIES, report

pytestmark = pytest.mark.workflow
KEYS = ["method", "rescore_store", "rescore_multiplier", "top_k"]


def test_losses_are_those_of_the_summary_s_settings(finished):
    losses = report(finished, "losses")
    assert losses["metric"].eq("nDCG@10").all()
    assert set(losses["method"]) == {"binary", "int8", "int8-hnsw"}
    assert set(losses["rescore_multiplier"]) == {1, 2}
    assert losses.groupby(["method", "rescore_store", "by"])["queries"].sum().eq(len(QUERIES)).all()


def test_losses_add_up_to_the_difference_of_means(finished, tmp_path):
    """In overlap@10, which this study loses: of 25 documents 10 are returned, so that its quality loses nothing."""
    built, measured = finished.folder / "results" / "facts", tmp_path / "facts" / "minilm"
    runs = sorted((finished.folder / "results/reports/small/runs/facts/minilm").glob("*/metrics.parquet"))
    for path in runs:
        (measured / path.parent.name).mkdir(parents=True)
        shutil.copy(path.with_name("candidates.parquet"), measured / path.parent.name)
        metrics = pq.ParquetFile(path)
        kept = [*KEYS[1:], "query_id", "overlap@10"]
        with pq.ParquetWriter(measured / path.parent.name / path.name, metrics.read(kept).schema) as writer:
            for number in range(metrics.num_row_groups):
                writer.write_table(metrics.read_row_group(number, kept))
    explain_losses(
        runs=[measured / path.parent.name for path in runs],
        baseline="float32",
        float32_store=built / "minilm/stores/float32.faiss.json",
        stores={
            "binary": built / "minilm/stores/binary.faiss.json",
            "int8": built / "minilm/stores/int8.i8bin.json",
            "float32": built / "minilm/stores/float32.faiss.json",
        },
        query_vectors=built / "minilm/queries.parquet",
        queries=built / "queries.parquet",
        corpus=built / "corpus.parquet",
        qrels=built / "qrels.parquet",
        multipliers=[1, 2],
        worst=3,
        statistics={"confidence": 0.95, "resamples": 1000, "seed": 0},
        output=measured,
    )
    losses = pq.read_table(measured / "losses.parquet").to_pandas()
    overlap = report(finished, "retrieval").set_index(KEYS)["overlap@10"]
    lost = {}
    for (method, store, multiplier, _), bins in losses.groupby(["method", "rescore_store", "rescore_multiplier", "by"]):
        mean = (bins["mean_loss"] * bins["queries"]).sum() / len(QUERIES)
        lost[method, store] = overlap["float32", "none", 1, 10] - overlap[method, store, multiplier, 10]
        assert mean == pytest.approx(lost[method, store], abs=1e-5)
    assert lost["binary", "none"] > 0.05
