"""Elasticsearch and OpenSearch, as their REST interfaces take them."""

from typing import Any

from embquant.report.databases.base import QUERY, Equal, NoEqual, Wanted, request

ONE_RANGE = "one range for all dimensions, of 7 bits"
BBQ = "BBQ's corrected bits instead of {}"
INDEX_TYPES = {
    "float32": ("", ""),
    "bfloat16": ("", ""),
    "float16": ("", "bfloat16 instead of float16"),
    "osq-1": ("bbq_", ""),
    "osq-4": ("int4_", ""),
    "osq-7": ("int8_", ""),
    "binary": ("bbq_", BBQ.format("signs")),
    **{f"{family}-1": ("bbq_", BBQ.format(family)) for family in ("rabitq", "eden", "turboquant")},
    **{f"{family}-4": ("int4_", f"its int4 instead of {family}") for family in ("rabitq", "eden", "turboquant")},
    "int4": ("int4_", "an interval per vector"),
    **dict.fromkeys(["int8", "unit-int8", "scaled-int8", "uint8", "float8"], ("int8_", ONE_RANGE)),
}
OUTSIDE = "bytes are made outside, round(127·x)"
MOST_OVERSAMPLING = 10
LEAST_RESCORED = 100
"""OpenSearch's ``MIN_FIRST_PASS_RESULTS``."""
LEAST_DIMENSIONS = 64
"""BBQ takes vectors of more dimensions than these."""


def elasticsearch(wanted: Wanted) -> Equal:
    """Return the mapping and the search of Elasticsearch."""
    prefix, differs = wanted.quantizer(INDEX_TYPES)
    element, more = wanted.originals({"bfloat16": "bfloat16", "float32": "float"})
    if wanted.code in ("bfloat16", "float16"):
        element = "bfloat16"
    if prefix == "bbq_" and wanted.dim <= LEAST_DIMENSIONS:
        raise NoEqual(f"its BBQ takes vectors of more than {LEAST_DIMENSIONS} dimensions")
    if prefix == "int4_" and wanted.dim % 2:
        raise NoEqual("its int4 takes vectors of an even number of dimensions")
    if wanted.multiplier > MOST_OVERSAMPLING:
        raise NoEqual(f"it rescores at most {MOST_OVERSAMPLING} times as many candidates as it returns")
    edges, compared, kept = wanted.graph
    options: dict[str, Any] = {"type": f"{prefix}flat"}
    knn: dict[str, Any] = {"field": "embedding", "query_vector": QUERY, "k": wanted.top_k, "num_candidates": kept}
    if wanted.index != "flat":
        options = {"type": f"{prefix}hnsw", "m": edges, "ef_construction": compared}
    if prefix:
        options["rescore_vector"] = {"oversample": float(wanted.multiplier) if wanted.store else 0}
    field = {
        "type": "dense_vector",
        "dims": wanted.dim,
        "element_type": element,
        "similarity": "max_inner_product",
        "index_options": options,
    }
    create = request("PUT /documents", {"mappings": {"properties": {"embedding": field}}})
    search = request("POST /documents/_search", {"size": wanted.top_k, "knn": knn})
    return Equal(f"{create}\n\n{search}", [*differs, *more, *wanted.without_lists()])


def opensearch(wanted: Wanted) -> Equal:
    """Return the mapping and the search of OpenSearch."""
    method, differs = _method(wanted)
    _, more = wanted.originals({"float32": "float"})
    if wanted.code == "float32" and wanted.index == "flat":
        raise NoEqual("it scans float32 by a script (exact k-NN with a scoring script), not by a mapping")
    field: dict[str, Any] = {"type": "knn_vector", "dimension": wanted.dim, "space_type": "innerproduct", **method}
    asked: dict[str, Any] = {"vector": QUERY, "k": wanted.top_k}
    if method["method"].get("engine") == "faiss":
        asked["method_parameters"] = {"ef_search": wanted.graph[2]}
    asked["rescore"] = {"oversample_factor": float(wanted.multiplier)} if wanted.store else False
    if wanted.store and wanted.candidates < LEAST_RESCORED:
        more.append(f"it rescores at least {LEAST_RESCORED} candidates")
    body = {"settings": {"index": {"knn": True}}, "mappings": {"properties": {"embedding": field}}}
    create = request("PUT /documents", body)
    search = request("POST /documents/_search", {"size": wanted.top_k, "query": {"knn": {"embedding": asked}}})
    return Equal(f"{create}\n\n{search}", [*differs, *more, *wanted.without_lists()])


def _method(wanted: Wanted) -> tuple[dict[str, Any], list[str]]:
    """Return what the mapping says of the method, and how it differs."""
    edges, compared, _ = wanted.graph
    parameters: dict[str, Any] = {"m": edges, "ef_construction": compared}
    if wanted.code in ("binary", "float16", "unit-int8"):
        method, differs = _in_a_graph(wanted, parameters)
        return method, [*differs, *wanted.without_scan()]
    bits = {"osq-1": 1, "osq-2": 2, "osq-4": 4, "rabitq-1": 1, "eden-1": 1, "turboquant-1": 1}
    if wanted.index == "flat":
        if wanted.code == "float32":
            return {}, []
        if wanted.code not in bits:
            raise NoEqual(f"it scans codes of 1, 2 or 4 bits alone, none like {wanted.code}")
        own = [] if wanted.code.startswith("osq") else [BBQ.format(wanted.code)]
        return {"method": {"name": "flat"}, "compression_level": f"{32 // bits[wanted.code]}x"}, own
    if wanted.code == "float32":
        return _hnsw("faiss", parameters, "flat", {}), []
    if wanted.code in bits or wanted.code in ("osq-7", "int8", "uint8", "scaled-int8", "float8"):
        own = [] if wanted.code.startswith("osq") else [INDEX_TYPES[wanted.code][1]]
        return _hnsw("lucene", parameters, "sq", {"bits": bits.get(wanted.code, 7)}), own
    raise NoEqual(f"it has nothing like {wanted.code}")


def _in_a_graph(wanted: Wanted, parameters: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what the mapping says of codes that it has in graphs alone, and how it differs."""
    if wanted.code == "binary":
        encoder = {"bits": 1, "enable_adc": not wanted.symmetric}
        return _hnsw("faiss", parameters, "binary", encoder), wanted.signs("its ADC rescales the bits", "mean")
    if wanted.code == "float16":
        return _hnsw("faiss", parameters, "sq", {"bits": 16}), []
    if wanted.store:
        raise NoEqual("its bytes are made outside; it has nothing finer to rescore with")
    return {"data_type": "byte", **_hnsw("lucene", parameters, "flat", {})}, [OUTSIDE]


def _hnsw(engine: str, parameters: dict[str, Any], encoder: str, options: dict[str, Any]) -> dict[str, Any]:
    encoded = {} if encoder == "flat" else {"encoder": {"name": encoder, "parameters": options}}
    return {"method": {"name": "hnsw", "engine": engine, "parameters": {**parameters, **encoded}}}
