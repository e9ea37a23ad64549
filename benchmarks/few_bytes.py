"""Measure what formats of few bytes keep, side by side: the first tables of docs/results.md.

python benchmarks/few_bytes.py --data data --results results --model minilm-256 static
"""

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import growth_data
import pandas as pd
import yaml
from harness import CORES, FOLDER
from tabulate import tabulate

from embquant.arrays import evaluate
from embquant.cli import add_options
from embquant.errors import InputError
from embquant.files.atomic import atomic_path

log = logging.getLogger(__name__)

OUTPUT = FOLDER / "few_bytes.csv"
KEPT = ["method", "queries", "bytes_per_vector", "overlap@10", "retention_nDCG@10", "retention_nDCG@10_low",
        "retention_nDCG@10_high", "verdict"]  # fmt: skip
FLOAT_QUERY = "binary-float-query"
PAIR, FORMAT = ["model", "dataset"], ["bytes_per_vector", "method"]


def formats(dim: int) -> dict[str, dict[str, Any]]:
    """Return the codecs, of about dim/8, dim/4 and dim/2 bytes, and landmarks above."""
    found: dict[str, dict[str, Any]] = {"binary": {"family": "binary"}}
    for bits in (1, 2, 4):
        for family in ("rabitq", "eden", "turboquant"):
            found[f"{family}-{bits}"] = {"family": family, "bits": bits, "transform": "rotation"}
        found[f"osq-{bits}"] = {"family": "osq", "bits": bits}
    for size in (dim // 8 + 8, dim // 4 + 8, dim // 4 + 20, dim // 2 + 8):
        found[f"scaled-pq-{size}"] = scaled_pq(size)
    return found | {name: {"family": name} for name in ("float8", "int8")}


def scaled_pq(size: int) -> dict[str, Any]:
    """Return scaled-pq of ``size`` bytes."""
    pieces = size - 1
    return {"family": "scaled-pq", "pieces": pieces, "transform": {"kind": "allocation", "pieces": pieces}}


def few_bytes(
    *,
    data: Annotated[Path, "folder of the collections of config/storage.yaml, for the static model"] = Path("data"),
    results: Annotated[Path, "results folder of a study that has embedded them, for any other model"] = Path("results"),
    model: Annotated[Sequence[str], "models: static, or those of the study"] = ("static",),
    dataset: Annotated[Sequence[str], "datasets of config/storage.yaml; all if none is named"] = (),
    only: Annotated[Sequence[str], "beginnings of the formats' names; all if none is named"] = ("",),
) -> None:
    """Write results/benchmarks/few_bytes.csv, in which only what is measured now is replaced, and print its tables."""
    datasets = yaml.safe_load(growth_data.CONFIG.read_text())["datasets"]
    for name in dataset or datasets:
        for one in model:
            collection = _collection(name, datasets[name], one, data, results)
            _add(_measured(collection, tuple(only)).assign(model=one, dataset=name))
            log.info("%s, %s: %d documents", one, name, len(collection.documents))
    print(tables(pd.read_csv(OUTPUT)))


def _collection(name: str, entry: Mapping[str, Any], model: str, data: Path, results: Path) -> growth_data.Collection:
    if model == "static":
        found = growth_data.embedded_statically(data / Path(entry["path"]).name)
    else:
        plain = Path(entry["path"]).name.replace("_", "-")
        found = growth_data.embedded_by_study(results, name if (results / name).exists() else plain, model)
    return found.first_judged(entry.get("max_queries"))


def _measured(collection: growth_data.Collection, beginnings: tuple[str, ...]) -> pd.DataFrame:
    """Return the settings of the formats without rescoring."""
    codecs = {
        name: codec for name, codec in formats(collection.documents.shape[1]).items() if name.startswith(beginnings)
    }
    methods: dict[str, dict[str, Any]] = {name: {"codec": name, "index": "flat"} for name in codecs}
    if "binary" in codecs:
        methods[FLOAT_QUERY] = {"codec": "binary", "index": "flat", "scoring": "asymmetric"}
    judged: dict[int, dict[int, int]] = {}
    for query, document, relevance in collection.qrels.tolist():
        judged.setdefault(query, {})[document] = relevance
    table = evaluate(collection.documents, collection.queries, methods, judged, codecs=codecs, threads=CORES)
    return table[KEPT]


def _add(rows: pd.DataFrame) -> None:
    """Put rows into the file, in place of those of the same formats, model and dataset."""
    key = [*PAIR, "method"]
    old = pd.read_csv(OUTPUT) if OUTPUT.exists() else rows.iloc[:0]
    joined = pd.concat([old, rows]).drop_duplicates(key, keep="last")
    with atomic_path(OUTPUT) as temporary:
        joined.to_csv(temporary, index=False)


def tables(found: pd.DataFrame) -> str:
    """Return a table for each model: a row per format, by bytes; kept of nDCG@10, with its interval, and overlap@10."""
    texts = []
    for model, rows in found[found["method"] != "float32"].groupby("model", sort=False):
        cells = rows.assign(cell=[_cell(row) for row in rows.to_dict("records")])
        means = rows.groupby(FORMAT)[["retention_nDCG@10", "overlap@10"]].mean()
        table = pd.DataFrame(
            {"mean": [f"{kept:.4f} · {overlap:.3f}" for kept, overlap in means.to_numpy()]}, means.index
        )
        table = table.join(cells.pivot_table("cell", FORMAT, "dataset", "first", sort=False)).reset_index()
        texts.append(f"{model}\n\n{tabulate(table, headers='keys', tablefmt='github', showindex=False)}")
    return "\n\n".join(texts)


def _cell(row: Mapping[str, Any]) -> str:
    low, high = row["retention_nDCG@10_low"], row["retention_nDCG@10_high"]
    return f"{row['retention_nDCG@10']:.3f} [{low:.3f}, {high:.3f}] · {row['overlap@10']:.3f}"


def main(words: Sequence[str] | None = None) -> None:
    logging.basicConfig(format="%(message)s")
    log.setLevel(logging.INFO)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser, few_bytes)
    try:
        few_bytes(**vars(parser.parse_args(words)))
    except InputError as error:
        sys.exit(f"embquant: error: {error}")


if __name__ == "__main__":
    main()
