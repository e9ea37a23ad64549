"""The texts that reports print for databases are run as they are printed, by those that can be installed."""

import json
import tempfile

import numpy as np
import pytest

from embquant.indexes import index_class
from embquant.report.databases import DATABASES, answers
from embquant.study.study import Study
from support.codec_cases import fitted, unit_vectors
from support.index_cases import built, opened

K = 10
CORPUS, QUERIES = unit_vectors(rows=2000, dim=64, seed=1), unit_vectors(rows=30, dim=64, seed=2)
CODECS = {
    "float32": {"family": "float32"},
    "float16": {"family": "float16"},
    "int8": {"family": "int8"},
    "unit-int8": {"family": "unit-int8"},
    "binary": {"family": "binary"},
    "rabitq": {"family": "rabitq", "bits": 4},
    "turboquant": {"family": "turboquant", "bits": 4, "transform": "rotation"},
    "pq": {"family": "pq", "pieces": 32},
}
SCANNED = {"hnsw_config": {"m": 0}, "indexing_threshold": 1}
TWO_BITS = {"binary": {"encoding": "two_bits", "query_encoding": "scalar8bits"}}
SEARCHED_ON = {"ef_search": 40, "iterative_scan": True, "oversampling": 8}
MEASURED = {
    "qdrant": ({"quantization": TWO_BITS, **SCANNED}, {"rescore": False}),
    "pgvector": ({"type": "bit", "index": "hnsw"}, SEARCHED_ON),
    "lancedb": ({"index_type": "IVF_SQ", "num_partitions": 1}, {"nprobes": 1, "refine_factor": 1}),
    "sqlite-vec": ({"column": "int8", "originals": False}, {}),
    "zvec": ({"index": "flat", "quantize_type": "INT8"}, {}),
}
"""How each database is built and searched by a method."""
METHODS = {
    **{
        kind: {"codec": "float32", "index": kind, "build": build, "search": search}
        for kind, (build, search) in MEASURED.items()
    },
    **{codec: {"codec": codec, "index": "flat"} for codec in CODECS},
    "float32-hnsw": {"codec": "float32", "index": "hnsw", "search": {"expansion_search": 500}},
    "int8-hnsw": {"codec": "int8", "index": "hnsw", "search": {"expansion_search": 500}},
    "float32-ivf": {"codec": "float32", "index": "ivf", "build": {"lists": 10}, "search": {"nprobe": 10}},
}
LOSSLESS = ["float32", "float16", "float32-hnsw", "float32-ivf"]
LOSSY = ["int8", "unit-int8", "int8-hnsw", "turboquant", "pq", "rabitq"]
RUN_HERE = ["Qdrant", "PostgreSQL with pgvector", "LanceDB", "SQLite with sqlite-vec", "zvec"]
NOTHING_LIKE = {
    "PostgreSQL with pgvector": ["int8", "unit-int8", "int8-hnsw", "turboquant", "pq", "rabitq"],
    "LanceDB": ["turboquant"],
    "zvec": ["turboquant", "pq"],
    "SQLite with sqlite-vec": ["float16", "turboquant", "pq", "rabitq"],
}
WITHOUT_SIGNS = ["LanceDB", "zvec"]
WITHOUT_EQUAL = {(database, method) for database, methods in NOTHING_LIKE.items() for method in methods}
"""What a database has nothing like."""


def pairs(methods):
    return [(database, method) for database in RUN_HERE for method in methods]


def printed(database, method, store="none", multiplier=1):
    """Return what a report prints."""
    config = {"study": "x", "datasets": {"a": {"source": "python-stdlib"}}, "models": {"m": {"name": "a-model"}}}
    study = Study.read({**config, "codecs": CODECS, "methods": METHODS})
    setting = {"method": method, "rescore_store": store, "rescore_multiplier": multiplier, "top_k": K}
    found = answers(setting, study, CORPUS.shape)
    return next(answer for answer in found if answer.database == database)


def in_qdrant(text, folder):
    """Run the two requests by Qdrant's engine, word by word: the package has no REST interface."""
    import qdrant_edge as edge

    from embquant.engines.qdrant_words import Quantization, member

    create, search = (json.loads(part.partition("\n")[2].replace("[...]", "[]")) for part in text.split("\n\n"))
    vectors, graph = create["vectors"], create["hnsw_config"]
    words = {name.replace("turbo", "turboquant"): said for name, said in create.get("quantization_config", {}).items()}
    in_memory = [said.pop("always_ram") for said in words.values()]
    params = edge.EdgeVectorParams(
        size=vectors["size"],
        distance=member(edge.Distance, vectors["distance"].lower()),
        datatype=member(edge.VectorStorageDatatype, vectors["datatype"]),
        on_disk=vectors.get("on_disk"),
        hnsw_config=edge.HnswIndexConfig(graph["m"], graph.get("ef_construct", 100), 10),
        quantization_config=Quantization(**words).chosen.of(edge, in_memory[0]) if words else None,
    )
    optimizers = edge.EdgeOptimizersConfig(indexing_threshold=1)
    shard = edge.EdgeShard.create(str(folder), edge.EdgeConfig(vectors={"": params}, optimizers=optimizers))
    points = [edge.Point(row, vector, None) for row, vector in enumerate(CORPUS.tolist())]
    shard.update(edge.UpdateOperation.upsert_points(points))
    shard.optimize()
    asked = search["params"]
    quantization = edge.QuantizationSearchParams(**asked.pop("quantization")) if "quantization" in asked else None
    how = edge.SearchParams(**asked, quantization=quantization)
    nearest = [edge.Query.Nearest(query) for query in QUERIES.tolist()]
    found = [shard.search(edge.SearchRequest(query=query, limit=search["limit"], params=how)) for query in nearest]
    shard.close()
    return np.array([[point.id for point in points] for points in found])


def in_postgres(text, folder):
    """Run the statements; the documents are inserted at the comment."""
    import psycopg

    from embquant.engines.postgres import created_server

    before, after = text.split("-- insert the documents here\n")
    *prepared, select = [statement.strip() for statement in after.split(";") if statement.strip()]
    with created_server(folder) as server, server.connection() as connection:
        for statement in before.split(";\n"):
            connection.execute(statement)
        with connection.cursor() as cursor:
            rows = [(row, str(vector)) for row, vector in enumerate(CORPUS.tolist())]
            cursor.executemany("INSERT INTO documents (id, embedding) VALUES (%s, %s)", rows)
        for statement in prepared:
            connection.execute(statement)
        cursor = psycopg.RawCursor(connection)
        found = [cursor.execute(select, [str(query)]).fetchall() for query in QUERIES.tolist()]
    return np.array(found)[:, :, 0]


def in_sqlite(text, folder):
    """Run the three statements."""
    from embquant.engines.sqlite_vec import connected

    create, insert, select = [statement for statement in text.split(";") if statement.strip()]
    connection = connected(folder / "documents.db")
    connection.execute(create)
    with connection:
        connection.executemany(insert, ({"id": row, "vector": v.tobytes()} for row, v in enumerate(CORPUS)))
    found = [connection.execute(select, {"query": query.tobytes()}).fetchall() for query in QUERIES]
    connection.close()
    return np.array(found)[:, :, 0]


def in_python(text, folder, monkeypatch):
    """Run the Python for each query."""
    monkeypatch.chdir(tempfile.mkdtemp(dir=folder))
    *lines, last = text.splitlines()
    names = {"vectors": CORPUS}
    exec("\n".join(lines), names)
    found = []
    for query in QUERIES:
        names["query"] = query
        exec(last, names)
        found.append(names["rows"])
    if "collection" in names:
        names["collection"].close()  # zvec locks it by its path, which others have as well
    return np.array(found)


@pytest.fixture
def run(tmp_path, monkeypatch):
    def run(answer):
        ways = {"Qdrant": in_qdrant, "PostgreSQL with pgvector": in_postgres, "SQLite with sqlite-vec": in_sqlite}
        if answer.language == "python":
            return in_python(answer.text, tmp_path, monkeypatch)
        return ways[answer.database](answer.text, tmp_path)

    return run


EXACT = np.argsort(-(QUERIES.astype(np.float64) @ CORPUS.T.astype(np.float64)), axis=1, kind="stable")
APART = ((QUERIES > 0)[:, None] != (CORPUS > 0)).sum(axis=2)


def overlap(rows, wanted):
    return np.mean([len({*found} & {*best}) / K for found, best in zip(rows, wanted[:, :K], strict=True)])


@pytest.mark.parametrize(("database", "method"), [pair for pair in pairs(LOSSLESS) if pair not in WITHOUT_EQUAL])
def test_floats_are_found_as_an_exact_search_finds_them(run, database, method):
    answer = printed(database, method)
    assert overlap(run(answer), EXACT) >= 0.99


@pytest.mark.parametrize(("database", "method"), sorted(WITHOUT_EQUAL))
def test_where_a_database_has_nothing_like_it_that_is_said(database, method):
    answer = printed(database, method)
    assert not answer.text
    assert answer.differs.startswith("no equal: it has nothing like ")


@pytest.mark.parametrize("database", [name for name in RUN_HERE if name not in WITHOUT_SIGNS])
def test_bits_are_found_by_their_distance(run, database):
    rows = run(printed(database, "binary"))
    np.testing.assert_array_equal(np.take_along_axis(APART, rows, axis=1), np.sort(APART, axis=1)[:, :K])


@pytest.mark.parametrize("database", RUN_HERE)
def test_as_many_candidates_as_the_setting_has_are_ranked_again(run, database):
    answer = printed(database, "binary", "float32", 20)
    rows = run(answer)
    scores = QUERIES @ CORPUS.T
    found = np.take_along_axis(scores, rows, axis=1)
    assert (np.diff(found, axis=1) <= 1e-6).all()
    if database in WITHOUT_SIGNS:
        assert overlap(rows, EXACT) > overlap(run(printed(database, "binary")), EXACT) + 0.2
        return
    last = np.sort(APART, axis=1)[:, [20 * K - 1]]
    assert (np.take_along_axis(APART, rows, axis=1) <= last).all()
    surely_seen = np.where(last > APART, scores, -np.inf)  # any of those at the last distance may be
    assert (np.sort(surely_seen, axis=1)[:, -K] <= found[:, -1] + 1e-6).all()


@pytest.mark.parametrize(("database", "method"), [pair for pair in pairs(LOSSY) if pair not in WITHOUT_EQUAL])
def test_codes_find_about_as_much_as_the_codec_that_was_measured(run, database, method):
    answer = printed(database, method)
    codec = fitted(CODECS[METHODS[method]["codec"]], CORPUS)
    codes = codec.encode(CORPUS)
    scores = codec.scan(codec.encode_queries(QUERIES, "asymmetric"), codes)
    ours = overlap(np.argsort(-scores, axis=1, kind="stable")[:, :K], EXACT)
    assert overlap(run(answer), EXACT) >= ours - 0.1


@pytest.mark.parametrize("database", RUN_HERE)
def test_what_is_measured_here_is_what_the_text_finds(run, database, tmp_path):
    kind = next(known.engine for known in DATABASES if known.name == database)
    build, search = MEASURED[kind]
    answer = printed(database, kind)
    assert answer.mark == f"measured here as {kind}"
    codec, _, path = built(tmp_path, "float32", kind, CORPUS, **build)
    rows = opened("float32", kind, path, codec, **search).search(QUERIES, K)[1]
    if index_class("float32", kind).varies:
        assert overlap(run(answer), rows) >= 0.9
    else:
        np.testing.assert_array_equal(run(answer), rows)


def test_every_database_with_an_engine_is_run_here():
    assert set(RUN_HERE) == {database.name for database in DATABASES if database.engine}
