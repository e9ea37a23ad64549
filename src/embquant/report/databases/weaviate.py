"""Weaviate, in Python, for its client."""

from embquant.report.databases.base import Equal, NoEqual, Wanted

RANGE = "rotated, with a range per vector"
QUANTIZERS = {
    "float32": ("", ""),
    "binary": ("bq", ""),
    **dict.fromkeys(["int8", "uint8", "unit-int8", "scaled-int8", "float8", "osq-7"], ("rq(bits=8", RANGE)),
    **{
        f"{family}-1": ("rq(bits=1", f"its RQ instead of {family}")
        for family in ("rabitq", "eden", "turboquant", "osq")
    },
    "pq": ("pq", ""),
    "scaled-pq": ("pq", "no factor per vector"),
}


def equal(wanted: Wanted) -> Equal:
    """Return Python that makes the collection, and searches it by ``query``, a list of floats."""
    quantizer, differs = wanted.quantizer(QUANTIZERS)
    if wanted.code == "binary":
        differs += wanted.signs()
    _, more = wanted.originals({"float32": "float32"})
    index = "flat" if wanted.index == "flat" else "hnsw"
    options = ["distance_metric=VectorDistances.DOT"]
    if index == "hnsw":
        edges, compared, kept = wanted.graph
        options += [f"max_connections={edges}", f"ef_construction={compared}", f"ef={kept}"]
    if quantizer:
        options.append(f"quantizer=Configure.VectorIndex.Quantizer.{_quantizer(wanted, quantizer)}")
    lines = [
        "import weaviate",
        "from weaviate.classes.config import Configure, VectorDistances",
        "client = weaviate.connect_to_local()",
        f"index = Configure.VectorIndex.{index}(",
        *(f"    {option}," for option in options),
        ")",
        "documents = client.collections.create(",
        '    "Documents", vector_config=Configure.Vectors.self_provided(vector_index_config=index)',
        ")",
        f"found = documents.query.near_vector(query, limit={wanted.top_k})",
    ]
    return Equal("\n".join(lines), [*differs, *more, *wanted.without_lists()])


def _quantizer(wanted: Wanted, quantizer: str) -> str:
    """Return the call that makes a quantizer; it rescores as many candidates as are wanted."""
    rescored = f"rescore_limit={wanted.candidates if wanted.store else 0}"
    if quantizer == "pq":
        if wanted.index == "flat" or wanted.codec.parameters.bits != 8:
            raise NoEqual("it has product quantizers in graphs alone, with 8 bits per piece")
        return f"pq(segments={wanted.pieces}, centroids=256)"
    return f"bq({rescored})" if quantizer == "bq" else f"{quantizer}, {rescored})"
