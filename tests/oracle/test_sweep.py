"""The sweep: every cell is what a search at that setting returns, and what sentence-transformers ranks."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from embquant import evaluation, methods, search
from embquant.artifacts import embedding_schema, matrix_to_array, write_parquet
from embquant.codecs import encode, fit
from embquant.evaluation import Sweep
from embquant.grid import cells
from embquant.indexes import SUFFIXES, build
from embquant.rescoring import Store
from embquant.retriever import Retriever
from embquant.search import Candidates

DOCUMENTS, QUERIES, DIM = 1200, 30, 64
TOP_K, MULTIPLIERS = [5, 20], [1, 2, 4]
STORES = ["binary", "int8", "float32"]
METHODS = {
    "float32": ("float32", "flat", None),
    "binary": ("binary", "flat", None),
    "int8": ("int8", "flat", "asymmetric"),
    "int8-codes": ("int8", "flat", "symmetric"),
    "int8-hnsw": ("int8", "hnsw", None),
}


def write_embeddings(path, vectors):
    ids = pa.array([f"d{row}" for row in range(len(vectors))])
    write_parquet(path, embedding_schema(DIM), [pa.table([ids, matrix_to_array(vectors)], embedding_schema(DIM))])


def arguments(**values):
    return SimpleNamespace(**values)


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
    write_embeddings(parts[0], vectors[:500])
    write_embeddings(parts[1], vectors[500:])
    write_embeddings(folder / "queries.parquet", queries)
    for family in STORES:
        state, codes = folder / family / "state.npz", parts
        fit.run(arguments(codec=f'{{"family": "{family}"}}', embeddings=parts, output=state))
        if family != "float32":
            codes = [folder / family / part.name for part in parts]
            for part, output in zip(parts, codes, strict=True):
                encode.run(arguments(codec=state, embeddings=part, output=output))
        for kind in ("flat", "hnsw") if family == "int8" else ("flat",):
            output = folder / f"{family}-{kind}{SUFFIXES[family, kind]}"
            build.run(arguments(kind=kind, codec=state, codes=codes, parameters="{}", output=output))
    depths = [top_k * multiplier for top_k in TOP_K for multiplier in MULTIPLIERS]
    for name, (family, kind, scoring) in METHODS.items():
        index = folder / f"{family}-{kind}{SUFFIXES[family, kind]}.json"
        method = folder / f"{name}.json"
        methods.run(arguments(name=name, index=index, scoring=scoring, search="{}", output=method))
        output = folder / f"{name}.candidates.parquet"
        search.run(
            arguments(method=method, queries=folder / "queries.parquet", depths=depths, threads=1, output=output)
        )
    return SimpleNamespace(folder=folder, vectors=vectors, queries=queries)


def manifest(study, family):
    return study.folder / f"{family}-flat{SUFFIXES[family, 'flat']}.json"


@pytest.mark.parametrize("method", METHODS)
def test_every_cell_is_what_searching_at_that_setting_returns(study, method):
    stores = {name: Store.open(manifest(study, name)) for name in STORES}
    sweep = Sweep(Candidates(study.folder / f"{method}.candidates.parquet"), study.queries, stores)
    grid = cells(STORES, MULTIPLIERS, TOP_K)
    measured = dict(sweep.rankings(grid))
    assert set(measured) == set(grid)
    assert len(grid) == 2 + 3 * 3 * 2
    for cell, rows in measured.items():
        store = None if cell.store == "none" else manifest(study, cell.store)
        retriever = Retriever.open(study.folder / f"{method}.json", store, threads=2)
        _, expected = retriever.search(study.queries, cell.top_k, cell.multiplier)
        np.testing.assert_array_equal(rows, expected, err_msg=str(cell))


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


def test_evaluation_writes_one_row_a_query_and_cell(study):
    qrels = study.folder / "qrels.parquet"
    rows = np.arange(QUERIES)
    schema = pa.schema([("query_row", pa.int64()), ("doc_row", pa.int64()), ("relevance", pa.int32())])
    write_parquet(qrels, schema, [pa.table([rows, rows * 7, np.ones(QUERIES, np.int32)], schema=schema)])
    output = study.folder / "metrics.parquet"
    evaluation.run(
        arguments(
            method=study.folder / "float32.json",
            candidates=study.folder / "float32.candidates.parquet",
            exact=study.folder / "float32.candidates.parquet",
            exact_store=manifest(study, "float32"),
            queries=study.folder / "queries.parquet",
            qrels=qrels,
            stores=[f"int8={manifest(study, 'int8')}"],
            multipliers=[1, 4],
            top_k=[5, 20],
            metrics=["nDCG@5", "R@20", "overlap@5", "rbo"],
            output=output,
        )
    )
    table = evaluation.read_table(output, ["rescore_store", "top_k", "R@20", "overlap@5", "rbo"]).to_pandas()
    assert len(table) == QUERIES * (2 + 2 * 2)
    plain = table[table["rescore_store"] == "none"]
    assert plain["overlap@5"].eq(1).all()
    assert np.allclose(plain["rbo"], 1)
    assert table[table["top_k"] == 5]["R@20"].isna().all()
    assert table[table["top_k"] == 20]["R@20"].notna().all()
