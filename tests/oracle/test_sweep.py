"""The sweep: every setting is what a search at that setting returns, and what sentence-transformers ranks."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from embquant.files.parquet import read_table, write_parquet
from embquant.indexes import index_class
from embquant.measure.pool import Pool
from embquant.measure.quality import INDEX_OVERLAP, Sweep
from embquant.retrieve.candidates import Candidates
from embquant.retrieve.rescoring import Store
from embquant.retrieve.retriever import Retriever
from embquant.steps.build_index import build_index
from embquant.steps.build_store import build_store
from embquant.steps.define_method import define_method
from embquant.steps.evaluate_run import evaluate_run
from embquant.steps.search_index import search_index
from embquant.study import settings_of
from support.embeddings import write_vectors

DOCUMENTS, QUERIES, DIM = 1200, 30, 64
TOP_K, MULTIPLIERS = [5, 20], [1, 2, 4]
STORES = ["binary", "int8", "float32", "scaled-pq"]
CODECS = {
    **{family: {"family": family} for family in ("binary", "int8", "float32", "uint8")},
    "scaled-pq": {"family": "scaled-pq", "pieces": 8, "bits": 4, "transform": {"kind": "allocation", "pieces": 8}},
    "rabitq": {"family": "rabitq", "transform": [{"kind": "truncate", "dim": 48}, "rotation"]},
    "pq": {"family": "pq", "pieces": 8, "bits": 4, "transform": {"kind": "opq", "pieces": 8, "iterations": 2}},
}
METHODS = {
    "float32": ("float32", "flat", None, {}),
    "float32-ivf": ("float32", "ivf", None, {"nprobe": 1}),
    "binary": ("binary", "flat", None, {}),
    "binary-floats": ("binary", "flat", "asymmetric", {}),
    "binary-fastscan": ("binary", "fastscan", None, {}),
    "binary-hnsw": ("binary", "hnsw", None, {}),
    "int8": ("int8", "flat", "asymmetric", {}),
    "int8-codes": ("int8", "flat", "symmetric", {}),
    "int8-hnsw": ("int8", "hnsw", None, {}),
    "uint8": ("uint8", "flat", None, {}),
    "rabitq": ("rabitq", "flat", None, {}),
    "scaled-pq": ("scaled-pq", "flat", None, {}),
    "pq-ivf": ("pq", "ivf", None, {"nprobe": 20}),
    "pq-fastscan": ("pq", "fastscan", None, {}),
}


def file_of(folder, codec, kind):
    return folder / f"{codec}-{kind}{index_class(CODECS[codec]['family'], kind).suffix}"


def manifest_of(folder, codec, kind):
    file = file_of(folder, codec, kind)
    return file.with_name(f"{file.name}.json")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Take clustered vectors, with repetitions, through every step before evaluation."""
    folder = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((60, DIM))
    vectors = centres[rng.integers(0, 60, DOCUMENTS)] + 0.7 * rng.standard_normal((DOCUMENTS, DIM))
    vectors[900:] = vectors[:300]
    queries = centres[rng.integers(0, 60, QUERIES)] + 0.7 * rng.standard_normal((QUERIES, DIM))
    vectors, queries = (
        (own / np.linalg.norm(own, axis=1, keepdims=True)).astype(np.float32) for own in (vectors, queries)
    )
    parts = [folder / "part-0.parquet", folder / "part-1.parquet"]
    write_vectors(parts[0], vectors[:500])
    write_vectors(parts[1], vectors[500:])
    write_vectors(folder / "queries.parquet", queries)
    for codec, entry in CODECS.items():
        store = file_of(folder, codec, "flat")
        build_store(entry=entry, embeddings=parts, state=folder / codec / "state.npz", output=store)
        for kind in {kind for own, kind, *_ in METHODS.values() if own == codec} - {"flat"}:
            store = manifest_of(folder, codec, "flat")
            build_index(index_kind=kind, store=store, parts=2, output=file_of(folder, codec, kind))
    depths = [top_k * multiplier for top_k in TOP_K for multiplier in MULTIPLIERS]
    for name, (codec, kind, scoring, chosen) in METHODS.items():
        method = folder / f"{name}.json"
        index = manifest_of(folder, codec, kind)
        define_method(name=name, manifest=index, scoring=scoring, search=chosen, output=method)
        output = folder / f"{name}.candidates.parquet"
        search_index(method_file=method, query_vectors=folder / "queries.parquet", depths=depths, output=output)
    return SimpleNamespace(folder=folder, vectors=vectors, queries=queries)


def manifest(study, codec):
    return manifest_of(study.folder, codec, "flat")


@pytest.mark.parametrize("method", METHODS)
def test_every_cell_is_what_searching_at_that_setting_returns(study, method):
    stores = {name: Store.open(manifest(study, name)) for name in STORES}
    sweep = Sweep(Candidates(study.folder / f"{method}.candidates.parquet"), study.queries, stores)
    grid = settings_of(STORES, MULTIPLIERS, TOP_K)
    measured = dict(sweep.rankings(grid))
    assert set(measured) == set(grid)
    assert len(grid) == 2 + 4 * 3 * 2
    for setting, best in measured.items():
        rows = best.rows
        np.testing.assert_array_equal(best.scores(stores["float32"]), stores["float32"].score(study.queries, rows))
        store = None if setting.store == "none" else manifest(study, setting.store)
        retriever = Retriever.open(study.folder / f"{method}.json", store, threads=2)
        _, expected = retriever.search(study.queries, setting.top_k, setting.multiplier)
        np.testing.assert_array_equal(rows, expected, err_msg=str(setting))


@pytest.mark.parametrize("store", [None, "float32"])
def test_a_single_query_finds_what_it_finds_among_others(study, store):
    manifest_file = None if store is None else manifest(study, store)
    retriever = Retriever.open(study.folder / "int8.json", manifest_file)
    scores, rows = retriever.search(study.queries, 5, 4)
    for query, (expected_scores, expected) in zip(study.queries, zip(scores, rows, strict=True), strict=True):
        found_scores, found = retriever.search(query, 5, 4)
        assert found.tolist() == expected.tolist()
        np.testing.assert_allclose(found_scores, expected_scores, rtol=1e-6)


@pytest.mark.parametrize("method", ["float32", "float32-ivf", "binary", "int8"])
def test_a_score_that_the_exact_search_has_found_is_not_computed_again(study, method):
    store = Store.open(manifest(study, "float32"))
    rows, _ = Candidates(study.folder / f"{method}.candidates.parquet").read(0)
    exact, scores = Candidates(study.folder / "float32.candidates.parquet").read(0)
    expected = store.score(study.queries, rows)
    asked = []

    class Watched(Store):
        def score(self, queries, rows, threads=1):
            asked.extend((query, row) for query, own in enumerate(rows) for row in own if row >= 0)
            return super().score(queries, rows, threads)

    watched = Watched(store.codec, store.index)
    known = Pool(exact, scores, study.queries).scored(watched, scores)
    np.testing.assert_array_equal(Pool(rows, rows, study.queries, others=[known]).scores(watched), expected)
    unknown = {
        (query, row)
        for query, (own, found) in enumerate(zip(rows, exact, strict=True))
        for row in set(own.tolist()) - set(found.tolist()) - {-1}
    }
    assert sorted(asked) == sorted(unknown)
    assert bool(unknown) == (method in ("binary", "int8"))


def test_float32_is_brute_force_in_float64(study):
    rows, scores = Candidates(study.folder / "float32.candidates.parquet").read(0)
    exact = study.queries.astype(np.float64) @ study.vectors.T.astype(np.float64)
    expected = np.argsort(-exact.round(12), axis=1, kind="stable")[:, : rows.shape[1]]
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_allclose(scores, np.take_along_axis(exact, expected, axis=1))


@pytest.mark.parametrize("top_k", TOP_K)
@pytest.mark.parametrize("multiplier", MULTIPLIERS)
def test_binary_rescored_by_its_bits_ranks_as_sentence_transformers_does(study, top_k, multiplier):
    from sentence_transformers.util.quantization import semantic_search_faiss

    results, _ = semantic_search_faiss(
        study.queries,
        corpus_embeddings=np.packbits(study.vectors > 0, axis=1),
        corpus_precision="ubinary",
        top_k=top_k,
        rescore=True,
        rescore_multiplier=multiplier,
        exact=True,
    )
    retriever = Retriever.open(study.folder / "binary.json", manifest(study, "binary"), threads=1)
    scores, rows = retriever.search(study.queries, top_k, multiplier)
    codes = np.packbits(study.vectors > 0, axis=1)
    for query, (own_rows, theirs) in enumerate(zip(rows, results, strict=True)):
        bits = np.unpackbits(codes, axis=1)[[hit["corpus_id"] for hit in theirs]]
        their_scores = (2 * bits.astype(np.float64) - 1) @ study.queries[query]
        np.testing.assert_allclose(scores[query], np.sort(their_scores)[::-1], atol=1e-5)
        assert len(own_rows) == len(theirs)


def evaluated(study, method, exact_twin=None):
    """Evaluate a method with one rescore store; return one row per query and setting."""
    qrels, output = study.folder / "qrels.parquet", study.folder / f"{method}.metrics.parquet"
    rows = np.arange(QUERIES)
    schema = pa.schema([("query_row", pa.int64()), ("doc_row", pa.int64()), ("relevance", pa.int32())])
    write_parquet(qrels, schema, [pa.table([rows, rows * 7, np.ones(QUERIES, np.int32)], schema=schema)])
    evaluate_run(
        method_file=study.folder / f"{method}.json",
        candidates=study.folder / f"{method}.candidates.parquet",
        reference=study.folder / "float32.candidates.parquet",
        exact_twin=study.folder / f"{exact_twin}.candidates.parquet" if exact_twin else None,
        float32_store=manifest(study, "float32"),
        query_vectors=study.folder / "queries.parquet",
        qrels=qrels,
        stores={"int8": manifest(study, "int8")},
        multipliers=[1, 4],
        top_k=[5, 20],
        metrics=["nDCG@5", "R@20", "overlap@5", "rbo"],
        threads=2,
        output=output,
    )
    columns = ["rescore_store", "top_k", "R@20", "overlap@5", "rbo", INDEX_OVERLAP]
    return read_table(output, columns).to_pandas()


def test_evaluation_writes_one_row_a_query_and_cell(study):
    table = evaluated(study, "float32")
    assert len(table) == QUERIES * (2 + 2 * 2)
    plain = table[table["rescore_store"] == "none"]
    assert plain["overlap@5"].eq(1).all()
    assert np.allclose(plain["rbo"], 1)
    assert table[table["top_k"] == 5]["R@20"].isna().all()
    assert table[table["top_k"] == 20]["R@20"].notna().all()
    assert table[INDEX_OVERLAP].isna().all()


def test_what_an_index_loses_is_its_recall_of_the_exact_scan(study):
    table = evaluated(study, "float32-ivf", "float32")
    assert table[table["rescore_store"] != "none"][INDEX_OVERLAP].isna().all()
    retriever = Retriever.open(study.folder / "float32-ivf.json", None, threads=1)
    exact = study.queries.astype(np.float64) @ study.vectors.T.astype(np.float64)
    for top_k in TOP_K:
        _, rows = retriever.search(study.queries, top_k)
        least = np.sort(exact, axis=1)[:, [-top_k]]
        expected = ((np.take_along_axis(exact, rows, axis=1) >= least - 1e-6) & (rows >= 0)).mean(axis=1)
        measured = table[(table["rescore_store"] == "none") & (table["top_k"] == top_k)]
        np.testing.assert_allclose(measured[INDEX_OVERLAP], expected)
        assert 0.5 < expected.mean() < 1
