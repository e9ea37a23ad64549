"""The command ``explain-losses``."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa

from embquant.files.atomic import atomic_path, write_json
from embquant.files.inapplicable import why_inapplicable
from embquant.files.parquet import read_matrices, read_table, write_parquet
from embquant.measure.diagnosis import diagnose
from embquant.measure.quality import read_judgements
from embquant.quantize.batches import ROWS_AT_ONCE, Batches
from embquant.report.numbers.explained import SCHEMAS, with_documents
from embquant.report.numbers.intervals import Chance
from embquant.report.numbers.losses import ComparedSettings, SearchedQueries
from embquant.report.numbers.measured import read_measured
from embquant.report.show.first_numbers import first_numbers
from embquant.retrieve.candidates import Candidates
from embquant.retrieve.rescoring import Store


def explain_losses(
    *,
    runs: Annotated[Sequence[Path], "folders of all runs of one dataset and model"],
    baseline: Annotated[str, "the method among them that losses refer to"],
    float32_store: Annotated[Path, "manifest of the flat float32 index"],
    stores: Annotated[Mapping[str, Path], "rescore stores and their manifests"] = {},
    query_vectors: Annotated[Path, "query embeddings"],
    queries: Annotated[Path, "queries of the dataset"],
    corpus: Annotated[Path, "corpus of the dataset"],
    qrels: Annotated[Path, "judgements of the dataset"],
    multipliers: Annotated[Sequence[int], "rescore multipliers of the study"],
    worst: Annotated[int, "queries to list per setting"],
    statistics: Annotated[Mapping[str, Any], "confidence, resamples and seed"],
    output: Annotated[
        Path, "folder of worst_queries.parquet, losses.parquet, examples.parquet, diagnosis.json, quality.txt"
    ],
) -> None:
    """List the queries that lose most, what they lose and why.

    A second table has the loss by kinds of queries, a third what float32 and each setting find for three queries. All
    are empty where no metric can be computed. A diagnosis says what the vectors are like, and a text the quality of all
    methods, for people to read while these are timed.
    """
    runs = [run for run in runs if why_inapplicable(run / "metrics.parquet") is None]
    stores = {name: path for name, path in stores.items() if why_inapplicable(path) is None}
    exact = Store.open(float32_store)
    vectors = np.concatenate(list(read_matrices([query_vectors], "embedding")))
    write_json(output / "diagnosis.json", asdict(diagnose(_vectors(exact), vectors)))
    measured = read_measured(runs)
    with atomic_path(output / "quality.txt") as temporary:
        temporary.write_text(first_numbers(measured, baseline) + "\n", encoding="utf-8")
    compared = ComparedSettings.of(measured, baseline)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in SCHEMAS}
    if compared is not None:
        texts = read_table(queries, ["id", "text"])
        folders = {path.name: path for path in runs}
        rows, scores = Candidates(folders[baseline] / "candidates.parquet").read(0)
        searched = SearchedQueries(
            compared=compared,
            ids=texts.column("id").to_pylist(),
            texts=texts.column("text").to_pylist(),
            vectors=vectors,
            judgements=read_judgements(qrels, len(texts), len(exact.index)) if compared.metric.judged else None,
            rows=rows,
            scores=scores,
            exact=exact,
            stores={name: Store.open(path) for name, path in stores.items()},
        )
        listed = replace(searched, compared=compared.listed(multipliers))
        found = {
            "worst_queries": [row for name in compared.methods() for row in listed.worst(name, folders[name], worst)],
            "losses": listed.losses(Chance(**statistics)),
            "examples": [row for name in compared.methods() for row in searched.examples(name, folders[name])],
        }
    for name in ("worst_queries", "examples"):
        found[name] = with_documents(found[name], corpus)
    for name, schema in SCHEMAS.items():
        write_parquet(output / f"{name}.parquet", schema, [pa.Table.from_pylist(found[name], schema)])


def _vectors(store: Store) -> Batches:
    """Return the vectors of a store: float32 as it is mapped, or what codes stand for, some rows at a time."""
    codes = store.index.codes
    rows = len(codes) if codes.dtype == np.float32 else ROWS_AT_ONCE
    pieces = [slice(first, first + rows) for first in range(0, len(codes), max(1, rows))]
    return Batches(lambda: (store.codec.decode(codes[piece]) for piece in pieces), len(codes), store.codec.dim)
