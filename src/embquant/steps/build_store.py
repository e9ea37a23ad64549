"""The command ``build-store``."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from embquant.errors import InputError
from embquant.files.atomic import read_json
from embquant.files.inapplicable import passed_on
from embquant.files.parquet import count_rows, read_matrices, read_metadata
from embquant.indexes.manifest import manifest_beside, write_index
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import load_codec


def build_store(
    *,
    state: Annotated[Path, "state of the fitted codec"],
    codes: Annotated[Sequence[Path], "codes of all parts of the corpus, in order (plain float32: the embeddings)"],
    output: Annotated[Path, "flat index file; its manifest is written beside it (FILE.json)"],
) -> None:
    """Put the codes of a corpus into a flat index: the store that is scanned, rescored with and indexed."""
    if passed_on(state, output, manifest_beside(output)):
        return
    codec = load_codec(state)
    corpus = Batches(lambda: read_matrices(codes, codec.column, codec.code_type), count_rows(codes), codec.width)
    fit_seconds = _seconds(state.with_suffix(".json"), read_json)
    encode_seconds = sum(_seconds(part, read_metadata) for part in codes)
    write_index(output, "flat", codec, corpus, {}, state=state, fit_seconds=fit_seconds, encode_seconds=encode_seconds)


def _seconds(path: Path, read: Callable[[Path], Any]) -> float:
    """Return the seconds that an earlier step noted; 0 for plain float32 codes, which are the embeddings."""
    noted = read(path)
    seconds = noted.get("seconds", 0.0) if isinstance(noted, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InputError(f"{path}: field 'seconds' is {seconds!r}, expected a number; delete it and run again")
    return seconds
