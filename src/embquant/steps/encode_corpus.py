"""``encode-corpus``: encode one part of a corpus."""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from threadpoolctl import threadpool_limits

from embquant.files.parquet import array_to_matrix, matrix_to_array, read_batches, write_parquet
from embquant.quantize.codecs.base import Codec, load_codec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``encode-corpus``."""
    parser.add_argument("--codec", required=True, type=Path, help="state of a fitted codec")
    parser.add_argument("--embeddings", required=True, type=Path, help="a part of the corpus")
    parser.add_argument("--output", required=True, type=Path, help="codes of the part (Parquet: id, code)")


def run(arguments: argparse.Namespace) -> None:
    """Encode the part, a row group at a time."""
    codec = load_codec(arguments.codec)
    threadpool_limits(1)  # sums of matrix products depend on the number of threads
    schema = pa.schema([("id", pa.string()), (codec.column, codec.code_type)])
    metadata = {"family": codec.family, "seconds": 0.0}
    write_parquet(arguments.output, schema, _encoded(codec, arguments.embeddings, schema, metadata), metadata)


def _encoded(codec: Codec, embeddings: Path, schema: pa.Schema, metadata: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    for batch in read_batches(embeddings, ["id", "embedding"]):
        vectors = array_to_matrix(batch.column(1))
        started = time.perf_counter()
        codes = codec.encode(vectors)
        metadata["seconds"] += time.perf_counter() - started
        if pa.types.is_fixed_size_binary(codec.code_type):
            column = pa.FixedSizeBinaryArray.from_buffers(codec.code_type, len(codes), [None, pa.py_buffer(codes)])
        else:
            column = matrix_to_array(codes)
        yield pa.record_batch([batch.column(0), column], schema=schema)
