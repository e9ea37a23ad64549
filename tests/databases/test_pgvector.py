"""How pgvector searches: by its index wherever there is one, however few the rows, and as far as it is told."""

import numpy as np
import pytest

from embquant.exact.topk import best
from support.codec_cases import unit_vectors
from support.index_cases import built, opened

CORPUS, QUERIES = unit_vectors(rows=300, dim=384, seed=1), unit_vectors(rows=20, dim=384, seed=2)
INDEXED = {
    "hnsw": ({"index": "hnsw", "m": 4, "ef_construction": 8}, {"ef_search": 10}),
    "bits": ({"type": "bit", "index": "hnsw"}, {"ef_search": 200, "oversampling": 4}),
    "lists": ({"index": "ivfflat", "lists": 20}, {"probes": 20}),
}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A table with each index, and one without."""
    made = {name: build for name, (build, _) in INDEXED.items()} | {"none": {}}
    folders = {name: tmp_path_factory.mktemp(name) for name in made}
    return {name: built(folders[name], "float32", "pgvector", CORPUS, **how) for name, how in made.items()}


def opened_table(tables, name, **search):
    codec, _, path = tables[name]
    return opened("float32", "pgvector", path, codec, **search)


def scans(index):
    """How PostgreSQL says that it reads the table for the adapter's own statement."""
    index.find(QUERIES[0], 10)  # which sets what it sets for as many
    asked = {"query": QUERIES[0], "k": 10, "candidates": 10 * (index._parameters.oversampling or 1)}
    lines = [line for (line,) in index._connection.execute(f"EXPLAIN {index._statement}", asked)]
    return [line.partition(" on vectors")[0].strip("-> ") for line in lines if " on vectors" in line]


@pytest.mark.parametrize("name", INDEXED)
def test_an_index_is_used_although_the_table_is_small_unless_the_search_is_exact(tables, name):
    (used,) = scans(opened_table(tables, name, **INDEXED[name][1]))
    assert used.startswith("Index Scan using vectors_")
    assert "pkey" not in used
    assert scans(opened_table(tables, name, **INDEXED[name][1], exact=True)) == ["Seq Scan"]


def test_a_table_without_an_index_is_scanned(tables):
    assert scans(opened_table(tables, "none")) == ["Seq Scan"]


def test_a_poor_graph_loses_what_an_exact_search_finds(tables):
    scores = QUERIES.astype(np.float64) @ CORPUS.T.astype(np.float64)
    exact = best(scores, np.broadcast_to(np.arange(len(CORPUS)), scores.shape), 10)[1]
    np.testing.assert_array_equal(opened_table(tables, "hnsw", exact=True).search(QUERIES, 10)[1], exact)
    found = opened_table(tables, "hnsw", ef_search=10).search(QUERIES, 10)[1]
    assert (found != exact).any()


def test_an_iterative_scan_goes_on_instead_of_a_wider_search(tables):
    for name, values in (("hnsw", {"ef_search": 10}), ("lists", {"probes": 1})):
        index = opened_table(tables, name, iterative_scan=True, **values)
        assert (index.search(QUERIES, 100)[1] != -1).all()
    shown = opened_table(tables, "hnsw", iterative_scan=True, ef_search=10)
    shown.find(QUERIES[0], 100)
    assert shown._connection.execute("SHOW hnsw.ef_search").fetchone() == ("10",)
