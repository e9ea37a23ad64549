"""The command ``diagnose``."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import Annotated

import numpy as np

from embquant.embedding.columns import BadVectorError
from embquant.embedding.spec import VECTOR_SUFFIXES
from embquant.embedding.vectors import Vectors, window_rows
from embquant.errors import InputError
from embquant.files.named import require_files
from embquant.measure.diagnosis import QUERIES
from embquant.measure.diagnosis import diagnose as diagnosis_of
from embquant.measure.power import Power
from embquant.quantize.batches import Batches
from embquant.report.show.diagnosis import diagnosis_text, lessons_text, power_text
from embquant.study.layout import ModelFolder


def diagnose(
    vectors: Annotated[Sequence[str], "files, folders or globs (Parquet, .npy), or results/{dataset}/{model}"],
    /,
    *,
    queries: Annotated[Sequence[str], "vectors of queries; default: some of the vectors"] = (),
    column: Annotated[str, "column of vectors in Parquet files"] = "embedding",
    k: Annotated[int, "documents that a search returns"] = 10,
    seed: Annotated[int, "draws samples"] = 0,
    reports: Annotated[Path | None, "reports of a study of such vectors, which tell how many queries it needs"] = None,
    json: Annotated[bool, "print all figures as JSON"] = False,
) -> None:
    """Say what vectors are like, and what that tells of quantizing them, before a study.

    Reads them once; memory doesn't grow with their number.
    """
    if k < 1:
        raise InputError(f"--k must be 1 or more, not {k}")
    files, query_files = _files(vectors, queries)
    source = Vectors(files, column)
    if source.count == 0:
        raise InputError(f"{files[0]}: holds no vectors")
    found = diagnosis_of(_batches(source), _drawn(query_files, column, source, seed), k, seed)
    power, verdicts = (Power.assumed(), []) if reports is None else _of_study(reports)
    if json:
        more = {"power": [asdict(one) for one in power], "more_queries": verdicts}
        text = dumps({**asdict(found), **more}, indent=2)
    else:
        name = " ".join(vectors) if len(vectors) < 4 else f"{vectors[0]} and {len(vectors) - 1} more"
        text = "\n\n".join(
            filter(None, [diagnosis_text(found, name), lessons_text(found), power_text(power, verdicts)])
        )
    sys.stdout.write(text + "\n")


def _of_study(folder: Path) -> tuple[list[Power], list[str]]:
    """Return the powers of a study's settings, and what its verdicts say of more queries."""
    from embquant.report.numbers.power import (
        measured,
        verdicts_on_queries,
    )  # imports pandas: else nothing here needs it
    from embquant.report.reports import Reports

    reports = Reports.read(folder)
    return measured(reports), verdicts_on_queries(reports)


def _files(vectors: Sequence[str], queries: Sequence[str]) -> tuple[list[Path], list[Path]]:
    """Return the files of the vectors and those of the queries, which a folder of results has beside them."""
    folder = ModelFolder(Path(vectors[0]))
    if len(vectors) == 1 and folder.embeddings:
        beside = [str(folder.query_vectors)] if folder.query_vectors.is_file() else []
        vectors, queries = [str(path) for path in folder.embeddings], queries or beside
    asked = require_files(queries, VECTOR_SUFFIXES, "--queries") if queries else []
    return require_files(vectors, VECTOR_SUFFIXES, "VECTORS"), asked


def _batches(source: Vectors) -> Batches:
    def windows() -> Iterator[np.ndarray]:
        step = window_rows(source.dim)
        for first in range(0, source.count, step):
            yield _taken(source, np.arange(first, min(first + step, source.count)))

    return Batches(windows, source.count, source.dim)


def _drawn(files: Sequence[Path], column: str, corpus: Vectors, seed: int) -> np.ndarray | None:
    """Return some of the queries, float32 (queries, dim); None where there are none."""
    if not files:
        return None
    source = Vectors(files, column)
    if source.count == 0:
        raise InputError(f"{files[0]}: holds no vectors")
    if source.dim != corpus.dim:
        raise InputError(f"{files[0]}: vectors of {source.dim} dimensions, expected {corpus.dim} as the corpus has")
    return _taken(source, np.sort(np.random.default_rng(seed).permutation(source.count)[:QUERIES]))


def _taken(source: Vectors, rows: np.ndarray) -> np.ndarray:
    try:
        return source.take(rows)
    except BadVectorError as error:
        path = source.path_of(error.position)
        raise InputError(f"{path}: vector {error.position}: {error}; correct or remove it") from None
