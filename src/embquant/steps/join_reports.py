"""The command ``join-reports``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from embquant import __version__
from embquant.datasets.identical import has_own_documents
from embquant.files.atomic import read_json, write_json
from embquant.files.provenance import environment
from embquant.measure.diagnosis import Diagnosis
from embquant.report.csv_files import write_csv, write_text
from embquant.report.numbers.measurements import Measurements
from embquant.report.show.models import model_words
from embquant.report.show.reranking import reranker_words
from embquant.report.show.summary import summary_text
from embquant.report.show.verdict import advice, verdicts
from embquant.report.tables import TABLES
from embquant.study.study import Study

LIBRARIES = ["bm25s", "faiss-cpu", "usearch", "numkong", "numpy", "scipy", "pyarrow", "pandas", "snakemake"]


def join_reports(
    *,
    runs: Annotated[Sequence[Path], "folders …/{dataset}/{model}/{method}"],
    drifted: Annotated[Sequence[Path], "such folders of methods fitted on the documents of fit_on"] = (),
    repeated: Annotated[Sequence[Path], "such folders of further builds of indexes that vary"] = (),
    bm25: Annotated[Sequence[Path], "metrics of BM25, …/{dataset}/bm25-metrics.parquet"] = (),
    embedding: Annotated[Sequence[Path], "…/{dataset}/{model}/embedding.json"] = (),
    explained: Annotated[Sequence[Path], "folders …/{dataset}/{model}"],
    datasets: Annotated[Sequence[Path], "dataset.json of each dataset"],
    models: Annotated[Sequence[Path], "model.json of each model"],
    config: Annotated[Mapping[str, Any], "the study's configuration"],
    output: Annotated[Path, "folder of the reports"],
) -> None:
    """Join all measurements of a study into its reports."""
    config = Study.read(config).swept()
    study = Study.read(config, "--config")
    described = [read_json(path) for path in datasets]
    own_documents = [dataset["name"] for dataset in described if has_own_documents(dataset)]
    results = str(output.parents[1])
    measured = Measurements(runs, embedding, explained, study, results, own_documents, drifted, bm25, repeated)
    path = output / "summary.txt"
    diagnosed = {folder.parts[-2:]: Diagnosis(**read_json(folder / "diagnosis.json")) for folder in explained}
    sentences = {
        "all models": model_words(measured.models.differences),
        "reranker": reranker_words(measured.reranking),
    }
    parts = [
        advice(measured.recommendations, measured.examples, path),
        summary_text(measured.described, study, described, measured.left_out, diagnosed, measured.bm25),
        *("\n".join([f"{title}:", *lines]) for title, lines in sentences.items() if lines),
        "\n".join(map(str, write_tables(measured, output))),
        verdicts(measured.recommendations, path),
    ]
    write_text("\n\n".join(parts) + "\n", path)
    write_json(
        output / "provenance.json",
        {
            "embquant": __version__,
            "config": config,
            "datasets": described,
            "models": [read_json(path) for path in models],
            "environment": environment(LIBRARIES),
        },
    )


def write_tables(measured: Measurements, folder: Path) -> list[Path]:
    """Write all tables of a study's reports as CSV files into ``folder``; return their paths."""
    paths = [folder / f"{name}.csv" for name in TABLES.names()]
    for path in paths:
        write_csv(TABLES[path.stem]().rows(measured), path)
    return paths
