"""The command ``calibrate``, which runs before any text is embedded for good."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from embquant.embedding.encoder import load_encoder
from embquant.embedding.precomputed import PrecomputedVectors
from embquant.files.atomic import read_json, write_json
from embquant.files.parquet import count_rows, open_parquet
from embquant.study.calibration import calibrate as measured_rate
from embquant.study.calibration import count_distinct
from embquant.study.outline import Outline
from embquant.study.plan import planned, read_calibrations
from embquant.study.remaining import check_disk
from embquant.study.sizes import Corpus


def calibrate(
    *,
    corpus: Annotated[Path, "corpus.parquet of a dataset"],
    queries: Annotated[Path, "its queries.parquet"],
    model: Annotated[Path, "model.json that prepare-model wrote"],
    outline: Annotated[Mapping[str, Any], "the study's codecs, methods and settings"],
    output: Annotated[Path, "what was measured (JSON)"],
) -> None:
    """Measure how fast a model embeds a dataset here; fail if the study won't fit on disk.

    What is written depends on the dataset and the model alone, because studies share embeddings. The study,
    ``outline``, is only checked: its files, and those of the datasets calibrated before, must fit on the disk.
    """
    described = read_json(model)
    dataset, name = corpus.parent.name, model.parent.name
    documents, distinct = count_rows([corpus]), count_distinct(corpus)
    if described["type"] == "precomputed":
        dim = PrecomputedVectors(described, "corpus", dataset, corpus, 0, 0).dim
        rate, embedded = None, documents
    else:
        encoder = load_encoder(model)
        dim, embedded = encoder.dim, distinct
        rate = asdict(measured_rate(encoder, corpus, queries))
    counts = Corpus(documents, distinct, embedded, count_rows([queries]), dim, _id_bytes(corpus))
    measured = {
        "dataset": dataset,
        "model": name,
        "folder": str(output.parent),
        "device": described.get("device", "cpu"),
        "corpus": asdict(counts),
        "rate": rate,
    }
    study = Outline.read(outline)
    check_disk(planned(study, [*read_calibrations(study, leave_out=output), measured], cores=1))
    write_json(output, measured)


def _id_bytes(corpus: Path) -> float:
    """Return what an id takes in the corpus's own file."""
    metadata = open_parquet(corpus, ["id"]).metadata
    column = metadata.schema.names.index("id")
    sizes = (metadata.row_group(group).column(column).total_compressed_size for group in range(metadata.num_row_groups))
    return sum(sizes) / max(1, metadata.num_rows)
