"""The command ``fit-codec``."""

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa

from embquant.errors import InputError
from embquant.files.atomic import write_json
from embquant.files.parquet import count_rows, embedding_schema, open_parquet, read_matrices
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import parse_codec

log = logging.getLogger(__name__)


def fit_codec(
    *,
    entry: Annotated[Mapping[str, Any], "codec entry: family and its parameters"],
    embeddings: Annotated[Sequence[Path], "parts of the corpus, in order"],
    output: Annotated[Path, "state (.npz); its seconds beside it (.json)"],
) -> None:
    """Fit a codec on the embeddings of a corpus."""
    spec = parse_codec(entry)
    sample = corpus_sample(embeddings)
    started = time.perf_counter()
    codec = spec.fit(sample)
    seconds = time.perf_counter() - started
    codec.save(output)
    write_json(output.with_suffix(".json"), {**entry, "seconds": seconds})
    log.info("%s fitted on %d vectors of %d dimensions in %.2f s", codec.family, sample.rows, sample.dim, seconds)


def corpus_sample(parts: Sequence[Path]) -> Batches:
    """Describe the embeddings of several part files as one sample."""
    rows = count_rows(parts)
    if rows == 0:
        raise InputError(f"{parts[0]}: no embeddings to fit a codec on")
    kind = open_parquet(parts[0], ["embedding"]).schema_arrow.field("embedding").type
    if not pa.types.is_fixed_size_list(kind) or kind.list_size == 0:
        raise InputError(f"{parts[0]}: holds {kind}, expected float32 vectors; delete it and run again")
    kind = embedding_schema(kind.list_size).field("embedding").type
    return Batches(lambda: read_matrices(parts, "embedding", kind), rows, kind.list_size)
