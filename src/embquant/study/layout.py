"""Where the files of a study lie: the only module that spells a path below ``results/``.

Every function returns a pattern. What its arguments don't name stays a wildcard in braces, as the workflow wants it:
``layout.corpus()`` is ``results/{dataset}/corpus.parquet``, ``layout.corpus("scifact")`` one dataset's file.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

RESULTS = "results"

BRACES = re.compile("[{}]")
RESERVED = ("benchmarks", "logs", "models", "reports")
"""Folders of ``results`` that are no dataset's."""

DATASET, MODEL, CODEC, METHOD = "{dataset}", "{model}", "{codec}", "{method}"
PART = "part-{part}-of-{parts}"


@dataclass(frozen=True)
class Layout:
    """The files of the study called ``study``, whose corpora are cut into ``parts``."""

    study: str
    parts: int = 1

    # A dataset, shared by all studies.

    def dataset(self, dataset: str = DATASET) -> str:
        """Return the folder of a dataset."""
        return f"{RESULTS}/{dataset}"

    def corpus(self, dataset: str = DATASET) -> str:
        """Return the documents."""
        return f"{self.dataset(dataset)}/corpus.parquet"

    def queries(self, dataset: str = DATASET) -> str:
        """Return the texts of the queries."""
        return f"{self.dataset(dataset)}/queries.parquet"

    def qrels(self, dataset: str = DATASET) -> str:
        """Return the relevance judgements."""
        return f"{self.dataset(dataset)}/qrels.parquet"

    def dataset_description(self, dataset: str = DATASET) -> str:
        """Return the counts, the fingerprint and the origin of a dataset."""
        return f"{self.dataset(dataset)}/dataset.json"

    def dataset_files(self, dataset: str = DATASET) -> list[str]:
        """Return all files of a dataset."""
        return [self.corpus(dataset), self.queries(dataset), self.qrels(dataset), self.dataset_description(dataset)]

    # A model, shared likewise; and a model on a dataset.

    def model_description(self, model: str = MODEL) -> str:
        """Return the prepared model: its weights and what runs them."""
        return f"{RESULTS}/models/{model}/model.json"

    def vectors(self, dataset: str = DATASET, model: str = MODEL) -> str:
        """Return the folder of all that is made of a dataset's embeddings."""
        return f"{self.dataset(dataset)}/{model}"

    def calibration(self, dataset: str = DATASET, model: str = MODEL) -> str:
        """Return the measured rate of embedding."""
        return f"{self.vectors(dataset, model)}/calibration.json"

    def query_vectors(self, dataset: str = DATASET, model: str = MODEL) -> str:
        """Return the embeddings of the queries."""
        return f"{self.vectors(dataset, model)}/queries.parquet"

    def embeddings(self, dataset: str = DATASET, model: str = MODEL) -> str:
        """Return one part of the embeddings of the corpus."""
        return f"{self.vectors(dataset, model)}/embeddings/{PART}.parquet"

    def distinct_embeddings(self, dataset: str = DATASET, model: str = MODEL) -> str:
        """Return the embeddings of one part's distinct texts, which are deleted again."""
        return self.embeddings(dataset, model).replace("/part-", "/distinct-")

    def codec_state(self, codec: str = CODEC, dataset: str = DATASET, model: str = MODEL) -> str:
        """Return what a codec was fitted to."""
        return f"{self.vectors(dataset, model)}/codecs/{codec}/state.npz"

    def store(self, codec: str = CODEC, suffix: str = ".{suffix}", dataset: str = DATASET, model: str = MODEL) -> str:
        """Return all codes as a flat index."""
        return f"{self.vectors(dataset, model)}/stores/{codec}{suffix}"

    def index(
        self, index: str = "{index}", suffix: str = ".{suffix}", dataset: str = DATASET, model: str = MODEL
    ) -> str:
        """Return an index that is no store."""
        return f"{self.vectors(dataset, model)}/indexes/{index}{suffix}"

    def method(self, method: str = METHOD, dataset: str = DATASET, model: str = MODEL) -> str:
        """Return the definition of a method."""
        return f"{self.vectors(dataset, model)}/methods/{method}.json"

    # What belongs to the study alone.

    @property
    def reports(self) -> str:
        """Return the folder of the study's reports."""
        return f"{RESULTS}/reports/{self.study}"

    def report(self, name: str) -> str:
        """Return a report by its file name, such as ``summary.csv``."""
        return f"{self.reports}/{name}"

    def measured(self, dataset: str = DATASET, model: str = MODEL) -> str:
        """Return the folder of what was measured of a dataset and model."""
        return f"{self.reports}/runs/{dataset}/{model}"

    def bm25(self, dataset: str = DATASET) -> str:
        """Return the candidates that BM25 finds."""
        return f"{self.reports}/runs/{dataset}/bm25.parquet"

    def bm25_metrics(self, dataset: str = DATASET) -> str:
        """Return the metrics per query of what BM25 finds."""
        return f"{self.reports}/runs/{dataset}/bm25-metrics.parquet"

    def given_run(self, dataset: str = DATASET) -> str:
        """Return what another search has found, from a run file."""
        return f"{self.reports}/runs/{dataset}/given-run.parquet"

    def run(self, method: str = METHOD, dataset: str = DATASET, model: str = MODEL) -> str:
        """Return the folder of what was measured of a method."""
        return f"{self.measured(dataset, model)}/{method}"

    def candidates(self, method: str = METHOD, dataset: str = DATASET, model: str = MODEL) -> str:
        """Return the candidates that a method finds."""
        return f"{self.run(method, dataset, model)}/candidates.parquet"

    def candidates_of_part(self, method: str = METHOD, dataset: str = DATASET, model: str = MODEL) -> str:
        """Return the candidates that a method finds in one part of the corpus, which are deleted again."""
        return f"{self.run(method, dataset, model)}/candidates-{{part}}-of-{{parts}}.parquet"

    def metrics(self, method: str = METHOD, dataset: str = DATASET, model: str = MODEL) -> str:
        """Return the metrics per query of a method."""
        return f"{self.run(method, dataset, model)}/metrics.parquet"

    def growth(self, method: str = METHOD, dataset: str = DATASET, model: str = MODEL) -> str:
        """Return the metrics per query of a method in subsets of the corpus."""
        return f"{self.run(method, dataset, model)}/growth.parquet"

    def fused(self, method: str = METHOD, dataset: str = DATASET, model: str = MODEL) -> str:
        """Return the metrics per query of a method's lists once they are fused with another search's."""
        return f"{self.run(method, dataset, model)}/fused.parquet"

    def returned(self, method: str = METHOD, dataset: str = DATASET, model: str = MODEL) -> str:
        """Return what each setting of a method returns, for a reranker."""
        return f"{self.run(method, dataset, model)}/returned.parquet"

    def reranked(self, method: str = METHOD, dataset: str = DATASET, model: str = MODEL) -> str:
        """Return the metrics per query of what a method returns once it is ranked again."""
        return f"{self.run(method, dataset, model)}/reranked.parquet"

    # Logs.

    def log(self, job: str, *folders: str) -> str:
        """Return the log of a job whose results all studies share."""
        return "/".join([RESULTS, "logs", *folders, f"{job}.log"])

    def study_log(self, job: str, *folders: str) -> str:
        """Return the log of a job of this study alone."""
        return self.log(job, "reports", self.study, *folders)

    # Parts of a corpus.

    def each_part(self, pattern: str) -> list[str]:
        """Return ``pattern`` once for each part of a corpus; other wildcards stay."""
        count = f"{self.parts:03d}"
        numbers = (f"{part:03d}" for part in range(self.parts))
        return [pattern.replace("{part}", number).replace("{parts}", count) for number in numbers]


@dataclass(frozen=True)
class ModelFolder:
    """A finished folder ``results/{dataset}/{model}``, wherever it lies now."""

    path: Path

    @property
    def corpus(self) -> Path:
        """The documents of its dataset."""
        return self.path.resolve().parent / "corpus.parquet"

    @property
    def embeddings(self) -> list[Path]:
        """The parts of the embeddings of its documents, in order."""
        return sorted((self.path / "embeddings").glob("part-*-of-*.parquet"))

    @property
    def query_vectors(self) -> Path:
        """The embeddings of the queries."""
        return self.path / "queries.parquet"

    @property
    def model_description(self) -> Path:
        """The prepared model that made the embeddings."""
        return self.path.resolve().parents[1] / "models" / self.path.resolve().name / "model.json"

    def definitions(self) -> dict[str, Path]:
        """Return the definitions of methods by name."""
        return _by_name(self.path / "methods")

    def stores(self) -> dict[str, Path]:
        """Return the manifests of rescore stores by the name of their codec."""
        return _by_name(self.path / "stores")


def _by_name(folder: Path) -> dict[str, Path]:
    return {file.name.partition(".")[0]: file for file in sorted(folder.glob("*.json"))}


def literal(text: str) -> str:
    """Return a text as a pattern that stands for itself: single braces would be a wildcard."""
    return re.sub("([{}])", r"\1\1", text)


def nameable(files: Iterable[str]) -> list[str]:
    """Return the files that a pattern can name: those without braces."""
    return [file for file in files if not BRACES.search(file)]


def unnameable(files: Iterable[str]) -> str:
    """Return the other files with their times of change (ns) as JSON: a parameter by which a change of them is seen."""
    return json.dumps({file: Path(file).stat().st_mtime_ns for file in files if BRACES.search(file)}, sort_keys=True)
