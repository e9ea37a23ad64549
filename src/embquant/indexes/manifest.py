"""Index files and the manifests that describe them: written together, and opened by the manifest."""

import logging
import os
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from embquant.entries import Entry, read_entry
from embquant.errors import InputError
from embquant.exact.threads import limit_threads
from embquant.files.atomic import atomic_path, write_json
from embquant.files.inapplicable import read_applicable
from embquant.files.records import checked
from embquant.files.scratch import nearby
from embquant.indexes import Index, index_class
from embquant.indexes.base import FlatIndex
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import Codec, load_codec

log = logging.getLogger(__name__)


class Manifest(Entry):
    """Describes an index file; lies beside it as JSON. Paths are relative to the manifest's folder.

    ``clipped`` is the share of encoded values that were outside of the codec's range; None if it has none.
    """

    family: str
    kind: str
    file: str
    codec: str
    dim: int
    vectors: int
    bytes_per_vector: int
    parameters: dict[str, Any]
    fit_seconds: float
    encode_seconds: float
    build_seconds: float
    clipped: float | None = None

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a manifest; a foreign JSON file is an InputError."""
        manifest = read_entry(cls, read_applicable(path), f"{path}: not the manifest of an index")
        if f"{manifest.file}.json" != Path(path).name:
            raise InputError(
                f"{path}: names the index {manifest.file!r}, which isn't beside it; delete it and run again"
            )
        return manifest


@dataclass
class Encoded:
    """How codes were made: ``state`` is the file of their codec, the others are fields of :class:`Manifest`.

    ``encode_seconds`` and ``clipped`` grow while codes are read that are encoded just then.
    """

    state: Path
    fit_seconds: float = 0.0
    encode_seconds: float = 0.0
    clipped: float | None = None


def manifest_beside(index: Path) -> Path:
    """Return the path of the manifest of an index file."""
    return index.with_name(f"{index.name}.json")


def check_files(manifest: Path) -> None:
    """Check the files that :func:`open_index` reads, as inputs of what the command writes."""
    described = Manifest.read(manifest)
    for file in (described.codec, described.file):
        checked(Path(os.path.normpath(manifest.parent / file)))


def write_index(
    output: Path,
    kind: str,
    codec: Codec,
    codes: Batches,
    parameters: Mapping[str, Any],
    encoded: Encoded,
) -> None:
    """Build an index of ``kind`` from ``codes`` of ``codec``, and write its manifest beside it (FILE.json).

    The time in which codes are encoded isn't counted as building.
    """
    index = index_class(codec.family, kind)
    chosen = read_entry(index.build_parameters, parameters, f"build of {kind}")
    started = time.perf_counter() - encoded.encode_seconds
    # One thread: neither codes nor what an index learns from them may depend on the number of threads.
    with limit_threads(1), atomic_path(output) as temporary:
        index.build(codec.core, codes, temporary, chosen)
    seconds = time.perf_counter() - encoded.encode_seconds - started
    manifest = Manifest(
        family=codec.family,
        kind=kind,
        file=output.name,
        codec=os.path.relpath(encoded.state, output.parent),
        dim=codec.dim,
        vectors=codes.rows,
        bytes_per_vector=index.code_bytes(codec, chosen),
        parameters=dict(parameters),
        fit_seconds=encoded.fit_seconds,
        encode_seconds=encoded.encode_seconds,
        build_seconds=seconds,
        clipped=encoded.clipped,
    )
    write_json(manifest_beside(output), manifest.model_dump())
    log.info("%s: %d vectors in %.2f s", output.name, codes.rows, seconds)


def open_index(
    manifest: Path,
    threads: int,
    search: Mapping[str, Any] | None = None,
    mapped: bool = False,
    copied: bool = True,
) -> tuple[Codec, Index[Any]]:
    """Open the index that ``manifest`` describes, with its ``search`` parameters, and the codec of its codes.

    A ``mapped`` index is first copied to a scratch folder, if there is one, unless it isn't to be ``copied``.
    """
    described = Manifest.read(manifest)
    codec = load_codec(Path(os.path.normpath(manifest.parent / described.codec)))
    kind = index_class(described.family, described.kind)
    parameters = read_entry(kind.search_parameters, search or {}, f"search of {described.kind}")
    path = checked(manifest.parent / described.file)
    with nearby(path) if mapped and copied else nullcontext(path) as file:
        index = kind.open(file, codec.core, threads, parameters, mapped)
    if len(index) != described.vectors:
        raise InputError(f"{path}: holds {len(index)} vectors, expected {described.vectors}; delete it and run again")
    return codec, index


def open_store(manifest: Path, threads: int = 1, copied: bool = True) -> tuple[Codec, FlatIndex[Any]]:
    """Open the flat index that ``manifest`` describes, mapped from disk, and the codec of its codes."""
    codec, index = open_index(manifest, threads, mapped=True, copied=copied)
    if not isinstance(index, FlatIndex):
        raise InputError(f"{manifest}: describes an index that is no store; expected a flat one")
    return codec, index
