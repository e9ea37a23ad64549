"""What databases keep of the vectors that they are given, and what a search looks through, by other counts."""

from pathlib import Path

import pytest

from embquant.indexes import index_class
from support.codec_cases import unit_vectors
from support.index_cases import built, opened

ROWS, DIM = 4000, 128
CORPUS = unit_vectors(rows=ROWS, dim=DIM, seed=1)
ORIGINALS = ROWS * DIM * 4
QUANTIZED = {
    "lancedb": {"index_type": "IVF_SQ", "num_partitions": 2},
    "pgvector": {"type": "vector", "index": "ivfflat", "lists": 4},
    "qdrant": {"quantization": {"scalar": {}}, "indexing_threshold": 1, "hnsw_config": {"m": 0}},
    "sqlite-vec": {"column": "int8"},
    "zvec": {"index": "ivf", "quantize_type": "INT8"},
}
"""How each database is built with codes beside the originals, without a graph; pgvector's index has floats."""
BYTES = {"pgvector": 4 * DIM, "qdrant": DIM + 4, "zvec": DIM + 20}
"""The bytes of a code that aren't one per dimension."""
SPARE = {"zvec": 2 << 20}
"""What the last block of a file may have left."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """What a database keeps, built in this way; and the open database."""

    def of(kind, **build):
        codec, _, path = built(tmp_path_factory.mktemp(kind), "float32", kind, CORPUS, **build)
        index = opened("float32", kind, path, codec)
        return index.kept_bytes(), index

    return of


@pytest.mark.parametrize("kind", QUANTIZED)
def test_a_quantizer_adds_its_codes_to_the_originals(kept, kind):
    found, _ = kept(kind, **QUANTIZED[kind])
    codes = ROWS * BYTES.get(kind, DIM)
    assert ORIGINALS <= found["originals_bytes"] <= 1.25 * ORIGINALS + SPARE.get(kind, 0)
    assert codes <= found["searched_bytes"] <= 1.25 * codes


def test_the_table_and_the_index_of_postgresql_are_the_files_that_it_says_they_are(kept):
    found, index = kept("pgvector", index="hnsw")
    (data,) = index._connection.execute("SHOW data_directory").fetchone()

    def on_disk(relation):
        (file,) = index._connection.execute("SELECT pg_relation_filepath(%s)", [relation]).fetchone()
        return sum(fork.stat().st_size for fork in Path(data, file).parent.glob(f"{Path(file).name}*"))

    (hnsw,) = index._connection.execute("SELECT indexname FROM pg_indexes WHERE indexdef ~ 'hnsw'").fetchone()
    assert found["searched_bytes"] == on_disk(hnsw)
    of_table = found["originals_bytes"] - on_disk("vectors") - on_disk("vectors_pkey")
    assert 0 <= of_table <= 32768  # an empty table for what is too large for a row, and its key


def test_bits_of_postgresql_lie_in_the_rows_of_the_originals(kept):
    found, index = kept("pgvector", type="bit")
    sizes = "SELECT sum(pg_column_size(embedding) + pg_column_size(bits)) FROM vectors"
    (both,) = index._connection.execute(sizes).fetchone()
    assert found["searched_bytes"] == 0
    assert ORIGINALS + ROWS * DIM / 8 <= both <= found["originals_bytes"]


def test_the_columns_of_sqlite_vec_are_as_large_as_sqlite_says(kept):
    found, index = kept("sqlite-vec", column="bit")
    pages = dict(index._connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall())
    assert found["searched_bytes"] == pytest.approx(pages["vectors_vector_chunks00"], rel=0.1)
    assert found["originals_bytes"] == pytest.approx(pages["vectors_vector_chunks01"], rel=0.1)
    assert kept("sqlite-vec", column="bit", originals=False)[0]["originals_bytes"] == 0
    assert kept("sqlite-vec", column="float")[0]["searched_bytes"] == 0


def test_a_graph_counts_as_what_a_search_looks_through(kept):
    codes = {"quantization": {"scalar": {}}, "indexing_threshold": 1}
    scanned, searched = (
        kept("qdrant", **codes, hnsw_config=graph)[0] for graph in ({"m": 0}, {"full_scan_threshold": 10})
    )
    assert searched["searched_bytes"] >= scanned["searched_bytes"] + ROWS * 16
    assert searched["originals_bytes"] == scanned["originals_bytes"]


@pytest.mark.parametrize(
    ("kind", "build", "search", "all_of_them"),
    [
        ("qdrant", {"quantization": {"binary": {}}}, {}, True),
        ("qdrant", {"quantization": {"binary": {}}, "on_disk": True}, {"rescore": True}, False),
        ("qdrant", {"quantization": {"binary": {}}, "on_disk": True}, {"exact": True}, True),
        ("qdrant", {"on_disk": True}, {}, True),
        ("pgvector", {"index": "hnsw"}, {}, False),
        ("pgvector", {"index": "hnsw"}, {"exact": True}, True),
        ("pgvector", {"type": "bit"}, {}, True),
        ("lancedb", {}, {}, True),
        ("lancedb", {"index_type": "IVF_PQ"}, {"refine_factor": 4}, False),
        ("lancedb", {"index_type": "IVF_PQ"}, {"bypass_vector_index": True}, True),
        ("sqlite-vec", {"column": "float"}, {}, True),
        ("sqlite-vec", {"column": "bit"}, {"oversampling": 4}, False),
        ("zvec", {"index": "flat"}, {}, True),
        ("zvec", {"quantize_type": "INT8"}, {"is_using_refiner": True}, False),
        ("zvec", {"index": "ivf_rabitq"}, {}, False),
    ],
)
def test_originals_are_looked_through_where_no_codes_are_or_they_stay_in_memory(kind, build, search, all_of_them):
    index = index_class("float32", kind)
    asked = index.build_parameters(**build), index.search_parameters(**search)
    assert index.looks_through_originals(*asked) == all_of_them
