"""The command ``search-part``."""

import logging
from pathlib import Path
from typing import Annotated

import numpy as np

from embquant.entries import nearest
from embquant.errors import InapplicableError, InputError
from embquant.exact.threads import limit_threads
from embquant.files.inapplicable import mark_inapplicable, passed_on
from embquant.files.parquet import part_rows, read_embeddings, write_parquet
from embquant.indexes.manifest import open_store
from embquant.retrieve.candidates import SCHEMA, as_table, check_scores, read_own_rows

log = logging.getLogger(__name__)


def search_part(
    *,
    store: Annotated[Path, "manifest of the store that has the codes"],
    part: Annotated[int, "which part of the corpus, from 0"],
    parts: Annotated[int, "number of parts"],
    query_vectors: Annotated[Path, "query embeddings"],
    queries: Annotated[Path | None, "queries of the dataset, which name their own documents"] = None,
    scoring: Annotated[str | None, "symmetric or asymmetric (default: the codec's first)"] = None,
    depth: Annotated[int, "number of candidates asked for"],
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
        found = "aren't scanned exactly, so parts would find others; use search-index"
        raise InputError(f"{store}: {codec.family} codes {found}")
    scoring = scoring or codec.scorings[0]
    if scoring not in codec.scorings:
        raise InputError(f"{codec.family} codes have no scoring {scoring!r}{nearest(scoring, codec.scorings)}")
    encoded = codec.encode_queries(read_embeddings(query_vectors, codec.input_dim), scoring)
    depth += read_own_rows(queries, len(encoded)) is not None
    start, stop = part_rows(len(index), part, parts)
    scores, rows = np.empty((len(encoded), 0)), np.empty((len(encoded), 0), np.int64)
    try:
        if start < stop:  # a part is empty if there are more parts than documents
            with limit_threads(threads):
                scores, rows = index.part(start, stop).search_reproducibly(encoded, depth)
        check_scores(scores, rows)
    except InapplicableError as error:
        mark_inapplicable(str(error), output, kept=False)
        log.warning("left out: %s", error)
        return
    metadata = {"depths": [depth], "documents": stop - start}
    write_parquet(output, SCHEMA, [as_table(scores, rows)], metadata, kept=False)
    log.info("%d queries searched among %d documents to depth %d", len(encoded), stop - start, depth)
