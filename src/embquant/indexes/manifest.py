"""``build-index``: build an index, or a plain store, from codes."""

import argparse
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Self

from threadpoolctl import threadpool_limits

from embquant.entries import Entry, parse_spec, read_entry
from embquant.errors import InputError
from embquant.files.atomic import atomic_path, read_json, write_json
from embquant.files.parquet import count_rows, read_matrices, read_metadata
from embquant.files.records import checked
from embquant.files.scratch import nearby
from embquant.indexes import Index, index_class
from embquant.indexes.base import Codes
from embquant.quantize.codecs.base import Codec, load_codec

log = logging.getLogger(__name__)


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
) -> tuple[Codec, Index]:
    """Open the index that ``manifest`` describes, with its ``search`` parameters, and the codec of its codes.

    What is ``mapped`` is copied to a scratch folder first, if there is one.
    """
    described = Manifest.read(manifest)
    codec = load_codec(Path(os.path.normpath(manifest.parent / described.codec)))
    kind = index_class(described.family, described.kind)
    parameters = parse_spec(kind.search_parameters, search or {}, f"search of {described.kind}")
    path = checked(manifest.parent / described.file)
    with nearby(path) if mapped else nullcontext(path) as file:
        index = kind.open(file, codec.core, threads, parameters, mapped)
    if len(index) != described.vectors:
        raise InputError(f"{path}: holds {len(index)} vectors, expected {described.vectors}; delete it and run again")
    return codec, index


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``build-index``."""
    parser.add_argument("--kind", required=True, help="flat or hnsw")
    parser.add_argument("--codec", required=True, type=Path, help="state of the fitted codec")
    parser.add_argument("--codes", required=True, nargs="+", type=Path, help="parts of the corpus, in order")
    parser.add_argument("--parameters", default="{}", metavar="JSON", help="parameters of the build")
    parser.add_argument("--output", required=True, type=Path, help="index; its manifest beside it (FILE.json)")


def run(arguments: argparse.Namespace) -> None:
    """Build the index, streaming the codes, and describe it."""
    codec = load_codec(arguments.codec)
    kind = index_class(codec.family, arguments.kind)
    parameters = json.loads(arguments.parameters)
    chosen = parse_spec(kind.build_parameters, parameters, f"build of {arguments.kind}")
    codes = Codes(lambda: read_matrices(arguments.codes, codec.column, codec.code_type), count_rows(arguments.codes))
    threadpool_limits(1)  # what is learnt from the codes is not to depend on the number of threads
    started = time.perf_counter()
    with atomic_path(arguments.output) as temporary:
        kind.build(codec.core, codes, temporary, chosen)
    seconds = time.perf_counter() - started
    manifest = Manifest(
        family=codec.family,
        kind=arguments.kind,
        file=arguments.output.name,
        codec=os.path.relpath(arguments.codec, arguments.output.parent),
        dim=codec.dim,
        vectors=len(codes),
        bytes_per_vector=codec.bytes_per_vector,
        parameters=parameters,
        fit_seconds=_seconds(arguments.codec.with_suffix(".json"), read_json),
        encode_seconds=sum(_seconds(part, read_metadata) for part in arguments.codes),
        build_seconds=seconds,
    )
    write_json(arguments.output.with_name(arguments.output.name + ".json"), manifest.model_dump())
    log.info("%s: %d vectors in %.2f s", arguments.output.name, len(codes), seconds)


def _seconds(path: Path, read: Callable[[Path], Any]) -> float:
    """Return what a step noted of the time it took; float32's codes, the embeddings, have taken none."""
    noted = read(path)
    seconds = noted.get("seconds", 0.0) if isinstance(noted, dict) else None
    if type(seconds) not in (int, float):
        raise InputError(f"{path}: says {seconds!r} of its seconds; delete it and run again")
    return seconds
