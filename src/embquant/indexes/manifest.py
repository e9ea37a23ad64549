"""The manifest of an index file, and opening what it describes."""

import os
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Self

from embquant.entries import Entry, read_entry
from embquant.errors import InputError
from embquant.files.atomic import read_json
from embquant.files.records import checked
from embquant.files.scratch import nearby
from embquant.indexes import Index, index_class
from embquant.quantize.codecs import Codec, load_codec


class Manifest(Entry):
    """Describes an index file; lies beside it as JSON. Paths are relative to the manifest's folder."""

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

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a manifest; a foreign JSON file is an InputError."""
        manifest = read_entry(cls, read_json(path), f"{path}: not the manifest of an index")
        if f"{manifest.file}.json" != Path(path).name:
            raise InputError(
                f"{path}: names the index {manifest.file!r}, which isn't beside it; delete it and run again"
            )
        return manifest


def check_files(manifest: Path) -> None:
    """Check the files that :func:`open_index` reads, as inputs of what the command writes."""
    described = Manifest.read(manifest)
    for file in (described.codec, described.file):
        checked(Path(os.path.normpath(manifest.parent / file)))


def open_index(
    manifest: Path, threads: int, search: Mapping[str, Any] | None = None, mapped: bool = False
) -> tuple[Codec, Index[Any]]:
    """Open the index that ``manifest`` describes, with its ``search`` parameters, and the codec of its codes.

    What is ``mapped`` is copied to a scratch folder first, if there is one.
    """
    described = Manifest.read(manifest)
    codec = load_codec(Path(os.path.normpath(manifest.parent / described.codec)))
    kind = index_class(described.family, described.kind)
    parameters = read_entry(kind.search_parameters, search or {}, f"search of {described.kind}")
    path = checked(manifest.parent / described.file)
    with nearby(path) if mapped else nullcontext(path) as file:
        index = kind.open(file, codec.core, threads, parameters, mapped)
    if len(index) != described.vectors:
        raise InputError(f"{path}: holds {len(index)} vectors, expected {described.vectors}; delete it and run again")
    return codec, index
