"""zvec, in Python."""

from typing import Any

from embquant.engines.zvec_words import MOST_CANDIDATES
from embquant.report.databases.base import Equal, NoEqual, Wanted
from embquant.study.method import StudyMethod

CLUSTERS = 16
"""Those that RaBitQ in a graph has by default."""
MOST_BITS = 8
"""The most that this project's RaBitQ has."""
OWN_RANGE = "a range per vector"
QUANTIZERS = {
    "float32": ("", ""),
    "float16": ("FP16", ""),
    **dict.fromkeys(["int8", "unit-int8", "uint8", "float8"], ("INT8", OWN_RANGE)),
    "scaled-int8": ("INT8", "a range per vector instead of a scale"),
    "int4": ("INT4", OWN_RANGE),
    **{f"rabitq-{bits}": ("RABITQ", "") for bits in range(1, MOST_BITS + 1)},
    "binary": ("RABITQ", "RaBitQ of 1 bit instead of signs"),
}
"""What zvec calls its quantizers, and how they differ."""


def equal(wanted: Wanted) -> Equal:
    """Return Python that makes the collection of ``vectors``, float32 (n, dim), and searches it by ``query``."""
    quantizer, differs = wanted.quantizer(QUANTIZERS)
    _, more = wanted.originals({"float32": "float32"})
    if quantizer == "INT4" and wanted.dim % 2:
        raise NoEqual("its INT4 takes an even number of dimensions")
    if quantizer == "RABITQ" and not 64 <= wanted.dim < 4096:
        raise NoEqual("its RaBitQ takes 64 to 4095 dimensions")
    kind, built, asked = _index(wanted, quantizer)
    column = f'zvec.VectorSchema("embedding", zvec.DataType.VECTOR_FP32, {wanted.dim}, index_param=index)'
    how = [f"how = zvec.{kind}QueryParam({', '.join(asked)})"] if asked else []
    param = ", param=how" if asked else ""
    lines = [
        "import zvec",
        f"index = zvec.{kind}IndexParam({', '.join(['metric_type=zvec.MetricType.IP', *built])})",
        f"column = {column}",
        'schema = zvec.CollectionSchema("documents", vectors=column)',
        'collection = zvec.create_and_open("documents", schema)',
        "for first in range(0, len(vectors), 1000):",
        "    some = enumerate(vectors[first : first + 1000], first)",
        '    collection.insert([zvec.Doc(id=str(row), vectors={"embedding": vector}) for row, vector in some])',
        "collection.optimize()",
        *how,
        f'asked = lambda query: zvec.Query("embedding", vector=query{param})',
        f"rows = [int(document.id) for document in collection.query(asked(query), topk={wanted.top_k})]",
    ]
    return Equal("\n".join(lines), [*differs, *more])


def understood(method: StudyMethod, dim: int, top_k: int) -> Wanted:
    """Return what a method of the kind ``zvec`` does."""
    build, search = method.build, method.search
    if build.enable_rotate or build.num_clusters != CLUSTERS or build.total_bits > MOST_BITS:
        raise NoEqual("enable_rotate, other num_clusters and RaBitQ of 9 bits are zvec's alone")
    if search.is_using_refiner and int(search.scale_factor or 0) != search.scale_factor:
        raise NoEqual("search doesn't say scale_factor, or it is no whole number")
    families = {None: "float32", "FP16": "float16", "INT8": "scaled-int8", "INT4": "int4"}
    codec: dict[str, Any] = {"family": families[build.quantize_type]}
    if build.is_rabitq:
        codec = {"family": "rabitq", "bits": build.total_bits}
    deeper = int(search.scale_factor or 1) if search.is_using_refiner else 1
    graph = build.index.startswith("hnsw")
    return Wanted.said(
        codec,
        dim,
        top_k,
        store="float32" if search.is_using_refiner else None,
        index="hnsw" if graph else "ivf" if (build.lists or 1) > 1 else "flat",
        graph=(build.m, build.ef_construction, search.ef or 300),
        lists=(build.lists or 1, search.nprobe or 10),
        multiplier=deeper,
    )


def _index(wanted: Wanted, quantizer: str) -> tuple[str, list[str], list[str]]:
    """Return how the names of an index's classes begin, and what it is built and searched with.

    Where all is scanned it is a flat index, or one list, which has all: only lists have RaBitQ or a refiner.
    """
    edges, compared, kept = wanted.graph
    lists, searched = wanted.lists if wanted.index == "ivf" else (1, 1)
    rabitq = quantizer == "RABITQ"
    bits = 1 if wanted.code == "binary" else getattr(wanted.codec.parameters, "bits", 0)
    built = [f"total_bits={bits}"] if rabitq else [f"quantize_type=zvec.QuantizeType.{quantizer}"] if quantizer else []
    again = [f"is_using_refiner=True, scale_factor={wanted.multiplier}"] if wanted.store else []
    if wanted.index == "hnsw":
        if kept > MOST_CANDIDATES:
            raise NoEqual(f"its graph keeps at most {MOST_CANDIDATES:,} candidates, {kept:,} are more")
        kind = "HnswRabitq" if rabitq else "Hnsw"
        return kind, [f"m={edges}", f"ef_construction={compared}", *built], [f"ef={kept}", *again]
    if wanted.index == "flat" and not rabitq and not again:
        return "Flat", built, []
    count = f"nlist={lists}" if rabitq else f"n_list={lists}"
    return "IvfRabitq" if rabitq else "IVF", [count, *built], [f"nprobe={searched}", *again]
