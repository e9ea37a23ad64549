"""Milvus, in Python, for its client pymilvus."""

from embquant.report.databases.base import Equal, NoEqual, Wanted

REFINED = {"int6": "SQ6", "int8": "SQ8", "uint8": "SQ8", "float16": "FP16", "bfloat16": "BF16", "float32": "FP32"}
"""A family → what Milvus calls it where candidates are refined with it."""
VECTORS = {"float16": "FLOAT16_VECTOR", "bfloat16": "BFLOAT16_VECTOR"}
SCALARS = {
    "int8": ("SQ8", ""),
    "uint8": ("SQ8", ""),
    **dict.fromkeys(["unit-int8", "scaled-int8", "float8"], ("SQ8", "a range per dimension")),
    "int6": ("SQ6", ""),
    "int4": ("SQ4U", "one range for all dimensions"),
}
SIGNS = "RaBitQ's corrected bits instead of {}"
ONE_BIT = {
    "rabitq-1": ("RABITQ", ""),
    **{f"{family}-1": ("RABITQ", SIGNS.format(family)) for family in ("eden", "turboquant", "osq")},
    "binary": ("RABITQ", SIGNS.format("signs")),
}
PRODUCTS = {"pq": ("PQ", ""), "scaled-pq": ("PQ", "no factor per vector")}
FLOATS = {"float32": ("FLAT", ""), "float16": ("FLAT", ""), "bfloat16": ("FLAT", "")}


def equal(wanted: Wanted) -> Equal:
    """Return Python that makes the collection and its index, and searches it by ``query``, a list of floats."""
    quantizer, differs = wanted.quantizer({**FLOATS, **SCALARS, **ONE_BIT, **PRODUCTS})
    if wanted.code == "binary" and wanted.store is None:
        raise NoEqual("it has bits of a multiple of 8 dimensions as a type (BINARY_VECTOR, BIN_FLAT), made outside")
    kind, build, search, more = _index(wanted, quantizer)
    if wanted.store is not None:
        refined, difference = wanted.originals(REFINED)
        build |= {"refine": True, "refine_type": refined}
        search["refine_k"] = wanted.multiplier
        more += difference
    lines = [
        "from pymilvus import DataType, MilvusClient",
        'client = MilvusClient("http://localhost:19530")',
        "schema = client.create_schema()",
        'schema.add_field("id", DataType.INT64, is_primary=True)',
        f'schema.add_field("embedding", DataType.{VECTORS.get(wanted.code, "FLOAT_VECTOR")}, dim={wanted.dim})',
        "index = client.prepare_index_params()",
        f'index.add_index("embedding", index_type="{kind}", metric_type="IP", params={build})',
        'client.create_collection("documents", schema=schema, index_params=index)',
        f'found = client.search("documents", [query], anns_field="embedding", limit={wanted.top_k}, '
        f'search_params={{"params": {search}}})',
    ]
    return Equal("\n".join(lines).replace("'", '"'), [*differs, *more])


def _index(wanted: Wanted, quantizer: str) -> tuple[str, dict[str, object], dict[str, object], list[str]]:
    """Return an index's type, how it is built, how it is searched, and how it differs."""
    refined = wanted.store is not None and quantizer in ("SQ8", "PQ")
    if wanted.index == "hnsw" or quantizer in ("SQ6", "SQ4U") or refined:  # which lists don't have, or don't refine
        if quantizer == "RABITQ":
            raise NoEqual("it has no graph of codes of 1 bit")
        edges, compared, kept = wanted.graph
        build: dict[str, object] = {"M": edges, "efConstruction": compared}
        if quantizer == "PQ":
            build |= {"m": wanted.pieces, "nbits": wanted.codec.parameters.bits}
        if quantizer.startswith("SQ"):
            build["sq_type"] = quantizer
        kind = "HNSW" + {"FLAT": "", "PQ": "_PQ"}.get(quantizer, "_SQ")
        return kind, build, {"ef": kept}, [*wanted.without_scan(), *wanted.without_lists()]
    if wanted.index == "flat" and quantizer == "FLAT":
        return "FLAT", {}, {}, []
    lists, probes = wanted.lists
    build = {"nlist": lists} | (
        {"m": wanted.pieces, "nbits": wanted.codec.parameters.bits} if quantizer == "PQ" else {}
    )
    return f"IVF_{quantizer}", build, {"nprobe": probes}, []
