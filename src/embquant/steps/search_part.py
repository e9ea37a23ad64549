"""The command ``search-part``."""

import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np

from embquant.entries import nearest
from embquant.errors import InputError
from embquant.exact.threads import limit_threads
from embquant.files.parquet import count_rows, read_embeddings, read_matrices, write_parquet
from embquant.files.scratch import scratch_folder
from embquant.indexes import index_class
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import Codec, load_codec
from embquant.retrieve.candidates import SCHEMA, as_table

log = logging.getLogger(__name__)


def search_part(
    *,
    state: Annotated[Path, "state of the fitted codec"],
    codes: Annotated[Path, "codes of the part (float32: its embeddings)"],
    query_vectors: Annotated[Path, "query embeddings"],
    scoring: Annotated[str | None, "symmetric or asymmetric (default: the codec's first)"] = None,
    depth: Annotated[int, "number of candidates asked for"],
    threads: Annotated[int, "threads of the search"] = 1,
    output: Annotated[Path, "candidates, by their rows in the part (Parquet)"],
) -> None:
    """Find the candidates of each query in one part of the corpus.

    Scores are those of ``search-index``, which searches an index of the whole corpus.
    """
    codec = load_codec(state)
    scoring = scoring or codec.scorings[0]
    if scoring not in codec.scorings:
        raise InputError(f"{codec.family} codes have no scoring {scoring!r}{nearest(scoring, codec.scorings)}")
    queries = read_embeddings(query_vectors, codec.input_dim)
    rows = count_rows([codes])
    part = Batches(lambda: read_matrices([codes], codec.column, codec.code_type), rows, codec.width)
    output.parent.mkdir(parents=True, exist_ok=True)
    place = scratch_folder() or output.parent
    with limit_threads(threads), TemporaryDirectory(dir=place, prefix=".part-") as folder:
        encoded = codec.encode_queries(queries, scoring)
        found = _searched(codec.core, part, encoded, depth, Path(folder), threads)
    write_parquet(output, SCHEMA, [as_table(*found)], {"depths": [depth], "documents": part.rows})
    log.info("%d queries searched among %d documents to depth %d", len(queries), part.rows, depth)


def _searched(
    codec: Codec, codes: Batches, queries: np.ndarray, depth: int, folder: Path, threads: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and rows (queries, min(depth, documents)) of ``codes``, put into a flat index for the while.

    The index, mapped from disk, is the codec's own kind, so that scores are what a search of the whole corpus gives.
    """
    if codes.rows == 0:  # of more parts than documents
        return np.empty((len(queries), 0)), np.empty((len(queries), 0), np.int64)
    kind = index_class(codec.family, "flat")
    path = folder / f"part{kind.suffix}"
    kind.build(codec, codes, path, kind.build_parameters())
    index = kind.open(path, codec, threads, kind.search_parameters(), mapped=True)
    return index.search_reproducibly(queries, depth)
