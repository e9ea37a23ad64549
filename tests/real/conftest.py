"""The figures of real collections, which are not part of this repository: make check-real DATA=folder."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml

from embquant.files.machine import usable_cores

REPOSITORY = Path(__file__).parents[2]


def pytest_addoption(parser):
    parser.addoption("--data", type=Path, help="folder of collections, each with corpus, queries and qrels")


@pytest.fixture(scope="session")
def collections(request):
    """The folder of collections."""
    folder = request.config.getoption("--data")
    if folder is None or not folder.is_dir():
        pytest.fail("give the folder of collections: make check-real DATA=folder")
    missing = [name for name in ("scifact", "multi30k_captions") if not (folder / name).is_dir()]
    if missing:
        pytest.fail(f"{folder / missing[0]}: no such collection")
    return folder.resolve()


def run_study(folder, name, path, *targets):
    """Run config/scifact.yaml in ``folder`` on the collection at ``path``, all of it or as far as ``targets``."""
    config = yaml.safe_load((REPOSITORY / "config" / "scifact.yaml").read_text())
    config |= {"study": name, "datasets": {name: {"source": "files", "path": str(path)}}}
    (folder / "study.yaml").write_text(yaml.safe_dump(config))
    cores = ["--cores", str(usable_cores())]
    command = [sys.executable, "-m", "snakemake", *cores, "--snakefile", str(REPOSITORY / "Snakefile")]
    command += ["--profile", str(REPOSITORY / "profiles" / "default"), "--configfile", "study.yaml", "--", *targets]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="session")
def scifact(collections, tmp_path_factory):
    """Run the study of config/scifact.yaml on the collection; return its folder."""
    return run_study(tmp_path_factory.mktemp("scifact"), "scifact", collections / "scifact")


@pytest.fixture(scope="session")
def captions(collections, tmp_path_factory):
    """Measure the quality of the same methods on captions: all 1,000 queries, 20,000 of the documents."""
    folder = tmp_path_factory.mktemp("captions")
    source, sample = collections / "multi30k_captions", folder / "sample"
    sample.mkdir()
    corpus, qrels = (pq.read_table(source / name) for name in ("corpus.parquet", "qrels.parquet"))
    judged = pc.is_in(corpus["id"], value_set=qrels["doc_id"].combine_chunks()).to_numpy()
    kept = judged | (np.cumsum(~judged) <= 20_000 - judged.sum())
    pq.write_table(corpus.filter(pa.array(kept)), sample / "corpus.parquet")
    for name in ("queries.parquet", "qrels.parquet"):
        shutil.copy(source / name, sample / name)
    run = "results/reports/captions/runs/captions/minilm-256"
    return run_study(folder, "captions", sample, f"{run}/losses.parquet")


@pytest.fixture(scope="session")
def retrieval(scifact):
    """retrieval.csv of scifact at top_k 10, by method, store and multiplier."""
    table = pd.read_csv(scifact / "results" / "reports" / "scifact" / "retrieval.csv")
    return table[table["top_k"] == 10].set_index(["method", "rescore_store", "rescore_multiplier"])
