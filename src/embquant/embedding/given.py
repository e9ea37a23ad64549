"""What a precomputed model has: its float vectors or, where it has none, the finest of its provider's codes."""

import filecmp
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from embquant.embedding.ids import IDS_AT_ONCE
from embquant.embedding.precisions import CodeFiles, CodesAsVectors, check_width, code_files
from embquant.embedding.precomputed import GivenFiles, PrecomputedVectors, vector_files
from embquant.embedding.spec import PrecomputedSpec, finest
from embquant.errors import InputError
from embquant.files.parquet import read_batches, read_table
from embquant.files.records import note_input

ROLES = ("corpus", "queries")


def given_files(model: Mapping[str, Any], role: str, dataset: str) -> GivenFiles:
    """Find the files that a model's vectors are read from; ``role`` is corpus or queries."""
    if model["corpus"] is None:
        return code_files(model, finest(model["precisions"]), dataset, role)
    return vector_files(model, role, dataset)


def given_vectors(
    model: Mapping[str, Any], role: str, dataset: str, table: Path, start: int, stop: int
) -> PrecomputedVectors:
    """Find the vectors of rows ``start`` to ``stop`` of a ``table``, the corpus or the queries as ``role`` says.

    Those of a model without float vectors are the numbers that its codes stand for.
    """
    files = given_files(model, role, dataset)
    if isinstance(files, CodeFiles):
        return CodesAsVectors(files, table, start, stop, dim=files.dim)
    return PrecomputedVectors(files, table, start, stop, normalize=model["normalize"])


def check_files(spec: PrecomputedSpec, datasets: Sequence[str]) -> None:
    """Check that all files exist and hold vectors, or codes; for each dataset, if the paths depend on it."""
    model = spec.model_dump()
    for dataset in datasets if spec.depends_on_dataset() else [""]:
        dim = _check_vectors({role: given_files(model, role, dataset) for role in ROLES})
        for precision in spec.precisions:
            files = code_files(model, precision, dataset)
            check_width(files.vectors[0], precision, files.open().dim, dim)
            _note(files)


def _check_vectors(given: Mapping[str, GivenFiles]) -> int:
    """Check that documents and queries have vectors of as many dimensions; return these."""
    dims = []
    for files in given.values():
        dims.append(files.dim)
        _note(files)
        next(files.read_ids(), None)
    if dims[0] != dims[1]:
        where = given["queries"].vectors[0]
        raise InputError(f"{where}: expected {dims[0]} dimensions as the corpus has, got {dims[1]}")
    return dims[0]


def _note(files: GivenFiles) -> None:
    for path in (*files.vectors, *files.ids):
        note_input(path)


def check_query_vectors(model: Mapping[str, Any], dataset: str, queries: Path, corpus: Path, held_out: bool) -> None:
    """Raise InputError if a query could get the vector of a document.

    Only queries that were held out of the corpus may have their vectors in its files without a word. A file that is
    named for both, or whose copy is, needs different ids for queries and documents, but for queries that are documents,
    text and all. ``queries`` and ``corpus`` are the dataset's tables.
    """
    if held_out:
        return
    if model["queries"] is None:
        raise InputError(
            f"model {model['model']}: names no file of queries' vectors, and the queries of {dataset!r} are not "
            "documents held out of the corpus; add queries: FILE to the model (the corpus's file, if it has both)"
        )
    shared = _same_files(*(given_files(model, role, dataset).vectors for role in ("corpus", "queries")))
    if not shared:
        return
    import pyarrow.compute as pc

    table = read_table(queries, ["id", "own_row"])
    asked = table["id"].filter(pc.less(table["own_row"], 0))
    for batch in read_batches(corpus, ["id"], IDS_AT_ONCE):
        both = batch.column(0).filter(pc.is_in(batch.column(0), value_set=asked))
        if len(both):
            raise InputError(
                f"{shared[0]}: id {both[0].as_py()!r} is a query's and a document's, and this file, named as corpus "
                "and as queries, or copied, has one vector for it; write the queries' vectors to a file of their own"
            )


def _same_files(first: Sequence[Path], second: Iterable[Path]) -> list[Path]:
    """Return the files of ``second`` that are one of ``first``, or a copy of one."""

    def same(path: Path, other: Path) -> bool:
        return path.samefile(other) or filecmp.cmp(path, other, shallow=False)

    return [path for path in second if any(same(path, other) for other in first)]
