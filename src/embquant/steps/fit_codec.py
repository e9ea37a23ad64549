"""The command ``fit-codec``."""

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa

from embquant.errors import InapplicableError, InputError
from embquant.files.atomic import read_json, write_json
from embquant.files.inapplicable import mark_inapplicable
from embquant.files.parquet import count_rows, embedding_schema, open_parquet, read_matrices
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import CodecSpec, parse_codec

log = logging.getLogger(__name__)


def fit_codec(
    *,
    entry: Annotated[Mapping[str, Any], "codec entry: family and its parameters"],
    embeddings: Annotated[Sequence[Path], "parts of the corpus, in order"],
    output: Annotated[Path, "state (.npz); its seconds beside it (.json)"],
) -> None:
    """Fit a codec on the embeddings of a corpus.

    Where it can't be fitted on them, or can't hold their values, its files say why. Plain float32, which all else is
    compared with, is an InputError then.
    """
    spec = parse_codec(entry)
    sample = corpus_sample(embeddings)
    started = time.perf_counter()
    try:
        codec = spec.fit(sample)
    except InapplicableError as error:
        if not spec.is_encoded:
            raise InputError(f"{embeddings[0].parent}: {error}") from None
        mark_inapplicable(str(error), output, output.with_suffix(".json"))
        log.warning("left out: %s", error)
        return
    seconds = time.perf_counter() - started
    codec.save(output)
    write_json(output.with_suffix(".json"), {**entry, "seconds": seconds})
    log.info("%s fitted on %d vectors of %d dimensions in %.2f s", codec.family, sample.rows, sample.dim, seconds)


def fitted_spec(state: Path) -> CodecSpec:
    """Return the codec whose ``state`` is fitted, as the configuration has it."""
    described = read_json(state.with_suffix(".json"))
    return parse_codec({key: value for key, value in described.items() if key != "seconds"})


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
