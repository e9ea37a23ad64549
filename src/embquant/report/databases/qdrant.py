"""Qdrant's collection and query, as its REST interface takes them."""

from typing import Any

from embquant.report.databases.base import QUERY, Equal, NoEqual, Wanted, request
from embquant.study.method import StudyMethod

ONE_RANGE = "one range for all dimensions"
SCALAR = {"scalar": {"type": "int8", "quantile": 1.0, "always_ram": True}}
QUANTIZERS: dict[str, tuple[Any, str]] = {
    "float32": (None, ""),
    "float16": (None, ""),
    "bfloat16": (None, "float16 instead of bfloat16"),
    **dict.fromkeys(["float8", "int8", "unit-int8", "scaled-int8", "uint8", "osq-7"], (SCALAR, ONE_RANGE)),
    **{
        f"{family}-{bits}": (
            {"turbo": {"bits": f"bits{bits}", "always_ram": True}},
            "Qdrant's variant of TurboQuant" if family == "turboquant" else f"TurboQuant instead of {family}",
        )
        for family in ("turboquant", "eden", "rabitq", "osq")
        for bits in (1, 2, 4)
    },
    "int4": ({"turbo": {"bits": "bits4", "always_ram": True}}, "TurboQuant instead of equal steps"),
}
COMPRESSIONS = (4, 8, 16, 32, 64)


def equal(wanted: Wanted) -> Equal:
    """Return the collection, and the query that searches it."""
    quantization, differs = _quantization(wanted)
    datatype, more = wanted.originals({"float16": "float16", "float32": "float32"})
    if wanted.code in ("float16", "bfloat16"):
        datatype = "float16"
    edges, compared, kept = wanted.graph
    vectors: dict[str, Any] = {"size": wanted.dim, "distance": "Dot", "datatype": datatype}
    params: dict[str, Any] = {"exact": True}
    if wanted.index != "flat":
        params = {"hnsw_ef": kept}
    body: dict[str, Any] = {"vectors": vectors, "hnsw_config": {"m": edges, "ef_construct": compared}}
    if quantization:
        vectors["on_disk"] = True
        body["quantization_config"] = quantization
        params.pop("exact", None)  # an exact search would be one of the originals
        params["quantization"] = {"rescore": wanted.store is not None, "oversampling": float(wanted.multiplier)}
    if wanted.index == "flat":
        body["hnsw_config"] = {"m": 0}
    create = request("PUT /collections/documents", body)
    query = {"query": QUERY, "limit": wanted.top_k, "params": params}
    search = request("POST /collections/documents/points/query", query)
    return Equal(f"{create}\n\n{search}", [*differs, *more, *wanted.without_lists()])


def understood(method: StudyMethod, dim: int, top_k: int) -> Wanted:
    """Return what a method of the kind ``qdrant`` does."""
    build, search = method.build, method.search
    codec: dict[str, Any] | None = {"family": "float32"}
    own: dict[str, Any] = {}
    if build.quantization is not None and not search.exact:
        own = build.quantization.model_dump(exclude_none=True)
        codec = _codec(own, dim)
        if search.rescore is None or int(search.oversampling or 1) != (search.oversampling or 1):
            raise NoEqual("search doesn't say whether Qdrant rescores, or doesn't take a whole number of times as many")
    graph = 0 if search.exact else build.hnsw_config.m
    again = bool(search.rescore and own)
    words = own.get("binary", {})
    deeper = int(search.oversampling or 1) if again else 1
    return Wanted.said(
        codec or {"family": "float32"},
        dim,
        top_k,
        store="float32" if again else None,
        index="hnsw" if graph else "flat",
        graph=(graph, build.hnsw_config.ef_construct, search.hnsw_ef or build.hnsw_config.ef_construct),
        multiplier=deeper,
        symmetric=words.get("query_encoding", "scalar8bits") != "scalar8bits",
        own=None if codec else own,
    )


def _codec(quantization: dict[str, Any], dim: int) -> dict[str, Any] | None:
    """Return the entry of the codec that Qdrant's quantizer is most like; None if there is none."""
    ((name, words),) = quantization.items()
    if name == "scalar" and words.get("quantile") == 1:
        return {"family": "int8"}
    if name == "scalar" and "quantile" in words:
        return {"family": "int8", "ranges": "percentile", "percentile": 50 * (1 + words["quantile"])}
    if name == "binary" and words["encoding"] == "one_bit" and words["query_encoding"] != "scalar4bits":
        return {"family": "binary"}
    if name == "product" and 4 * dim % (ratio := int(words["compression"][1:])) == 0:
        return {"family": "pq", "pieces": 4 * dim // ratio}
    if name == "turboquant" and words["bits"] in ("bits1", "bits2", "bits4"):
        return {"family": "turboquant", "bits": int(words["bits"][4:])}
    return None


def _quantization(wanted: Wanted) -> tuple[Any, list[str]]:
    if wanted.own:
        ((name, words),) = wanted.own.items()
        return {name.replace("turboquant", "turbo"): {**words, "always_ram": True}}, []
    if wanted.code in ("pq", "scaled-pq"):
        ratio, rest = divmod(4 * wanted.dim, wanted.pieces)
        if rest or ratio not in COMPRESSIONS or wanted.codec.parameters.bits != 8:
            raise NoEqual("its product quantizer makes vectors 4, 8, 16, 32 or 64 times smaller, with 8 bits per piece")
        more = ["no factor per vector"] if wanted.code == "scaled-pq" else []
        return {"product": {"compression": f"x{ratio}", "always_ram": True}}, more
    if wanted.code == "binary":
        rounded = {} if wanted.symmetric else {"query_encoding": "scalar8bits"}
        return {"binary": {"always_ram": True, **rounded}}, wanted.signs("queries are rounded to 8 bits")
    found, differs = wanted.quantizer(QUANTIZERS)
    if wanted.code == "int8" and wanted.codec.parameters.ranges == "percentile":
        quantile = round(wanted.codec.parameters.percentile / 50 - 1, 6)  # the share of values between both ends
        return {"scalar": {**found["scalar"], "quantile": quantile}}, differs
    return found, differs
