"""The texts for databases that can't be run here, against what their documentation of 2026 allows, word by word."""

import json
import re
import shlex
from functools import cache

import jsonschema
import pytest

from embquant.report.databases import answers
from support.database_texts import METHODS, NAMES, asked, shipped

WORDS = {"type": "object", "additionalProperties": False}
OVERSAMPLING = ("oversampling", "refine_factor", "scale_factor")
SETTINGS = [(method, *again) for method in METHODS for again in (("none", 1), ("int8", 4), ("float32", 10))]


def whole(least, most=2**31 - 1):
    return {"type": "integer", "minimum": least, "maximum": most}


def words(required, **allowed):
    """An object with these words and no others, of which some are required."""
    return {**WORDS, "required": required.split(), "properties": allowed}


GRAPH = {"m": whole(2, 512), "ef_construction": whole(1, 3200)}
RESCORED = words("oversample", oversample={"anyOf": [{"const": 0}, {"type": "number", "minimum": 1, "maximum": 10}]})
QUANTIZED = ["int8", "int4", "bbq"]
ELASTIC_OPTIONS = [
    words("type", type={"const": "flat"}),
    words("type", type={"const": "hnsw"}, **GRAPH),
    words("type", type={"enum": [f"{name}_flat" for name in QUANTIZED]}, rescore_vector=RESCORED),
    words("type", type={"enum": [f"{name}_hnsw" for name in QUANTIZED]}, **GRAPH, rescore_vector=RESCORED),
]
ELASTIC_FIELD = words(
    "type dims",
    type={"const": "dense_vector"},
    dims=whole(1, 4096),
    element_type={"enum": ["float", "bfloat16"]},
    similarity={"enum": ["cosine", "dot_product", "l2_norm", "max_inner_product"]},
    index_options={"oneOf": ELASTIC_OPTIONS},
)
ELASTIC_KNN = words(
    "field query_vector k num_candidates",
    field={"const": "embedding"},
    query_vector={"type": "array"},
    k=whole(1),
    num_candidates=whole(1, 10_000),
)


def encoder(name, **parameters):
    """What an encoder of OpenSearch may say: all of its parameters have to be there."""
    return words("name parameters", name={"const": name}, parameters=words(" ".join(parameters), **parameters))


def hnsw(engine, *encoders):
    parameters = words("", **GRAPH, encoder={"oneOf": list(encoders)})
    return words("name engine", name={"const": "hnsw"}, engine={"const": engine}, parameters=parameters)


BINARY = encoder("binary", bits={"enum": [1, 2, 4]}, enable_adc={"type": "boolean"})
OPEN_METHODS = [
    words("name", name={"const": "flat"}),
    hnsw("faiss", encoder("sq", bits={"enum": [1, 2, 4, 16]}), BINARY),
    hnsw("lucene", encoder("sq", bits={"enum": [1, 2, 4, 7]})),
]
OPEN_FIELD = words(
    "type dimension method",
    type={"const": "knn_vector"},
    dimension=whole(1, 16_000),
    space_type={"const": "innerproduct"},
    data_type={"enum": ["float", "byte"]},
    compression_level={"enum": ["8x", "16x", "32x"]},
    method={"oneOf": OPEN_METHODS},
)
OVERSAMPLED = words("oversample_factor", oversample_factor={"type": "number", "minimum": 1})
OPEN_KNN = words(
    "vector k",
    vector={"type": "array"},
    k=whole(1, 10_000),
    method_parameters=words("ef_search", ef_search=whole(1)),
    rescore={
        "anyOf": [{"const": False}, words("oversample_factor", oversample_factor={"type": "number", "minimum": 1})]
    },
)
OPEN_SETTINGS = words("index", index=words("knn", knn={"const": True}))

VESPA = {
    r"schema \w+": {
        r"document \w+": {r"field embedding type tensor<(float|bfloat16)>\(x\[\d+\]\)": "field"},
        r"field bits type tensor<int8>\(x\[\d+\]\)": "field",
        r"rank-profile \w+": {
            "inputs": {r"query\(\w+\) tensor<(float|int8)>\(x\[\d+\]\)": None},
            "first-phase": {r"expression: closeness\(field, (embedding|bits)\)": None},
            "second-phase": {
                r"rerank-count: \d+": None,
                r"expression: sum\(query\(q\) \* attribute\(embedding\)\)": None,
            },
        },
    }
}
"""What may stand in each block of a schema; None: nothing."""
VESPA_FIELD = {
    r"indexing: (input embedding \| binarize \| pack_bits|summary)( \| attribute)( \| index)?": None,
    "indexing: attribute": None,
    "attribute: paged": None,
    "attribute": {r"distance-metric: (dotproduct|hamming)": None},
    "index": {"hnsw": {r"max-links-per-node: \d+": None, r"neighbors-to-explore-at-insert: \d+": None}},
}
YQL = (
    r"select \* from documents where \{targetHits: (\d+), (approximate: false|hnsw\.exploreAdditionalHits: \d+)\}"
    r"nearestNeighbor\((embedding, q|bits, q_bits)\)"
)


def requests(text):
    """The two requests of a REST interface: their first lines, and their bodies."""
    parts = [part.partition("\n") for part in text.split("\n\n")]
    return [(line, json.loads(body.replace("[...]", "[]"))) for line, _, body in parts]


def tree(text):
    """The blocks of a schema, as lists of lines and of pairs of a line and its block."""
    blocks = [[]]
    for line in map(str.strip, text.splitlines()):
        if line.endswith(" {"):
            blocks.append([])
            blocks[-2].append((line.removesuffix(" {"), blocks[-1]))
        elif line == "}":
            blocks.pop()
        else:
            blocks[-1].append((line, None))
    assert len(blocks) == 1
    return blocks[0]


def check(block, allowed):
    """Check that all lines of a block, and of the blocks in it, are allowed where they are."""
    for line, inner in block:
        known = [within for pattern, within in allowed.items() if re.fullmatch(pattern, line)]
        assert known, f"{line!r} is none of {list(allowed)}"
        within = VESPA_FIELD if known[0] == "field" else known[0]
        assert (inner is None) == (within is None), line
        check(inner or [], within or {})


@cache
def everything():
    """The answers for every kind of setting and all of config/databases.yaml, and what their first search finds."""
    made = [(10 * multiplier, asked(method, store, multiplier)) for method, store, multiplier in SETTINGS]
    study, settings = shipped()
    for method, one in settings:
        candidates = 10 * one["rescore_multiplier"] * deeper(method)
        made.append((candidates, dict(zip(NAMES, answers(one, study, (9870, 384)), strict=True))))
    return made


def answered(database):
    """The texts of a database, where it has an equal; before each the documents that its first search finds."""
    found = [(candidates, of[database].text) for candidates, of in everything() if of[database].text]
    assert len(found) >= 10
    return found


def deeper(method):
    """How many times as many documents a method of a database ranks again."""
    words = method.search.model_dump() if method.index_class.is_database else {}
    return int(next((words[word] for word in OVERSAMPLING if words.get(word)), 1))


def test_elasticsearch_is_told_nothing_that_its_documentation_does_not_have():
    for _, text in answered("Elasticsearch"):
        (create, mapping), (search, asked_for) = requests(text)
        assert (create, search) == ("PUT /documents", "POST /documents/_search")
        properties = words("embedding", embedding=ELASTIC_FIELD)
        jsonschema.validate(mapping, words("mappings", mappings=words("properties", properties=properties)))
        jsonschema.validate(asked_for, words("size knn", size=whole(1), knn=ELASTIC_KNN))
        assert asked_for["size"] == asked_for["knn"]["k"] <= asked_for["knn"]["num_candidates"]


def test_opensearch_is_told_nothing_that_its_documentation_does_not_have():
    for _, text in answered("OpenSearch"):
        (create, mapping), (search, asked_for) = requests(text)
        assert (create, search) == ("PUT /documents", "POST /documents/_search")
        properties = words("properties", properties=words("embedding", embedding=OPEN_FIELD))
        jsonschema.validate(mapping, words("settings mappings", settings=OPEN_SETTINGS, mappings=properties))
        query = words("knn", knn=words("embedding", embedding=OPEN_KNN))
        jsonschema.validate(asked_for, words("size query", size=whole(1), query=query))
        field = mapping["mappings"]["properties"]["embedding"]
        assert ("compression_level" in field) == (field["method"]["name"] == "flat")
        if field.get("data_type") == "byte":  # which are made outside: nothing encodes them or rescores by them
            assert "encoder" not in field["method"]["parameters"]
            assert asked_for["query"]["knn"]["embedding"]["rescore"] is False


def test_a_schema_of_vespa_has_its_words_in_their_places():
    for _, text in answered("Vespa"):
        schema, query = text.split("\n\n")
        check(tree(schema), VESPA)
        assert ("hnsw {" in schema) == ("| index" in schema) == ("hnsw." in query)
        assert ("hamming" in schema) == ("tensor<int8>" in schema)


def test_a_query_of_vespa_asks_for_what_its_schema_has():
    for candidates, text in answered("Vespa"):
        schema, command = text.split("\n\n")
        program, verb, *arguments = shlex.split(command.replace("\\\n", ""))
        asked_for = dict(argument.split("=", 1) for argument in arguments)
        assert (program, verb) == ("vespa", "query")
        found = re.fullmatch(YQL, asked_for.pop("yql"))
        field, vector = found[3].split(", ")
        assert f"field {field} type" in schema
        declared = set(re.findall(r"query\((\w+)\) tensor", schema))
        assert vector in declared
        given = {name for name in asked_for if name.startswith("input.")}
        assert given == {f"input.query({name})" for name in declared}
        assert (asked_for["ranking"], asked_for["hits"]) == ("search", "10")
        assert int(found[1]) == candidates
        assert f"rerank-count: {candidates}\n" in schema or "second-phase" not in schema


@pytest.mark.parametrize(
    ("database", "wrong"),
    [
        ("Elasticsearch", {"type": "dense_vector", "dims": 384, "index_options": {"type": "int8_flat", "m": 16}}),
        ("Elasticsearch", {"type": "dense_vector", "dims": 384, "index_option": {"type": "flat"}}),
        ("OpenSearch", {"type": "knn_vector", "dimension": 384, "method": {"name": "flat", "engine": "faiss"}}),
    ],
)
def test_what_the_documentation_does_not_have_is_seen(database, wrong):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, {"Elasticsearch": ELASTIC_FIELD, "OpenSearch": OPEN_FIELD}[database])


def test_a_word_of_vespa_in_another_place_is_seen():
    schema = "schema documents {\n  rank-profile search {\n    distance-metric: hamming\n  }\n}"
    with pytest.raises(AssertionError, match="distance-metric: hamming"):
        check(tree(schema), VESPA)
