"""Measure what is lost where codecs and lists are fitted before other documents come: the table of docs/drift.md.

python benchmarks/drift.py --results results --model minilm    # the vectors of a study that has these datasets
"""

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import growth_data
import numpy as np
import pandas as pd
from harness import FOLDER
from tabulate import tabulate

from embquant.arrays import DATASET, MODEL, StudyOfArrays
from embquant.cli import add_options
from embquant.errors import InputError
from embquant.files.atomic import atomic_path
from embquant.report.numbers.drift import drift_table
from embquant.study import NO_STORE
from embquant.study.study import Study

log = logging.getLogger(__name__)

QUERIES, DOCUMENTS = 400, 6000
"""Most of each collection: the first judged queries, and their documents with the first of the others."""

PAIRS: dict[str, tuple[Sequence[str], Mapping[str, Any]]] = {
    "scifact": (["scifact"], {"share": 0.5}),
    "random": (["code-docstring", "multi30k-captions"], {"share": 0.5, "by": "random"}),
    "code-captions": (["code-docstring", "multi30k-captions"], {"share": 0.5}),
    "captions-code": (["multi30k-captions", "code-docstring"], {"share": 0.5}),
    "nl2bash-scifact": (["nl2bash", "scifact"], {"share": 0.54}),
}
"""The collections of each column of the table, the seen ones first, and what is fitted on."""

PRODUCTS = {"pieces": 48, "training": 6000, "iterations": 6}
ALLOCATED = {"pieces": 49, "transform": {"kind": "allocation", "pieces": 49}}
CODECS = {
    "float32": {"family": "float32"},
    "binary": {"family": "binary"},
    "binary-mean": {"family": "binary", "threshold": "mean"},
    "int8": {"family": "int8"},
    "int8-percentile": {"family": "int8", "ranges": "percentile"},
    "int4": {"family": "int4"},
    "int4-percentile": {"family": "int4", "ranges": "percentile", "percentile": 99},
    "pq-48": {"family": "pq", **PRODUCTS},
    "scaled-pq-50": {"family": "scaled-pq", **PRODUCTS, **ALLOCATED},
    "pca-128": {"family": "int8", "transform": {"kind": "pca", "dim": 128}},
}
LISTS = {"ivf": {"codec": "float32", "index": "ivf", "search": {"nprobe": 8}}}


def drift(
    *,
    results: Annotated[Path, "results folder of a study that has embedded the collections"],
    model: Annotated[str, "the study's model"] = "minilm",
    pairs: Annotated[Sequence[str], "columns of the table"] = tuple(PAIRS),
) -> None:
    """Write results/benchmarks/drift.csv, drift.csv of each column, and print the table."""
    tables = []
    for name in pairs:
        if name not in PAIRS:
            raise InputError(f"drift: no column {name!r}; expected some of {', '.join(PAIRS)}")
        collections, fit_on = PAIRS[name]
        parts = [_first(growth_data.embedded_by_study(results, one, model)) for one in collections]
        whole = growth_data.Collection.pooled(parts, 0)
        log.info("%s: %d documents, %d queries", name, len(whole.documents), len(whole.queries))
        tables.append(_measured(whole, fit_on).assign(pair=name, documents=len(whole.documents)))
    found = pd.concat(tables, ignore_index=True)
    with atomic_path(FOLDER / "drift.csv") as temporary:
        found.to_csv(temporary, index=False)
    print(summary(found))


def _first(collection: growth_data.Collection) -> growth_data.Collection:
    """Return the first judged queries, and their documents with the first of the others, in the order of the corpus."""
    asked = collection.first_judged(QUERIES)
    others = np.setdiff1d(np.arange(len(asked.documents)), asked.judged)
    kept = np.sort(np.concatenate([asked.judged, others[: max(0, DOCUMENTS - len(asked.judged))]]))
    qrels = asked.qrels.copy()
    qrels[:, 1] = np.searchsorted(kept, qrels[:, 1])
    return growth_data.Collection(asked.documents[kept], asked.queries, qrels)


def _measured(collection: growth_data.Collection, fit_on: Mapping[str, Any]) -> pd.DataFrame:
    """Return drift.csv of the collection, in nDCG@10."""
    study = Study.read(
        {
            "study": "drift",
            "datasets": {DATASET: {"source": "files", "path": "."}},
            "models": {MODEL: {"type": "precomputed", "corpus": "."}},
            "parts": 1,
            "codecs": CODECS,
            "methods": {name: {"codec": name, "index": "flat"} for name in CODECS} | LISTS,
            "fit_on": fit_on,
            "top_k": [10],
            "rescore": {"stores": ["int8"], "multipliers": [4]},
            "metrics": ["nDCG@10"],
            "growth": {"halvings": 0},
        }
    )
    judged: dict[int, dict[int, int]] = {}
    for query, document, relevance in collection.qrels.tolist():
        judged.setdefault(query, {})[document] = relevance
    with TemporaryDirectory(prefix="embquant-") as folder:
        run = StudyOfArrays(study, Path(folder), threads=1)
        run.write_inputs(collection.documents, collection.queries, judged)
        run.build_and_search()
        for method in study.searched:
            run.evaluate(method)
        return drift_table([run.path(study.layout.run(method)) for method in study.drifted_methods], study)


def summary(found: pd.DataFrame) -> str:
    """Return the table of what is kept, fitted on all documents → on the seen ones; bold where it is worse."""
    plain = found[found["rescore_store"] == NO_STORE]
    kept = [f"{one:.3f} → {other:.3f}" for one, other in plain[["kept", "kept_drifted"]].itertuples(index=False)]
    cells = [
        f"**{cell}**" if is_worse else cell for cell, is_worse in zip(kept, plain["verdict"] == "worse", strict=True)
    ]
    table = plain.assign(cell=cells).pivot_table("cell", "method", "pair", "first", sort=False)
    return str(tabulate(table, headers="keys", tablefmt="github"))


def main(words: Sequence[str] | None = None) -> None:
    logging.basicConfig(format="%(message)s")
    log.setLevel(logging.INFO)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser, drift)
    try:
        drift(**vars(parser.parse_args(words)))
    except InputError as error:
        sys.exit(f"embquant: error: {error}")


if __name__ == "__main__":
    main()
