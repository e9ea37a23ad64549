"""``plan-study``: what a study will take in time and on disk, told before anything long begins; refused if too much."""

import argparse
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from embquant.artifacts import atomic_path, count_rows, open_parquet, read_json, write_json
from embquant.embedding.encoder import load_encoder
from embquant.embedding.precomputed import PrecomputedVectors
from embquant.planning.calibration import calibrate, count_distinct
from embquant.planning.outline import Outline
from embquant.planning.remaining import check_disk, lines
from embquant.planning.sizes import Corpus, files
from embquant.planning.times import stages

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--outline", required=True, help="the study's codecs, methods and settings, as JSON")
    parser.add_argument("--datasets", required=True, nargs="+", type=Path, help="folders of prepared datasets")
    parser.add_argument("--models", required=True, nargs="+", type=Path, help="model.json of each prepared model")
    parser.add_argument("--runs", required=True, type=Path, help="folder that the study's own measurements go to")
    parser.add_argument("--cores", required=True, type=int, help="cores that the study may use")
    parser.add_argument("--output", required=True, type=Path, help="plan (JSON); the same as text beside it (.txt)")


def run(arguments: argparse.Namespace) -> None:
    """Calibrate, plan, check the disk, and write the plan."""
    outline = Outline.read(json.loads(arguments.outline))
    corpora = [
        _planned(outline, dataset, model, arguments.runs, arguments.cores)
        for model in arguments.models
        for dataset in arguments.datasets
    ]
    axes = {
        "methods": len(outline.methods),
        "stores": len({store for method in outline.methods.values() for store in method.stores}),
        "multipliers": len(outline.multipliers),
        "top_k": len(outline.top_k),
        "settings": outline.settings,
    }
    plan = {
        "study": outline.study,
        "results": str(arguments.datasets[0].parent),
        "disk_gb": outline.disk_gb,
        "axes": axes,
        "corpora": corpora,
    }
    check_disk(plan)
    with atomic_path(arguments.output.with_suffix(".txt")) as temporary:
        temporary.write_text("\n".join(lines(plan)) + "\n", encoding="utf-8")
    write_json(arguments.output, plan)


def _planned(outline: Outline, dataset: Path, model_json: Path, runs: Path, cores: int) -> dict[str, Any]:
    model = read_json(model_json)
    corpus_file, queries_file = dataset / "corpus.parquet", dataset / "queries.parquet"
    if model["type"] == "precomputed":
        dim = PrecomputedVectors(model, "corpus", dataset.name, corpus_file, 0, 0).dim
        rate = None
    else:
        encoder = load_encoder(model_json)
        dim, rate = encoder.dim, calibrate(encoder, corpus_file, queries_file)
    documents, distinct = count_rows([corpus_file]), count_distinct(corpus_file)
    corpus = Corpus(
        documents=documents,
        distinct=distinct,
        embedded=distinct if rate else documents,
        queries=count_rows([queries_file]),
        dim=dim,
        id_bytes=_id_bytes(corpus_file),
    )
    # Parts share a GPU, but each has a core of its own.
    jobs = min(cores, outline.parts) if model.get("device", "cpu") == "cpu" else 1
    log.info("%s with %s: %s, %s", dataset.name, model_json, corpus, rate)
    folder = dataset / model_json.parent.name
    own_runs = runs / dataset.name / model_json.parent.name
    return {
        "dataset": dataset.name,
        "model": model_json.parent.name,
        **asdict(corpus),
        "rate": rate and asdict(rate),
        "jobs": jobs,
        "stages": [asdict(stage) for stage in stages(outline, corpus, cores, jobs, rate)],
        "files": [_file(file) for file in files(outline, corpus, folder, own_runs)],
    }


def _file(file: Any) -> Mapping[str, Any]:
    return {"path": str(file.path), "bytes": round(file.bytes), "passing": file.passing}


def _id_bytes(corpus: Path) -> float:
    """Return what an id takes in the corpus's own file."""
    metadata = open_parquet(corpus, ["id"]).metadata
    column = metadata.schema.names.index("id")
    sizes = (metadata.row_group(group).column(column).total_compressed_size for group in range(metadata.num_row_groups))
    return sum(sizes) / max(1, metadata.num_rows)
