"""What a report says of databases: each one's own words for a setting, how it differs, and what was measured."""

import ast
import json
import re

import pytest

from embquant.report.databases import DATABASES, answers, transforms_of
from support.database_texts import METHODS, NAMES, asked, setting, shipped, study

MADE_OUTSIDE = "its bytes are made outside; it has nothing finer to rescore with"
ODD = "its product quantizer of 4 bits has an even number of pieces, 3 is odd"
EDGES = re.compile(r'("m": |"M": |\bm=|\bm = |max_connections=|max-links-per-node: )(\d+)')
KEPT = re.compile(r'("ef": |\bef=|\bef\(|"ef_search": |"num_candidates": |"hnsw_ef": |hnsw\.ef_search = )(\d+)')
"""How databases say a graph's edges, and the candidates of a search."""
NOTHING_FINER = "it ranks by the numbers that it stores; there is nothing finer to rescore with"


@pytest.mark.parametrize(("store", "multiplier"), [("none", 1), ("int8", 4), ("float32", 10)])
@pytest.mark.parametrize("method", METHODS)
def test_every_database_says_for_every_setting_what_is_equal_or_why_nothing_is(method, store, multiplier):
    for answer in asked(method, store, multiplier).values():
        assert answer.database in NAMES
        assert "\n" not in answer.differs
        if answer.text:
            assert answer.mark in ("emulated", "not measured")
            assert (answer.mark == "emulated") == (answer.differs == "")
        else:
            assert answer.differs.startswith("no equal: ")
        if answer.language == "python":
            ast.parse(answer.text)
        if answer.language == "http" and answer.text:
            for request in answer.text.split("\n\n"):
                json.loads(request.partition("\n")[2].replace("[...]", "[]"))
        if answer.language == "text":
            assert answer.text.count("{") == answer.text.count("}")


def test_what_a_setting_says_is_what_the_database_is_told():
    text = asked("binary-hnsw", "float32", 4)["PostgreSQL with pgvector"].text
    assert "embedding vector(384), bits bit(384) GENERATED ALWAYS AS (binary_quantize(embedding)::bit(384))" in text
    assert "USING hnsw (bits bit_hamming_ops) WITH (m = 16, ef_construction = 128)" in text
    assert "SET hnsw.ef_search = 64;" in text
    assert "LIMIT 40) AS candidates\nORDER BY embedding <#> $1::vector(384) LIMIT 10;" in text
    create, search = asked("binary-hnsw", "float32", 4)["Qdrant"].text.split("\n\n")
    assert json.loads(create.partition("\n")[2])["hnsw_config"] == {"m": 16, "ef_construct": 128}
    assert '"oversampling": 4.0' in search
    elastic = asked("osq-1", "float32", 4)["Elasticsearch"]
    assert '"type": "bbq_flat"' in elastic.text
    assert '"oversample": 4.0' in elastic.text
    assert elastic.mark == "emulated"
    assert '"refine_type": "SQ8"' in asked("rabitq-1", "int8", 4)["Milvus"].text
    assert '"refine_k": 4' in asked("rabitq-1", "int8", 4)["Milvus"].text
    assert '"nlist": 400' in asked("float32-ivf")["Milvus"].text  # 4·√10,000
    assert "num_sub_vectors=48" in asked("pq")["LanceDB"].text
    assert '"compression": "x32"' in asked("pq")["Qdrant"].text
    assert "rescore_limit=40" in asked("binary", "float32", 4)["Weaviate"].text
    assert "rerank-count: 40" in asked("binary", "float32", 4)["Vespa"].text
    assert "int8[384]" in asked("unit-int8")["SQLite with sqlite-vec"].text


@pytest.mark.parametrize(
    ("database", "method", "store", "multiplier", "differs"),
    [
        ("PostgreSQL with pgvector", "binary", "int8", 4, "candidates are rescored with float16 instead of int8"),
        ("PostgreSQL with pgvector", "int8", "none", 1, "no equal: it has nothing like int8"),
        ("PostgreSQL with pgvector", "signs-of-mean", "none", 1, "a threshold of zero instead of the mean"),
        ("PostgreSQL with pgvector", "float-query", "none", 1, "queries are quantized to bits, too"),
        ("Qdrant", "float-query", "none", 1, "queries are rounded to 8 bits"),
        ("Qdrant", "float32-ivf", "none", 1, "a graph instead of lists"),
        ("Qdrant", "int8", "none", 1, "one range for all dimensions"),
        ("Elasticsearch", "pq", "none", 1, "no equal: it has nothing like pq"),
        ("Weaviate", "float16", "none", 1, "no equal: it has nothing like float16"),
        ("Vespa", "float16", "none", 1, "bfloat16 instead of float16"),
        ("LanceDB", "binary", "float32", 4, "RaBitQ of 1 bit instead of signs"),
        ("OpenSearch", "osq-1", "float32", 4, "it rescores at least 100 candidates"),
        ("OpenSearch", "osq-1", "float32", 10, ""),
        ("OpenSearch", "binary-hnsw", "none", 1, "a threshold of the mean instead of zero"),
        ("OpenSearch", "signs-of-mean", "none", 1, "a graph instead of a scan"),
        ("OpenSearch", "centred", "none", 1, "its ADC rescales the bits; a graph instead of a scan"),
        ("OpenSearch", "unit-int8", "int8", 4, f"no equal: {MADE_OUTSIDE}"),
        ("LanceDB", "pq-4-bits-odd", "none", 1, f"no equal: {ODD}"),
        ("zvec", "int8-hnsw", "float32", 300, "no equal: its graph keeps at most 2,048 candidates, 3,000 are more"),
        ("Milvus", "uint8", "none", 1, ""),
        ("Milvus", "uint8", "float32", 4, "a graph instead of a scan"),
        ("Milvus", "int6", "none", 1, "a graph instead of a scan"),
    ],
)
def test_what_differs_is_said(database, method, store, multiplier, differs):
    assert asked(method, store, multiplier)[database].differs == differs


def test_a_transform_is_named_in_its_order():
    assert transforms_of("rotated", study()) == ["center", "pca"]
    assert transforms_of("binary", study()) == []
    assert "bit(192)" in asked("rotated")["PostgreSQL with pgvector"].text


def test_each_method_that_a_database_runs_finds_itself_in_that_databases_text():
    made, settings = shipped()
    written = {database.engine for database in DATABASES if database.engine}
    run_here = [(method, one) for method, one in settings if method.entry.index in written]
    assert {method.entry.index for method, _ in run_here} == written
    for method, one in run_here:
        engines = zip(DATABASES, answers(one, made, (9870, 384)), strict=True)
        (own,) = (answer for database, answer in engines if database.engine == method.entry.index)
        names = own.mark.removeprefix("measured here as ").split(", ")
        assert own.text, f"{method.name}: {own.differs}"
        assert not own.differs, f"{method.name} differs from itself: {own.differs}"
        assert method.name in names, f"{method.name}: {own.mark}"


def test_each_emulated_method_is_written_in_its_databases_language():
    made, settings = shipped()
    without = []
    for method, one in settings:
        if method.name.endswith("-emulated"):
            found = {answer.database.lower(): answer for answer in answers(one, made, (9870, 384))}
            answer = found[method.name.partition("-")[0]]
            without += [(method.name, one["rescore_store"], answer.differs)] * (not answer.text)
    assert set(without) == {
        ("opensearch-byte-emulated", "float32", f"no equal: {MADE_OUTSIDE}"),
        ("opensearch-fp16-emulated", "float32", f"no equal: {NOTHING_FINER}"),
    }


@pytest.mark.parametrize("top_k", [10, 100])
def test_a_printed_graph_has_edges_and_keeps_as_many_as_are_found(top_k):
    edges, kept = set(), set()
    made, settings = shipped(top_k)
    for method, one in settings:
        for answer in answers(one, made, (9870, 384)):
            for words, found in ((EDGES, edges), (KEPT, kept)):
                said = {(word, int(number)) for word, number in words.findall(answer.text)}
                if answer.database == "Qdrant":
                    said.discard(('"m": ', 0))  # a scan
                if "iterative_scan" in answer.text:
                    said.discard(("hnsw.ef_search = ", 40))  # it goes on
                assert all(number >= (2 if found is edges else top_k) for _, number in said), (method.name, answer)
                found |= {word for word, _ in said}
    assert edges == {'"m": ', '"M": ', "m=", "m = ", "max_connections=", "max-links-per-node: "}
    assert {'"ef": ', "ef=", "ef(", '"ef_search": ', '"num_candidates": ', '"hnsw_ef": '} <= kept


def test_a_search_that_goes_on_is_as_wide_elsewhere_as_what_it_finds():
    how = {"codec": "float32", "index": "pgvector", "build": {"type": "bit", "index": "hnsw"}}
    on = {"ef_search": 40, "iterative_scan": True, "oversampling": 30}
    found = asked("on", made_up=study(on={**how, "search": on}))
    assert "SET hnsw.ef_search = 40;" in found["PostgreSQL with pgvector"].text
    assert '"hnsw_ef": 300' in found["Qdrant"].text
    assert "ef=300" in found["Weaviate"].text


def test_a_product_quantizer_of_parts_of_a_dimension_is_qdrants_own():
    build = {"quantization": {"product": {"compression": "x64"}}, "hnsw_config": {"m": 0}}
    method = {"codec": "float32", "index": "qdrant", "build": build, "search": {"rescore": False}}
    found = dict(zip(NAMES, answers(setting("own"), study(own=method), (10_000, 100)), strict=True))
    assert found["Qdrant"].mark == "measured here as own"
    assert '"compression": "x64"' in found["Qdrant"].text  # 400 bytes are no multiple of 64
    assert found["LanceDB"].differs.startswith("no equal: it has nothing like {")


def test_a_database_does_not_differ_from_itself():
    scalar = {"quantization": {"scalar": {"quantile": 1.0}}, "hnsw_config": {"m": 0}}
    method = {"codec": "float32", "index": "qdrant", "build": scalar, "search": {"rescore": False}}
    made_up = study(own=method)
    assert asked("own", made_up=made_up)["Qdrant"].differs == ""
    twin = asked("int8", made_up=made_up)["Qdrant"]  # a codec of this project, which has ranges per dimension
    assert (twin.mark, twin.differs) == ("measured here as own", "one range for all dimensions")


def test_what_the_study_ran_in_a_database_is_measured():
    bits = {"codec": "float32", "index": "pgvector", "build": {"type": "bit"}, "search": {"oversampling": 4}}
    graph = {"codec": "float32", "index": "pgvector", "build": {"index": "hnsw", "ef_construction": 128}}
    made_up = study(**{"postgres-bits": bits, "postgres-graph": {**graph, "search": {"ef_search": 64}}})
    assert asked("binary", "float32", 4, made_up)["PostgreSQL with pgvector"].mark == "measured here as postgres-bits"
    assert asked("binary", "float32", 10, made_up)["PostgreSQL with pgvector"].mark == "emulated"
    assert asked("float32-hnsw", made_up=made_up)["PostgreSQL with pgvector"].mark == "measured here as postgres-graph"
    scalar = {"quantization": {"scalar": {"quantile": 0.99}}, "hnsw_config": {"m": 0}}
    again = {"rescore": True, "oversampling": 2}
    in_qdrant = study(shard={"codec": "float32", "index": "qdrant", "build": scalar, "search": again})
    assert asked("shard", made_up=in_qdrant)["Qdrant"].mark == "measured here as shard"
    assert '"quantile": 0.99' in asked("shard", made_up=in_qdrant)["Qdrant"].text
    bits = {**bits, "build": {"type": "bit", "index": "hnsw"}}
    cut_off = asked("deep", made_up=study(deep={**bits, "search": {"oversampling": 200}}))["PostgreSQL with pgvector"]
    assert cut_off.differs == "no equal: its graph found at most 1,000 candidates of 2,000; set iterative_scan: true"
    searched_on = {"oversampling": 200, "iterative_scan": True}
    deep = asked("deep", made_up=study(deep={**bits, "search": searched_on}))["PostgreSQL with pgvector"]
    assert deep.mark == "measured here as deep"
    assert "SET hnsw.ef_search = 40;\nSET hnsw.iterative_scan = strict_order;" in deep.text
    wide = {"codec": "float32", "index": "hnsw", "build": {"connectivity": 64, "expansion_add": 100}}
    refused = asked("wide", made_up=study(wide=wide))["PostgreSQL with pgvector"]
    assert refused.differs == "no equal: its ef_construction is at least 2 × m, 100 is less than 2 × 64"
    own = asked("postgres-bits", made_up=made_up)
    assert own["PostgreSQL with pgvector"].mark == "measured here as postgres-bits"
    assert own["Vespa"].text == asked("binary", "float32", 4)["Vespa"].text


def test_qdrant_searches_as_wide_as_it_built_where_nothing_else_is_said():
    """So does its engine: what it finds then is what it finds with that ``hnsw_ef``."""
    build = {"hnsw_config": {"m": 8, "ef_construct": 70}}
    found = asked("own", made_up=study(own={"codec": "float32", "index": "qdrant", "build": build}))
    assert '"hnsw_ef": 70' in found["Qdrant"].text
