"""Vespa: a schema, and the query that searches it."""

from embquant.report.databases.base import Equal, NoEqual, Wanted

CELLS = {"bfloat16": "bfloat16", "float32": "float"}
FLOATS = {
    "float32": ("float", ""),
    "bfloat16": ("bfloat16", ""),
    "float16": ("bfloat16", "bfloat16 instead of float16"),
}


def equal(wanted: Wanted) -> Equal:
    """Return the schema and the query; ``input.query(q)`` is the query's vector, ``q_bits`` its packed bits."""
    bits = wanted.code == "binary"
    if bits:
        if wanted.dim % 8:
            raise NoEqual("its packed bits are of a multiple of 8 dimensions")
        cells, differs = wanted.originals(CELLS)
        differs += wanted.signs()
    else:
        cells, differs = wanted.quantizer(FLOATS)
    original = f"tensor<{cells}>(x[{wanted.dim}])"
    packed = f"tensor<int8>(x[{wanted.dim // 8}])"
    if bits:
        fields = ["    indexing: attribute", "    attribute: paged", "  }", "}"]
        fields += [
            f"field bits type {packed} {{",
            *_searched(wanted, "input embedding | binarize | pack_bits", "hamming"),
        ]
    else:
        fields = [*(f"  {line}" for line in _searched(wanted, "summary", "dotproduct")), "}"]
    lines = [
        "schema documents {",
        *_indented("document documents {", f"  field embedding type {original} {{", *fields),
        *_indented(*_ranked(wanted, "bits" if bits else "embedding", packed if bits else "")),
        "}",
        "",
        *_asked(wanted, bits),
    ]
    return Equal("\n".join(lines), [*differs, *wanted.without_lists()])


def _indented(*lines: str) -> list[str]:
    return [f"  {line}" for line in lines]


def _searched(wanted: Wanted, source: str, metric: str) -> list[str]:
    """Return the rest of a field that is searched: with a graph, unless all is scanned."""
    if wanted.index == "flat":
        return [f"  indexing: {source} | attribute", "  attribute {", f"    distance-metric: {metric}", "  }", "}"]
    edges, compared, _ = wanted.graph
    return [
        f"  indexing: {source} | attribute | index",
        "  attribute {",
        f"    distance-metric: {metric}",
        "  }",
        "  index {",
        "    hnsw {",
        f"      max-links-per-node: {edges}",
        f"      neighbors-to-explore-at-insert: {compared}",
        "    }",
        "  }",
        "}",
    ]


def _ranked(wanted: Wanted, field: str, packed: str) -> list[str]:
    """Return the rank profile: by ``field``, and again by the embeddings if candidates are rescored."""
    lines = ["rank-profile search {", "  inputs {", f"    query(q) tensor<float>(x[{wanted.dim}])"]
    lines += [f"    query(q_bits) {packed}"] if packed else []
    lines += ["  }", "  first-phase {", f"    expression: closeness(field, {field})", "  }"]
    if wanted.store is not None:
        expression = "    expression: sum(query(q) * attribute(embedding))"
        lines += ["  second-phase {", f"    rerank-count: {wanted.candidates}", expression, "  }"]
    return [*lines, "}"]


def _asked(wanted: Wanted, bits: bool) -> list[str]:
    """Return the command that searches."""
    breadth = "approximate: false"
    if wanted.index != "flat":
        breadth = f"hnsw.exploreAdditionalHits: {wanted.graph[2] - wanted.candidates}"
    searched = "nearestNeighbor(bits, q_bits)" if bits else "nearestNeighbor(embedding, q)"
    asked = f"{{targetHits: {wanted.candidates}, {breadth}}}{searched}"
    vectors = ["'input.query(q)=[...]' \\", *(["'input.query(q_bits)=[...]' \\"] * bits)]
    first = f"vespa query 'yql=select * from documents where {asked}' \\"
    return [first, *_indented(*vectors, f"'ranking=search' 'hits={wanted.top_k}'")]
