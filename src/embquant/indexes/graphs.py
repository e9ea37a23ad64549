"""Graphs and lists from files, checked before a search walks along them: libraries follow any edge, wherever it leads.

All functions raise a ValueError that says what is wrong.
"""

from pathlib import Path
from typing import Any

import faiss
import numpy as np

NODES_AT_ONCE = 1 << 16
"""Nodes that are looked at together: some 66 MiB."""

USEARCH_HEAD = np.dtype(
    [
        ("magic", "S7"),
        ("version", "<u2", 3),
        *((kind, "u1") for kind in ("metric", "scalar", "key", "slot")),
        *((count, "<u8") for count in ("present", "deleted", "dimensions")),
        ("multi", "u1"),
        ("reserved", "u1", 22),
    ]
)
USEARCH_GRAPH = np.dtype(
    [(name, "<u8") for name in ("size", "connectivity", "connectivity_base", "max_level", "entry")]
)
"""What stands between the vectors and the nodes of a USearch file of version 2 (``index_dense_serialized_state_t``,
``index_serialized_header_t`` in its ``index_dense.hpp`` and ``index.hpp``)."""

NODE_HEAD = 10
"""Bytes of a node's key and level."""


def check_usearch(path: Path, metric: int, scalar: int, dim: int, vector_bytes: int) -> None:
    """Check that a file is a whole USearch graph of keys 0, 1, … in order, each node of ``vector_bytes``."""
    content = np.memmap(path, np.uint8, "r")
    _require(len(content) >= 8, "it is too short")
    count, columns = map(int, content[:8].view("<u4"))
    start = 8 + count * columns
    _require(columns == vector_bytes, f"vectors of {columns} bytes, expected {vector_bytes}")
    _require(start + 104 <= len(content), "it is cut off")
    head = content[start : start + 64].view(USEARCH_HEAD)[0]
    kinds = [int(head[kind]) for kind in ("metric", "scalar", "key", "slot", "deleted", "multi")]
    _require(head["magic"] == b"usearch" and kinds == [metric, scalar, 14, 15, 0, 0], "it holds something else")
    _require(head["present"] == count and head["dimensions"] == dim, f"it holds {head['dimensions']} dimensions")
    graph = content[start + 64 : start + 104].view(USEARCH_GRAPH)[0]
    size, connectivity, base, max_level, entry = (int(value) for value in graph)
    _require(size == count, "it has not as many nodes as vectors")
    levels_end = start + 104 + 2 * count
    _require(levels_end <= len(content), "it is cut off")
    levels = content[start + 104 : levels_end].view("<i2").astype(np.int64)
    if count:
        _require(levels.min() >= 0 and entry < count and levels[entry] == levels.max() == max_level, "it has no way in")
    below, above = 4 * (1 + base), 4 * (1 + connectivity)
    _require(base < 1 << 16 and connectivity < 1 << 16, "its nodes have too many edges")
    ends = np.cumsum(NODE_HEAD + below + above * levels)
    _require(levels_end + (int(ends[-1]) if count else 0) == len(content), "its nodes have another size")
    starts = levels_end + ends - (NODE_HEAD + below + above * levels)
    for first in range(0, count, NODES_AT_ONCE):
        own = slice(first, first + NODES_AT_ONCE)
        keys = _gather(content, starts[own], 8).view("<u8")[:, 0]
        stated = _gather(content, starts[own] + 8, 2).view("<i2")[:, 0]
        _require(
            (keys == np.arange(first, first + len(keys))).all() and (stated == levels[own]).all(), "a node is none"
        )
        _check_edges(_gather(content, starts[own] + NODE_HEAD, below).view("<u4"), levels, 0)
    for level in range(1, max_level + 1 if count else 0):
        there = starts[levels >= level] + NODE_HEAD + below + (level - 1) * above
        for first in range(0, len(there), NODES_AT_ONCE):
            _check_edges(_gather(content, there[first : first + NODES_AT_ONCE], above).view("<u4"), levels, level)


def _check_edges(edges: np.ndarray, levels: np.ndarray, level: int) -> None:
    """Check edges uint32 (nodes, 1 + most), the first of which is their number, that lead to nodes of this level."""
    counts, slots = edges[:, 0], edges[:, 1:]
    _require((counts <= slots.shape[1]).all(), "a node has too many edges")
    used = slots[np.arange(slots.shape[1]) < counts[:, None]]
    _require((used < len(levels)).all() and (levels[used] >= level).all(), "an edge leads nowhere")


def _gather(content: np.ndarray, starts: np.ndarray, width: int) -> np.ndarray:
    return np.ascontiguousarray(content[starts[:, None] + np.arange(width)])


def check_faiss_graph(index: Any) -> None:
    """Check the edges of a FAISS ``IndexBinaryHNSW``, and that it has a code for every node."""
    hnsw, count = index.hnsw, index.ntotal
    storage = faiss.downcast_IndexBinary(index.storage)
    _require(isinstance(storage, faiss.IndexBinaryFlat) and storage.d == index.d, "its codes are of another kind")
    _require(storage.ntotal == count and storage.xb.size() == count * index.code_size, "it lacks codes")
    levels, offsets, places = (
        faiss.vector_to_array(vector).astype(np.int64)
        for vector in (hnsw.levels, hnsw.offsets, hnsw.cum_nneighbor_per_level)
    )
    _require(len(levels) == count and len(offsets) == count + 1 and len(places) > 1, "it lacks nodes")
    if not count:
        return
    _require(levels.min() >= 1 and levels.max() < len(places), "a node has no level")
    _require(places[0] == 0 and (np.diff(places) >= 0).all(), "its levels are in disorder")
    _require(offsets[0] == 0 and (np.diff(offsets) == places[levels]).all(), "its nodes have another size")
    _require(hnsw.neighbors.size() == offsets[-1], "it lacks edges")
    _require(0 <= hnsw.entry_point < count and levels[hnsw.entry_point] == levels.max(), "it has no way in")
    _require(hnsw.max_level == levels.max() - 1, "it has no way in")
    edges = faiss.rev_swig_ptr(hnsw.neighbors.data(), hnsw.neighbors.size())
    _require(edges.min(initial=-1) >= -1 and edges.max(initial=-1) < count, "an edge leads nowhere")
    for level in range(1, hnsw.max_level + 1):
        width = np.arange(places[level], places[level + 1])
        used = edges[offsets[:-1][levels > level][:, None] + width]
        _require((levels[used[used >= 0]] > level).all(), "an edge leads nowhere")


def check_lists(index: Any, bits: bool) -> None:
    """Check that the lists of a FAISS IVF index hold each document once, and that it finds a list's centroid."""
    lists = index.invlists
    quantizer = faiss.downcast_IndexBinary(index.quantizer) if bits else faiss.downcast_index(index.quantizer)
    kind = faiss.IndexBinaryFlat if bits else faiss.IndexFlatIP
    _require(type(quantizer) is kind and quantizer.d == index.d, "its centroids are of another kind")
    _require(quantizer.ntotal == index.nlist == lists.nlist and lists.code_size == index.code_size, "it lacks lists")
    _require(bits or index.metric_type == faiss.METRIC_INNER_PRODUCT, "its scores are no inner products")
    sizes = [(number, lists.list_size(number)) for number in range(index.nlist)]
    found = [faiss.rev_swig_ptr(lists.get_ids(number), size) for number, size in sizes if size]
    rows = np.sort(np.concatenate([np.zeros(0, np.int64), *found]))
    _require(np.array_equal(rows, np.arange(index.ntotal)), "its lists don't hold each document once")


def _require(holds: bool | np.bool_, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
