"""The command ``encode-corpus``."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa

from embquant.exact.threads import limit_threads
from embquant.files.inapplicable import passed_on
from embquant.files.parquet import array_to_matrix, matrix_to_array, read_batches, write_parquet
from embquant.quantize.codecs import Codec, load_codec


def encode_corpus(
    *,
    state: Annotated[Path, "state of a fitted codec"],
    embeddings: Annotated[Path, "a part of the corpus"],
    output: Annotated[Path, "codes of the part (Parquet)"],
) -> None:
    """Encode one part of a corpus."""
    if passed_on(state, output, kept=False):
        return
    codec = load_codec(state)
    schema = pa.schema([(codec.column, codec.code_type)])
    metadata = {"family": codec.family, "seconds": 0.0}
    with limit_threads(1):  # sums of matrix products depend on the number of threads
        write_parquet(output, schema, _encoded(codec, embeddings, schema, metadata), metadata, kept=False)


def _encoded(codec: Codec, embeddings: Path, schema: pa.Schema, metadata: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    for batch in read_batches(embeddings, ["embedding"]):
        vectors = array_to_matrix(batch.column(0))
        started = time.perf_counter()
        codes = codec.encode(vectors)
        metadata["seconds"] += time.perf_counter() - started
        if pa.types.is_fixed_size_binary(codec.code_type):
            column = pa.FixedSizeBinaryArray.from_buffers(codec.code_type, len(codes), [None, pa.py_buffer(codes)])
        else:
            column = matrix_to_array(codes)
        yield pa.record_batch([column], schema=schema)
