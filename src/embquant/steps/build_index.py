"""The command ``build-index``."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from embquant.files.parquet import ROWS_PER_GROUP, part_rows
from embquant.indexes.manifest import Manifest, open_store, write_index
from embquant.quantize.batches import Batches


def build_index(
    *,
    index_kind: Annotated[str, "kind of index, such as hnsw, ivf or fastscan"],
    store: Annotated[Path, "manifest of the store of its codec"],
    parts: Annotated[int, "number of parts of the corpus"] = 1,
    parameters: Annotated[Mapping[str, Any], "build parameters of the index"] = {},
    output: Annotated[Path, "index file; its manifest is written beside it (FILE.json)"],
) -> None:
    """Build an index that is no plain store from the codes in a store.

    Codes are added part by part, at most a row group at a time: some graphs depend on which codes are added together.
    """
    described = Manifest.read(store)
    codec, flat = open_store(store, copied=False)  # it is read once, from first to last
    corpus = Batches(lambda: _batches(flat.codes, parts), len(flat), codec.width)
    write_index(
        output,
        index_kind,
        codec,
        corpus,
        parameters,
        state=Path(os.path.normpath(store.parent / described.codec)),
        fit_seconds=described.fit_seconds,
        encode_seconds=described.encode_seconds,
    )


def _batches(codes: np.ndarray, parts: int) -> Iterator[np.ndarray]:
    for start, stop in (part_rows(len(codes), part, parts) for part in range(parts)):
        for first in range(start, stop, ROWS_PER_GROUP):
            # A copy: numbers in a mapped file need not be aligned, and USearch takes no others.
            yield codes[first : min(stop, first + ROWS_PER_GROUP)].copy()
