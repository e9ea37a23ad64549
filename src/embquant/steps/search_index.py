"""The command ``search-index``."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa

from embquant.errors import InapplicableError
from embquant.exact.subsets import Subsets
from embquant.exact.threads import limit_threads
from embquant.exact.topk import without_rows
from embquant.files.inapplicable import mark_inapplicable, passed_on
from embquant.files.parquet import read_embeddings
from embquant.indexes.base import Index
from embquant.indexes.manifest import open_index
from embquant.retrieve.candidates import as_table, check_scores, read_own_rows, write_candidates
from embquant.retrieve.retriever import Method, manifest_of
from embquant.retrieve.subsets import noted, read_subsets, searched_subsets

log = logging.getLogger(__name__)


def search_index(
    *,
    method_file: Annotated[Path, "definition of the method"],
    query_vectors: Annotated[Path, "query embeddings"],
    queries: Annotated[Path | None, "queries of the dataset, which name their own documents"] = None,
    corpus: Annotated[Path | None, "documents of the dataset, of which subsets are chosen"] = None,
    qrels: Annotated[Path | None, "judgements of the dataset; all subsets have the judged documents"] = None,
    depths: Annotated[Sequence[int], "search depths: candidates per query"],
    growth: Annotated[Mapping[str, Any], "halvings, seed and depth of subsets that are searched as well"] = {},
    threads: Annotated[int, "threads of the search"] = 1,
    output: Annotated[Path, "candidates (Parquet)"],
) -> None:
    """Find the candidates of each query.

    An index whose results for a smaller depth are a prefix of those for a larger one is searched once, at the largest
    of ``depths``; any other index at each of them. A query's own document is left out: where ``queries`` names one,
    each search goes one deeper. Where scores aren't numbers, the file of candidates says so. With ``growth``, a flat
    index is also searched in nested subsets of the corpus, to show how results change as it grows.
    """
    if passed_on(method_file, output):
        return
    method = Method.read(method_file)
    # Mapped: each code is read once, so that memory doesn't grow with the corpus.
    codec, index = open_index(manifest_of(method_file), threads, method.search, mapped=True)
    vectors = read_embeddings(query_vectors, codec.input_dim)
    own_rows = read_own_rows(queries, len(vectors))
    searched = sorted(set(depths))[-1 if index.prefix_stable else 0 :]
    subsets = read_subsets(growth, corpus, qrels, len(index))
    with limit_threads(threads):
        encoded = codec.encode_queries(vectors, method.scoring)
        try:
            found = _searched(index, encoded, searched, own_rows, subsets)
            write_candidates(output, found, {"depths": searched, **noted(subsets)})
        except InapplicableError as error:
            mark_inapplicable(str(error), output)
            log.warning("left out: %s", error)
            return
    log.info("%s: %d queries searched to depth %d", method.name, len(vectors), searched[-1])


def _searched(
    index: Index[Any],
    queries: np.ndarray,
    depths: Sequence[int],
    own_rows: np.ndarray | None,
    subsets: Subsets | None,
) -> Iterator[pa.Table]:
    """Yield what is found at each depth, and then in each subset."""
    for depth in depths:
        if own_rows is None:
            scores, rows = index.search_reproducibly(queries, depth)
        else:
            scores, rows = without_rows(*index.search_reproducibly(queries, depth + 1), own_rows, depth)
        if rows.shape[1] < depth:
            log.info("depth %d is beyond the corpus and clipped to its %d documents", depth, rows.shape[1])
        check_scores(scores, rows)
        yield as_table(scores, rows)
    yield from searched_subsets(index, queries, subsets, own_rows, (scores, rows))
