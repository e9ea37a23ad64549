"""The command ``build-index``."""

import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from embquant.entries import read_entry
from embquant.files.inapplicable import mark_inapplicable, passed_on
from embquant.files.parquet import ROWS_PER_GROUP, part_rows
from embquant.indexes import index_class
from embquant.indexes.manifest import Encoded, Manifest, manifest_beside, open_store, write_index
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import Codec
from embquant.quantize.extent import Extent
from embquant.steps.build_store import fitted_spec, seen_documents

log = logging.getLogger(__name__)


def build_index(
    *,
    index_kind: Annotated[str, "kind of index, such as hnsw, ivf or fastscan"],
    store: Annotated[Path, "manifest of the store of its codec"],
    parts: Annotated[int, "number of parts of the corpus"] = 1,
    parameters: Annotated[Mapping[str, Any], "build parameters of the index"] = {},
    fit_on: Annotated[Mapping[str, Any] | None, "the study's fit_on: documents to fit on, if not all"] = None,
    groups: Annotated[Path | None, "corpus of the dataset, where fit_on names groups"] = None,
    output: Annotated[Path, "index file; its manifest is written beside it (FILE.json)"],
) -> None:
    """Build an index that is no plain store from the codes in a store.

    Codes are added part by part, at most a row group at a time: some graphs depend on which codes are added together.
    Where the index can't be built of them, its files say why.
    """
    if passed_on(store, output, manifest_beside(output)):
        return
    described = Manifest.read(store)
    codec, flat = open_store(store, copied=False)  # it is read once, from first to last
    seen = seen_documents(fit_on, len(flat), groups)
    corpus = Batches(lambda: _batches(flat.codes, parts), len(flat), codec.width, seen)
    state = Path(os.path.normpath(store.parent / described.codec))
    if reason := _obstacle(index_kind, state, codec.core, corpus, parameters):
        mark_inapplicable(reason, output, manifest_beside(output))
        log.warning("left out: %s", reason)
        return
    encoded = Encoded(state, described.fit_seconds, described.encode_seconds, described.clipped)
    write_index(output, index_kind, codec, corpus, parameters, encoded)


def _obstacle(kind: str, state: Path, codec: Codec, corpus: Batches, parameters: Mapping[str, Any]) -> str | None:
    """Say what keeps an index of ``kind`` from being built of the codes ``corpus``; None if nothing."""
    spec = fitted_spec(state)
    index = index_class(spec.family.family, kind)
    extent = Extent.of(corpus.map(codec.decode, codec.dim))
    reason = index.obstacle(spec, extent, read_entry(index.build_parameters, parameters, f"build of {kind}"))
    return f"index {kind}: {reason}" if reason else None


def _batches(codes: np.ndarray, parts: int) -> Iterator[np.ndarray]:
    for start, stop in (part_rows(len(codes), part, parts) for part in range(parts)):
        for first in range(start, stop, ROWS_PER_GROUP):
            # A copy: numbers in a mapped file need not be aligned, and USearch takes no others.
            yield codes[first : min(stop, first + ROWS_PER_GROUP)].copy()
