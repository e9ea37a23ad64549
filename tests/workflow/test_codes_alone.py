"""A study of a provider's codes alone, from its files to its verdict: judged by numpy and ir-measures."""

import re

import ir_measures
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sentence_transformers.util.quantization import quantize_embeddings

from support.small_study import QUERIES, new_checkout, report

pytestmark = pytest.mark.workflow

CODECS = {"their-int8": {"family": "int8", "codes": "int8"}, "their-bits": {"family": "binary", "codes": "ubinary"}}
METHODS = {
    "their-int8": {"codec": "their-int8", "index": "flat", "scoring": "symmetric"},
    "their-hnsw": {"codec": "their-int8", "index": "hnsw", "scoring": "symmetric"},
    "their-bits": {"codec": "their-bits", "index": "flat"},
}
SENTENCE = (
    "everything is compared with their-int8, the provider's own int8 codes: there are no float vectors, so what is "
    "lost against these can't be told"
)


def embedded(made):
    """Return ids and vectors of the files ``made``, in the order of the dataset."""
    tables = [pq.read_table(path, columns=["id", "embedding"]) for path in made]
    table = pa.concat_tables(tables)
    return table["id"], np.stack(table["embedding"].to_numpy())


@pytest.fixture(scope="module")
def ran(finished, tmp_path_factory):
    """A checkout in which the study has run, the documents' int8 codes and bits, and the queries' int8 codes."""
    checkout = new_checkout(tmp_path_factory.mktemp("codes") / "alone")
    folder = finished.folder / "results" / "facts" / "minilm"
    corpus = embedded(sorted((folder / "embeddings").glob("part-*.parquet")))
    queries = embedded([folder / "queries.parquet"])
    ends = np.full(corpus[1].shape[1], np.abs(corpus[1]).max())
    codes = []
    for name, (ids, vectors) in {"corpus": corpus, "queries": queries}.items():
        int8 = quantize_embeddings(vectors, "int8", ranges=np.stack([-ends, ends]))
        bits = quantize_embeddings(vectors, "ubinary")
        table = {"id": ids[::-1], "int8": list(int8[::-1]), "ubinary": list(bits[::-1])}
        pq.write_table(pa.table(table), checkout.folder / f"{name}-codes.parquet")
        codes += [int8.astype(np.int64), np.unpackbits(bits, axis=1) * 2 - 1.0]
    precisions = dict.fromkeys(("int8", "ubinary"), "corpus-codes.parquet")
    checkout.configure(
        models={"theirs": {"type": "precomputed", "queries": "queries-codes.parquet", "precisions": precisions}},
        codecs=CODECS,
        methods=METHODS,
        baseline="their-int8",
        rescore={"stores": ["their-int8"], "multipliers": [2]},
        top_k=[3],
        metrics=["nDCG@3", "overlap@3"],
    )
    status, output = checkout.snakemake("--configfile", "study.yaml")
    assert status == 0, output
    return checkout, codes[0], codes[1], codes[2]


def best(scores, count):
    return np.argsort(-scores, axis=1, kind="stable")[:, :count]


def test_quality_is_that_of_the_codes(ran):
    checkout, documents, bits, queries = ran
    scores = queries @ documents.T
    candidates = best(np.where(queries > 0, 1, -1) @ bits.T, 6)
    again = best(np.take_along_axis(scores, candidates, axis=1), 3)
    found = {
        ("their-int8", "none"): best(scores, 3),
        ("their-hnsw", "none"): best(scores, 3),
        ("their-bits", "none"): candidates[:, :3],
        ("their-bits", "their-int8"): np.take_along_axis(candidates, again, axis=1),
    }
    qrels = [ir_measures.Qrel(f"q{row}", f"d{doc}", 1) for row, doc in enumerate(QUERIES.values())]
    rows = report(checkout, "summary").set_index(["method", "rescore_store"])
    exact = rows.loc[("their-int8", "none"), "nDCG@3"]
    least = np.take_along_axis(scores, best(scores, 3), axis=1)[:, -1:]
    for setting, documents_found in found.items():
        run = [
            ir_measures.ScoredDoc(f"q{query}", f"d{doc}", -float(rank))
            for query, docs in enumerate(documents_found)
            for rank, doc in enumerate(docs)
        ]
        value = ir_measures.calc_aggregate([ir_measures.nDCG @ 3], qrels, run)[ir_measures.nDCG @ 3]
        assert rows.loc[setting, "nDCG@3"] == pytest.approx(value, rel=1e-5)
        assert rows.loc[setting, "retention_nDCG@3"] == pytest.approx(value / exact, rel=1e-5)
        reached = np.take_along_axis(scores, documents_found, axis=1) >= least
        assert rows.loc[setting, "overlap@3"] == pytest.approx(reached.mean(), rel=1e-5)


def test_nothing_is_said_to_be_float32(ran):
    checkout, *_ = ran
    reports = checkout.folder / "results" / "reports" / "small"
    summary = (reports / "summary.txt").read_text()
    assert summary.splitlines()[0] == SENTENCE
    assert "float32" not in summary
    lines = summary.splitlines()
    below = next(at for at, line in enumerate(lines) if line.startswith("------"))
    assert "of their-int8" in lines[below - 1]
    assert len(lines[below - 1]) == len(lines[below])  # headings stand above their columns
    assert "codes are made of numbers that are codes already" in (reports / "databases.md").read_text()
    page = (reports / "report.html").read_text()
    assert SENTENCE.replace("'", "&#39;") in page
    assert "their-int8&#39;s nDCG@3" in page
    assert "float32" not in re.sub(r"<summary>[^<]* in Qdrant.*?</details>", "", page, flags=re.DOTALL)
    for figure in (reports / "figures").glob("*.svg"):
        assert "float32" not in figure.read_text(), figure
    for table in (reports / "tables").glob("*.md"):
        assert "float32" not in table.read_text(), table


def test_sizes_are_against_32_bit_floats_and_times_against_nothing(ran):
    checkout, *_ = ran
    rows = report(checkout, "summary").set_index(["method", "rescore_store"])
    assert rows.loc[("their-bits", "none"), "bytes_per_vector"] == 384 / 8
    assert rows.loc[("their-int8", "none"), "compression_vs_float32"] == pytest.approx(4, rel=0.01)
    assert rows["latency_p50_ms"].notna().all()
    assert rows["speedup_p50_vs_float32"].isna().all()
