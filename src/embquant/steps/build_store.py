"""The command ``build-store``."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa

from embquant.entries import read_entry
from embquant.errors import InapplicableError, InputError
from embquant.files.atomic import read_json, write_json
from embquant.files.inapplicable import mark_inapplicable
from embquant.files.matrices import embedding_schema
from embquant.files.parquet import count_rows, open_parquet, read_matrices, read_table
from embquant.files.records import remade_by
from embquant.indexes.manifest import Encoded, manifest_beside, write_index
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import CodecSpec, load_codec, parse_codec
from embquant.quantize.fit_on import FitOn

log = logging.getLogger(__name__)


def build_store(
    *,
    entry: Annotated[Mapping[str, Any], "codec entry: family and its parameters"],
    embeddings: Annotated[Sequence[Path], "parts of the corpus, in order"],
    fit_on: Annotated[Mapping[str, Any] | None, "the study's fit_on: documents to fit on, if not all"] = None,
    groups: Annotated[Path | None, "corpus of the dataset, where fit_on names groups"] = None,
    state: Annotated[Path, "file for what the codec is fitted to (.npz); its entry is written beside it (.json)"],
    output: Annotated[Path, "flat index file; its manifest is written beside it (FILE.json)"],
) -> None:
    """Fit a codec, encode a corpus, and put the codes into a flat index.

    This is the codec's store, which is scanned, rescored with and indexed. Codes that the model's provider has made are
    read beside the embeddings. Where these lack them, or where the codec can't be fitted on the
    embeddings, or can't hold their values, the store's files say why. Plain float32, which all else is compared with,
    is an InputError then.
    """
    spec = parse_codec(entry)
    corpus = corpus_sample(embeddings)
    started = time.perf_counter()
    try:
        corpus = replace(corpus, seen=seen_documents(fit_on, corpus.rows, groups))
        codec = spec.fit(corpus)
        given = provided_codes(embeddings, spec.precision, corpus.rows, codec.width) if spec.precision else None
    except InapplicableError as error:
        if not spec.is_encoded:
            raise InputError(f"{embeddings[0].parent}: {error}") from None
        mark_inapplicable(str(error), output, manifest_beside(output))
        log.warning("left out: %s", error)
        return
    seconds = time.perf_counter() - started
    with remade_by(output):
        codec.save(state)
        write_json(state.with_suffix(".json"), dict(entry))
    fitted_on = corpus.sample.rows
    log.info("%s fitted on %d vectors of %d dimensions in %.2f s", codec.family, fitted_on, corpus.dim, seconds)
    if given is None:
        store_codes(corpus, output, Encoded(state, seconds))
    else:
        write_index(output, "flat", codec, given, {}, Encoded(state, seconds))


def provided_codes(embeddings: Sequence[Path], precision: str, rows: int, width: int) -> Batches:
    """Return the codes that a model's provider has made; an InapplicableError says that there are none."""
    if precision not in open_parquet(embeddings[0]).schema_arrow.names:
        raise InapplicableError(f"codes {precision}: the model names no such files under precisions")
    return Batches(lambda: read_matrices(embeddings, precision), rows, width)


def store_codes(corpus: Batches, output: Path, encoded: Encoded) -> None:
    """Encode a corpus with a fitted codec and build its store.

    ``encoded`` names the codec; it gets the seconds and the share of clipped values.
    """
    codec = load_codec(encoded.state)

    def encode(vectors: np.ndarray) -> np.ndarray:
        started = time.perf_counter()
        mapped = codec.mapped(vectors)
        codes = codec.core.encode(mapped)
        encoded.encode_seconds += time.perf_counter() - started
        clipped = codec.core.clipped(mapped)
        if clipped is not None:
            encoded.clipped = (encoded.clipped or 0.0) + clipped / (corpus.rows * codec.dim)
        return codes

    write_index(output, "flat", codec, corpus.map(encode, codec.width), {}, encoded)


def seen_documents(fit_on: Mapping[str, Any] | None, documents: int, corpus: Path | None) -> np.ndarray | None:
    """Return of each of so many ``documents`` whether ``fit_on`` has it, bool (documents,); None if all are fitted on.

    ``corpus`` has their groups, if these are needed. If it has no groups, that is an InputError; if none of the
    documents is to be fitted on, an InapplicableError.
    """
    if not fit_on:
        return None
    entry = read_entry(FitOn, fit_on, "fit_on")
    if entry.by != "group":
        return entry.seen(documents)
    if corpus is None or "group" not in open_parquet(corpus).schema_arrow.names:
        raise InputError(f"{corpus}: no groups for fit_on: name the column under columns, corpus, group of the dataset")
    return entry.seen(documents, read_table(corpus, ["group"]).column(0))


def fitted_spec(state: Path) -> CodecSpec:
    """Return the codec whose ``state`` is fitted, as the configuration has it."""
    return parse_codec(read_json(state.with_suffix(".json")))


def corpus_sample(parts: Sequence[Path]) -> Batches:
    """Return the embeddings of several part files as one matrix."""
    rows = count_rows(parts)
    if rows == 0:
        raise InputError(f"{parts[0]}: no embeddings to fit a codec on")
    kind = open_parquet(parts[0], ["embedding"]).schema_arrow.field("embedding").type
    if not pa.types.is_fixed_size_list(kind) or kind.list_size == 0:
        raise InputError(f"{parts[0]}: holds {kind}, expected float32 vectors; delete it and run again")
    kind = embedding_schema(kind.list_size).field("embedding").type
    return Batches(lambda: read_matrices(parts, "embedding", kind), rows, kind.list_size)
