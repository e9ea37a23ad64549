"""``calibrate``: how many texts a dataset has and how fast a model embeds them here; refuses what the disk can't hold.

No text is embedded for good before this has run. What it writes says nothing of a study, since embeddings are shared;
but it is told the study, and refuses it where the disk can't hold what this and the datasets calibrated before it need.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from embquant.embedding.encoder import load_encoder
from embquant.embedding.precomputed import PrecomputedVectors
from embquant.files.atomic import read_json, write_json
from embquant.files.parquet import count_rows, open_parquet
from embquant.study.calibration import calibrate, count_distinct
from embquant.study.outline import Outline
from embquant.study.plan import planned, read_calibrations
from embquant.study.remaining import check_disk
from embquant.study.sizes import Corpus


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--corpus", required=True, type=Path, help="corpus.parquet of a dataset")
    parser.add_argument("--queries", required=True, type=Path, help="its queries.parquet")
    parser.add_argument("--model", required=True, type=Path, help="model.json that prepare-model wrote")
    parser.add_argument("--outline", required=True, help="the study's codecs, methods and settings, as JSON")
    parser.add_argument("--output", required=True, type=Path, help="what was measured (JSON)")


def run(arguments: argparse.Namespace) -> None:
    """Measure, check the disk, and write what was measured."""
    model = read_json(arguments.model)
    dataset, name = arguments.corpus.parent.name, arguments.model.parent.name
    documents, distinct = count_rows([arguments.corpus]), count_distinct(arguments.corpus)
    if model["type"] == "precomputed":
        dim = PrecomputedVectors(model, "corpus", dataset, arguments.corpus, 0, 0).dim
        rate, embedded = None, documents
    else:
        encoder = load_encoder(arguments.model)
        dim, embedded = encoder.dim, distinct
        rate = asdict(calibrate(encoder, arguments.corpus, arguments.queries))
    corpus = Corpus(documents, distinct, embedded, count_rows([arguments.queries]), dim, _id_bytes(arguments.corpus))
    measured = {
        "dataset": dataset,
        "model": name,
        "folder": str(arguments.output.parent),
        "device": model.get("device", "cpu"),
        "corpus": asdict(corpus),
        "rate": rate,
    }
    outline = Outline.read(json.loads(arguments.outline))
    check_disk(planned(outline, [*read_calibrations(outline, leave_out=arguments.output), measured], cores=1))
    write_json(arguments.output, measured)


def _id_bytes(corpus: Path) -> float:
    """Return what an id takes in the corpus's own file."""
    metadata = open_parquet(corpus, ["id"]).metadata
    column = metadata.schema.names.index("id")
    sizes = (metadata.row_group(group).column(column).total_compressed_size for group in range(metadata.num_row_groups))
    return sum(sizes) / max(1, metadata.num_rows)
