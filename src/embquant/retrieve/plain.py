"""Search of the plain formats with NumPy and FAISS or USearch alone, for those who deploy without this library.

``plain_code`` returns Python that reads the files of a run and finds the same rows in the same order. It is made of the
functions here as they stand, so that what is printed, timed and tested is the same text.
"""

import inspect
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from usearch.index import Index as Graph
from usearch.index import MetricKind
from usearch.index import search as search_exactly

from embquant.files.atomic import read_json
from embquant.indexes.manifest import Manifest
from embquant.retrieve.retriever import Method, manifest_of


def in_order(scores: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    """Return the rows (queries, count) with the greatest scores, best first, ties by ascending row."""
    order = np.lexsort((rows, -scores), axis=-1)[:, :count]
    return np.take_along_axis(rows, order, axis=-1)


def nearest_bits(index: faiss.IndexBinary, thresholds: np.ndarray, queries: np.ndarray, count: int) -> np.ndarray:
    """Return the rows of the documents whose bits differ least from those of the queries."""
    distances, rows = index.search(np.packbits(queries > thresholds, axis=1), count)
    return in_order(-distances, rows, count)


def int8_queries(ranges: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Return the queries times the steps of the codes, as int8: their products with codes rank as dequantized codes."""
    weighted = queries * ((ranges[1] - ranges[0]) / 255)
    largest = np.abs(weighted).max(axis=1, keepdims=True)
    return np.rint(weighted * (127 / np.where(largest == 0, 1, largest))).astype(np.int8)


def nearest_int8(
    codes: np.ndarray, ranges: np.ndarray, queries: np.ndarray, count: int, threads: int, more: int = 16
) -> np.ndarray:
    """Return the rows of the int8 codes with the greatest products; more are found, until the last is no tie."""
    asked, deeper = int8_queries(ranges, queries), min(count + more, len(codes))
    found = search_exactly(codes, asked, deeper, MetricKind.IP, exact=True, threads=threads)
    scores, keys = -np.atleast_2d(found.distances), np.atleast_2d(found.keys).astype(np.int64)
    rows = in_order(scores, keys, count)
    if deeper < len(codes):
        for tied in np.flatnonzero(scores[:, count - 1] == scores[:, -1]):
            rows[tied] = nearest_int8(codes, ranges, queries[tied : tied + 1], count, threads, 2 * more)
    return rows


def nearest_linked(graph: Graph, ranges: np.ndarray, queries: np.ndarray, count: int, threads: int) -> np.ndarray:
    """Return the rows that USearch's graph of int8 codes finds, −1 where it finds no more."""
    found = graph.search(int8_queries(ranges, queries), count, threads=threads)
    keys, distances = np.atleast_2d(found.keys), np.atleast_2d(found.distances)
    places = np.arange(keys.shape[1]) < np.reshape(getattr(found, "counts", len(found.keys)), (-1, 1))
    scores, rows = np.full((len(queries), count), -np.inf), np.full((len(queries), count), -1)
    scores[:, : keys.shape[1]] = np.where(places, -distances, -np.inf)
    rows[:, : keys.shape[1]] = np.where(places, keys, -1)
    return in_order(scores, rows, count)


def stored_vectors(index: faiss.Index, kind: type) -> np.ndarray:
    """Return the vectors of a flat FAISS index of float32 or float16, where they lie: (documents, dim)."""
    size = np.dtype(kind).itemsize
    return faiss.rev_swig_ptr(index.codes.data(), index.ntotal * index.d * size).view(kind).reshape(-1, index.d)


def float_scores(vectors: np.ndarray, queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the inner products of queries (queries, dim) with the vectors at rows (queries, k), in float64."""
    return np.einsum("qd,qkd->qk", queries.astype(np.float64), vectors[rows].astype(np.float64))


def int8_scores(codes: np.ndarray, ranges: np.ndarray, queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the products of float queries with dequantized codes, but for what is the same for all rows."""
    return float_scores(codes, queries.astype(np.float64) * ((ranges[1] - ranges[0]) / 255), rows)


def bit_scores(bits: np.ndarray, queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the inner products of float queries with bits as −1 and 1."""
    signs = np.unpackbits(bits[rows], axis=-1, count=queries.shape[1]) * 2.0 - 1
    return np.einsum("qd,qkd->qk", queries.astype(np.float64), signs)


def nearest_vectors(
    index: faiss.Index, vectors: np.ndarray, queries: np.ndarray, count: int, more: int = 16
) -> np.ndarray:
    """Return the rows of the vectors with the greatest products; float64 settles what float32 can't tell apart."""
    deeper = min(count + more, len(vectors))
    scores, found = index.search(queries, deeper)
    rows = in_order(float_scores(vectors, queries, found), found, count)
    if deeper < len(vectors):
        lengths = np.linalg.norm(queries, axis=1) * np.linalg.norm(vectors[found[:, -1]].astype(np.float32), axis=1)
        for tied in np.flatnonzero(scores[:, count - 1] - scores[:, -1] <= 4e-6 * lengths):
            rows[tied] = nearest_vectors(index, vectors, queries[tied : tied + 1], count, 2 * more)
    return rows


Part = tuple[list[str], str, list[Callable[..., Any]]]
"""The lines that open files, the expression that searches or scores, and the functions that these need."""

SEARCHES: dict[tuple[str, str], Part] = {
    ("binary", "flat"): (
        ["index = faiss.read_index_binary({file})", 'thresholds = np.load({state})["thresholds"]'],
        "nearest_bits(index, thresholds, queries, {count})",
        [in_order, nearest_bits],
    ),
    ("int8", "flat"): (
        ["codes = usearch.io.load_matrix({file})", 'index_ranges = np.load({state})["ranges"]'],
        "nearest_int8(codes, index_ranges, queries, {count}, threads={threads})",
        [in_order, int8_queries, nearest_int8],
    ),
    ("int8", "hnsw"): (
        [
            "graph = Graph.restore({file})",
            "graph.expansion_search = {expansion}",
            'graph_ranges = np.load({state})["ranges"]',
        ],
        "nearest_linked(graph, graph_ranges, queries, {count}, threads={threads})",
        [in_order, int8_queries, nearest_linked],
    ),
    ("float32", "flat"): (
        ["index = faiss.read_index({file})", "indexed = stored_vectors(index, np.float32)"],
        "nearest_vectors(index, indexed, queries, {count})",
        [in_order, stored_vectors, float_scores, nearest_vectors],
    ),
    ("float16", "flat"): (
        ["index = faiss.read_index({file})", "indexed = stored_vectors(index, np.float16)"],
        "nearest_vectors(index, indexed, queries, {count})",
        [in_order, stored_vectors, float_scores, nearest_vectors],
    ),
}
"""Codec and index → the search for candidates."""

STORES: dict[str, Part] = {
    "binary": (
        [
            "bits = faiss.read_index_binary({file}, faiss.IO_FLAG_MMAP_IFC)",
            "store = faiss.rev_swig_ptr(bits.xb.data(), bits.ntotal * bits.code_size).reshape(bits.ntotal, -1)",
        ],
        "bit_scores(store, queries, rows)",
        [in_order, bit_scores],
    ),
    "int8": (
        ["store = usearch.io.load_matrix({file}, view=True)", 'ranges = np.load({state})["ranges"]'],
        "int8_scores(store, ranges, queries, rows)",
        [in_order, float_scores, int8_scores],
    ),
    "float32": (
        ["floats = faiss.read_index({file}, faiss.IO_FLAG_MMAP_IFC)", "store = stored_vectors(floats, np.float32)"],
        "float_scores(store, queries, rows)",
        [in_order, stored_vectors, float_scores],
    ),
}
"""Codec of a rescore store → the scores of candidates."""


SCORINGS = {"binary": "symmetric", "int8": "asymmetric", "float32": "asymmetric", "float16": "asymmetric"}
"""How queries are compared with codes where nothing else is asked for."""

FUNCTIONS = [
    *(in_order, int8_queries, nearest_bits, nearest_int8, nearest_linked),
    *(stored_vectors, float_scores, nearest_vectors, int8_scores, bit_scores),
]
"""All functions, each after those that it calls."""

EXPANSION = 64
"""How widely a graph is searched where nothing else is asked for, as in ``HnswSearch``, which graphs alone import."""

IMPORTS = """\
import faiss
import numpy as np
import usearch.io
from usearch.index import Index as Graph
from usearch.index import MetricKind
from usearch.index import search as search_exactly"""


def plain_code(method: Path, store: Path | None, top_k: int, multiplier: int, threads: int) -> str | None:
    """Return Python that defines ``search(queries)``, float32 (queries, dim) → rows, best first.

    Rows are (queries, min(top_k, documents)), −1 where a graph finds no more. ``method`` is the definition of a method,
    ``store`` the manifest of the store that rescores ``top_k × multiplier`` candidates. None if either is not of a
    plain format, or is of transformed vectors or a provider's codes.
    """
    definition, index = Method.read(method), Manifest.read(manifest_of(method))
    searched = SEARCHES.get((index.family, index.kind))
    if searched is None or definition.scoring != SCORINGS[index.family] or not _is_plain(manifest_of(method), index):
        return None
    values = {
        "count": min(top_k * multiplier, index.vectors),
        "threads": threads,
        "expansion": definition.search.get("expansion_search", EXPANSION),
    }
    opening, found, functions = _filled(searched, manifest_of(method), index, values)
    body = f"    return {found}"
    if store is not None:
        rescoring = Manifest.read(store)
        if rescoring.family not in STORES or not _is_plain(store, rescoring):
            return None
        more, scores, needed = _filled(STORES[rescoring.family], store, rescoring, values)
        if index.kind == "hnsw":
            scores = f"np.where(rows < 0, -np.inf, {scores})"
        opening, functions = [*opening, *more], [*functions, *needed]
        body = f"    rows = {found}\n    return in_order({scores}, rows, {min(top_k, index.vectors)})"
    texts = [inspect.getsource(function).rstrip() for function in FUNCTIONS if function in functions]
    wiring = "\n".join([f"faiss.omp_set_num_threads({threads})", *opening])
    return "\n\n\n".join([IMPORTS, *texts, wiring, f"def search(queries: np.ndarray) -> np.ndarray:\n{body}"]) + "\n"


def _is_plain(manifest: Path, described: Manifest) -> bool:
    """Tell whether codes are made of the vectors as they are, by their codec alone."""
    entry = read_json((manifest.parent / described.codec).with_suffix(".json"))
    return not {"transform", "codes"} & set(entry)


def _filled(part: Part, manifest: Path, described: Manifest, values: Mapping[str, Any]) -> Part:
    """Fill the files that ``manifest`` describes, and ``values``, into the lines of a search or a store."""
    lines, expression, functions = part
    paths = {"file": manifest.parent / described.file, "state": manifest.parent / described.codec}
    named = {name: json.dumps(os.path.normpath(path), ensure_ascii=False) for name, path in paths.items()}
    return [line.format(**named, **values) for line in lines], expression.format(**values), functions
