"""The command ``build-index``."""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from embquant.entries import read_entry
from embquant.errors import InputError
from embquant.exact.threads import limit_threads
from embquant.files.atomic import atomic_path, read_json, write_json
from embquant.files.parquet import count_rows, read_matrices, read_metadata
from embquant.indexes import index_class
from embquant.indexes.manifest import Manifest
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import load_codec

log = logging.getLogger(__name__)


def build_index(
    *,
    index_kind: Annotated[str, "kind of index, such as flat, hnsw, ivf or fastscan"],
    state: Annotated[Path, "state of the fitted codec"],
    codes: Annotated[Sequence[Path], "codes of all parts of the corpus, in order (plain float32: the embeddings)"],
    parameters: Annotated[Mapping[str, Any], "build parameters of the index"] = {},
    output: Annotated[Path, "index file; its manifest is written beside it (FILE.json)"],
) -> None:
    """Build an index, or a plain store, from codes."""
    codec = load_codec(state)
    kind = index_class(codec.family, index_kind)
    chosen = read_entry(kind.build_parameters, parameters, f"build of {index_kind}")
    corpus = Batches(lambda: read_matrices(codes, codec.column, codec.code_type), count_rows(codes), codec.width)
    started = time.perf_counter()
    # One thread: what an index learns from the codes must not depend on the number of threads.
    with limit_threads(1), atomic_path(output) as temporary:
        kind.build(codec.core, corpus, temporary, chosen)
    seconds = time.perf_counter() - started
    manifest = Manifest(
        family=codec.family,
        kind=index_kind,
        file=output.name,
        codec=os.path.relpath(state, output.parent),
        dim=codec.dim,
        vectors=corpus.rows,
        bytes_per_vector=codec.bytes_per_vector,
        parameters=dict(parameters),
        fit_seconds=_seconds(state.with_suffix(".json"), read_json),
        encode_seconds=sum(_seconds(part, read_metadata) for part in codes),
        build_seconds=seconds,
    )
    write_json(output.with_name(output.name + ".json"), manifest.model_dump())
    log.info("%s: %d vectors in %.2f s", output.name, corpus.rows, seconds)


def _seconds(path: Path, read: Callable[[Path], Any]) -> float:
    """Return the seconds that an earlier step noted; 0 for plain float32 codes, which are the embeddings."""
    noted = read(path)
    seconds = noted.get("seconds", 0.0) if isinstance(noted, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InputError(f"{path}: field 'seconds' is {seconds!r}, expected a number; delete it and run again")
    return seconds
