"""The command ``calibrate``, which runs before any text is embedded for good."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from embquant.embedding.encoder import load_encoder
from embquant.embedding.given import given_files
from embquant.embedding.rate import count_distinct, measure_rate
from embquant.files.atomic import read_json, write_json
from embquant.files.parquet import count_rows
from embquant.measure.diagnosis import diagnose
from embquant.quantize.batches import Batches
from embquant.report.show.diagnosis import sample_words
from embquant.study.plan import Corpus, Plan
from embquant.study.study import Study


def calibrate(
    *,
    corpus: Annotated[Path, "corpus.parquet of a dataset"],
    queries: Annotated[Path, "its queries.parquet"],
    model: Annotated[Path, "model.json that prepare-model wrote"],
    document_prompt: Annotated[str | None, "text put before each document; default: the model's"] = None,
    study: Annotated[Mapping[str, Any], "configuration of the study whose files must fit on the disk"],
    output: Annotated[Path, "what was measured (JSON)"],
) -> None:
    """Measure how fast a model embeds a dataset and what vectors are like; fail if the study won't fit on disk.

    What is written depends on the dataset and the model alone, because studies share embeddings. The study is only
    checked: its files, and those of the datasets calibrated before, must fit on the disk.
    """
    described = read_json(model)
    dataset, name = corpus.parent.name, model.parent.name
    documents, distinct = count_rows([corpus]), count_distinct(corpus)
    if described["type"] == "precomputed":
        dim = given_files(described, "corpus", dataset).dim
        rate, embedded, words = None, documents, ""
    else:
        encoder = load_encoder(model, document_prompt=document_prompt)
        dim, embedded = encoder.dim, distinct
        rate, vectors = measure_rate(encoder, corpus, queries)
        words = sample_words(diagnose(Batches(lambda: iter([vectors]), *vectors.shape)))
    measured = Corpus(dataset, name, documents, distinct, embedded, count_rows([queries]), dim, rate, words)
    checked = Study.read(study)
    Plan.of(checked, [*calibrated_before(checked, output), measured]).check_disk()
    write_json(output, asdict(measured))


def calibrated_before(study: Study, leave_out: Path) -> list[Corpus]:
    """Return what was measured of the study's other datasets and models, as far as it is there."""
    paths = [Path(study.layout.calibration(dataset, model)) for dataset in study.datasets for model in study.models]
    return [Corpus.from_dict(read_json(path, noted=False)) for path in paths if path != leave_out and path.exists()]
