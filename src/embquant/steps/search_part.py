"""The command ``search-part``."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa

from embquant.entries import nearest
from embquant.errors import InapplicableError, InputError
from embquant.exact.subsets import Subsets
from embquant.exact.threads import limit_threads
from embquant.files.inapplicable import mark_inapplicable, passed_on
from embquant.files.parquet import part_rows, read_embeddings
from embquant.indexes.base import FlatIndex
from embquant.indexes.manifest import open_store
from embquant.retrieve.candidates import as_table, check_scores, read_own_rows, write_candidates
from embquant.retrieve.subsets import noted, read_subsets, searched_subsets

log = logging.getLogger(__name__)


def search_part(
    *,
    store: Annotated[Path, "manifest of the store that has the codes"],
    part: Annotated[int, "which part of the corpus, from 0"],
    parts: Annotated[int, "number of parts"],
    query_vectors: Annotated[Path, "query embeddings"],
    queries: Annotated[Path | None, "queries of the dataset, which name their own documents"] = None,
    corpus: Annotated[Path | None, "documents of the dataset, of which subsets are chosen"] = None,
    qrels: Annotated[Path | None, "judgements of the dataset; all subsets have the judged documents"] = None,
    scoring: Annotated[str | None, "symmetric or asymmetric (default: the codec's first)"] = None,
    depth: Annotated[int, "number of candidates asked for"],
    growth: Annotated[Mapping[str, Any], "halvings, seed and depth of subsets that are searched as well"] = {},
    threads: Annotated[int, "threads of the search"] = 1,
    output: Annotated[Path, "candidates, by their rows in the part (Parquet)"],
) -> None:
    """Find the candidates of each query in one part of the corpus.

    Scores are those of ``search-index``, which searches the whole corpus. The codes stay on disk: each is read once.
    Where ``queries`` names a query's own document, which ``merge-candidates`` leaves out, the search goes one deeper.
    """
    if passed_on(store, output, kept=False):
        return
    codec, index = open_store(store, threads, copied=False)
    if not index.is_exact:
        wrong = "aren't scanned exactly, so parts would find others; use search-index"
        raise InputError(f"{store}: {codec.family} codes {wrong}")
    scoring = scoring or codec.scorings[0]
    if scoring not in codec.scorings:
        raise InputError(f"{codec.family} codes have no scoring {scoring!r}{nearest(scoring, codec.scorings)}")
    encoded = codec.encode_queries(read_embeddings(query_vectors, codec.input_dim), scoring)
    one_deeper = read_own_rows(queries, len(encoded)) is not None
    depth += one_deeper
    start, stop = part_rows(len(index), part, parts)
    subsets = read_subsets(growth, corpus, qrels, len(index))
    if subsets:
        subsets = replace(subsets.part(start, stop), depth=subsets.depth + one_deeper)
    try:
        with limit_threads(threads):
            tables = [*_searched(index.part(start, stop), encoded, depth, subsets)]
    except InapplicableError as error:
        mark_inapplicable(str(error), output, kept=False)
        log.warning("left out: %s", error)
        return
    metadata = {"depths": [depth], "documents": stop - start, **noted(subsets)}
    write_candidates(output, tables, metadata, kept=False)
    log.info("%d queries searched among %d documents to depth %d", len(encoded), stop - start, depth)


def _searched(part: FlatIndex[Any], queries: np.ndarray, depth: int, subsets: Subsets | None) -> Iterator[pa.Table]:
    """Yield what is found in the part, and in its rows of each subset."""
    if len(part):
        scores, rows = part.search_reproducibly(queries, depth)
    else:  # there are more parts than documents
        scores, rows = np.empty((len(queries), 0)), np.empty((len(queries), 0), np.int64)
    check_scores(scores, rows)
    yield as_table(scores, rows)
    yield from searched_subsets(part, queries, subsets, None, (scores, rows))
