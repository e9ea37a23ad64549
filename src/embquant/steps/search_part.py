"""``search-part``: find each query's candidates among one part of a corpus, without an index of the whole."""

import argparse
import logging
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from threadpoolctl import threadpool_limits

from embquant.entries import nearest
from embquant.errors import InputError
from embquant.files.parquet import count_rows, read_embeddings, read_matrices, write_parquet
from embquant.files.scratch import scratch_folder
from embquant.indexes import index_class, suffix
from embquant.indexes.base import Codes
from embquant.quantize.codecs.base import Codec, load_codec
from embquant.retrieve.candidates import SCHEMA, as_table

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``search-part``."""
    parser.add_argument("--codec", required=True, type=Path, help="state of the fitted codec")
    parser.add_argument("--codes", required=True, type=Path, help="codes of the part (float32: its embeddings)")
    parser.add_argument("--queries", required=True, type=Path, help="query embeddings")
    parser.add_argument("--scoring", help="symmetric or asymmetric (default: the codec's first)")
    parser.add_argument("--depth", required=True, type=int, help="number of candidates asked for")
    parser.add_argument("--threads", type=int, default=1, help="threads of the search (default 1)")
    parser.add_argument("--output", required=True, type=Path, help="candidates, by their rows in the part (Parquet)")


def run(arguments: argparse.Namespace) -> None:
    """Search the part as ``search-index`` searches a flat index of the whole corpus."""
    threadpool_limits(arguments.threads, "blas")
    codec = load_codec(arguments.codec)
    scoring = arguments.scoring or codec.scorings[0]
    if scoring not in codec.scorings:
        raise InputError(f"{codec.family} codes have no scoring {scoring!r}{nearest(scoring, codec.scorings)}")
    queries = read_embeddings(arguments.queries, codec.input_dim)
    documents = count_rows([arguments.codes])
    codes = Codes(lambda: read_matrices([arguments.codes], codec.column, codec.code_type), documents)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=scratch_folder() or arguments.output.parent, prefix=".part-") as folder:
        encoded = codec.encode_queries(queries, scoring)
        found = _searched(codec.core, codes, encoded, arguments.depth, Path(folder), arguments.threads)
    write_parquet(arguments.output, SCHEMA, [as_table(*found)], {"depths": [arguments.depth], "documents": documents})
    log.info("%d queries searched among %d documents to depth %d", len(queries), documents, arguments.depth)


def _searched(
    codec: Codec, codes: Codes, queries: np.ndarray, depth: int, folder: Path, threads: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and rows (queries, min(depth, documents)) of ``codes``, put into a flat index for the while.

    The index, mapped from disk, is the codec's own kind, so that scores are what a search of the whole corpus gives.
    """
    if len(codes) == 0:  # of more parts than documents
        return np.empty((len(queries), 0)), np.empty((len(queries), 0), np.int64)
    kind = index_class(codec.family, "flat")
    path = folder / f"part{suffix(codec.family, 'flat')}"
    kind.build(codec, codes, path, kind.build_parameters())
    index = kind.open(path, codec, threads, kind.search_parameters(), mapped=True)
    return index.candidates(queries, depth)
