"""LanceDB, in Python."""

from typing import Any

from embquant.engines.lancedb_words import PQ_BITS
from embquant.report.databases.base import Equal, NoEqual, Wanted
from embquant.study.method import StudyMethod

ONE_RANGE = "one range for all dimensions"
QUANTIZERS = {
    "float32": ("FLAT", ""),
    "float16": ("FLAT", ""),
    **dict.fromkeys(["int8", "unit-int8", "scaled-int8", "uint8", "float8"], ("SQ", ONE_RANGE)),
    **{f"rabitq-{bits}": ("RQ", "") for bits in (1, 2, 4, 8)},
    "binary": ("RQ", "RaBitQ of 1 bit instead of signs"),
    "pq": ("PQ", ""),
    "scaled-pq": ("PQ", "no factor per vector"),
}


def equal(wanted: Wanted) -> Equal:
    """Return Python that makes the table of ``vectors``, float32 (n, dim), and searches it by ``query``."""
    quantizer, differs = wanted.quantizer(QUANTIZERS)
    number, more = wanted.originals({"float16": "float16", "float32": "float32"})
    if wanted.code == "float16":
        number = "float16"
    lines = [
        "import lancedb",
        "import pyarrow as pa",
        f'numbers = pa.array(vectors.astype("{number}").ravel(), pa.{number}())',
        f"column = pa.FixedSizeListArray.from_arrays(numbers, {wanted.dim})",
        'columns = pa.table({"id": pa.array(range(len(vectors))), "vector": column})',
        'table = lancedb.connect("database").create_table("documents", columns)',
    ]
    search = ['table.search(query, "vector")']
    if (wanted.index, quantizer) == ("flat", "FLAT"):
        search.append('distance_type("dot")')
    else:
        config, options = _index(wanted, quantizer)
        lines.insert(1, f"from lancedb.index import {config}")
        lines.append(f'table.create_index("vector", config={config}({options}))')
        search.append(f"nprobes({wanted.lists[1]})")
        if wanted.index == "hnsw":
            search.append(f"ef({wanted.graph[2]})")
    if wanted.store is not None:
        search.append(f"refine_factor({wanted.multiplier})")
    lines.append(f'rows = {".".join(search)}.limit({wanted.top_k}).to_arrow()["id"].to_pylist()')
    return Equal("\n".join(lines), [*differs, *more])


def understood(method: StudyMethod, dim: int, top_k: int) -> Wanted:
    """Return what a method of the kind ``lancedb`` does."""
    build, search = method.build, method.search
    if build.index_type is None or search.bypass_vector_index:
        return Wanted.said({"family": "float32"}, dim, top_k)
    graph, _, quantizer = build.index_type.removeprefix("IVF_").rpartition("_")
    if build.num_partitions is None or search.nprobes is None or (graph and not (build.m and build.ef_construction)):
        raise NoEqual("LanceDB chooses what build and search leave out: num_partitions and nprobes, m, ef_construction")
    codec: dict[str, Any] = {"family": {"FLAT": "float32", "SQ": "int8", "PQ": "pq", "RQ": "rabitq"}[quantizer]}
    if quantizer == "PQ":
        codec |= {"pieces": build.pieces(dim), "bits": build.num_bits or 8}
    if quantizer == "RQ":
        codec["bits"] = build.num_bits or 1
    deeper = search.refine_factor or 1
    index = "hnsw" if graph else "flat" if build.num_partitions == 1 and quantizer != "FLAT" else "ivf"
    return Wanted.said(
        codec,
        dim,
        top_k,
        store="float32" if search.refine_factor else None,
        index=index,
        graph=(build.m, build.ef_construction, search.ef or 1),
        lists=(build.num_partitions, search.nprobes),
        multiplier=deeper,
    )


def _index(wanted: Wanted, quantizer: str) -> tuple[str, str]:
    """Return what configures an index, and its options; one list, which has all, where all is scanned."""
    graph = wanted.index == "hnsw"
    if graph and quantizer == "RQ":
        raise NoEqual("it has no graph of RaBitQ's codes")
    options = ['distance_type="dot"', f"num_partitions={wanted.lists[0]}"]
    if graph:
        edges, compared, _ = wanted.graph
        options += [f"m={edges}", f"ef_construction={compared}"]
    if quantizer == "PQ":
        if wanted.codec.parameters.bits not in PQ_BITS:
            raise NoEqual("its product quantizer has 4 or 8 bits per piece")
        if wanted.codec.parameters.bits == PQ_BITS[0] and wanted.pieces % 2:
            raise NoEqual(f"its product quantizer of 4 bits has an even number of pieces, {wanted.pieces} is odd")
        options += [f"num_sub_vectors={wanted.pieces}", f"num_bits={wanted.codec.parameters.bits}"]
    if quantizer == "RQ":
        if wanted.dim % 8:
            raise NoEqual("its RaBitQ takes vectors of a multiple of 8 dimensions")
        options.append(f"num_bits={1 if wanted.code == 'binary' else wanted.codec.parameters.bits}")
    return f"{'Hnsw' if graph else 'Ivf'}{quantizer.capitalize()}", ", ".join(options)
