"""The figures of real collections, which are not part of this repository: make check-real DATA=folder."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]


def pytest_addoption(parser):
    parser.addoption("--data", type=Path, help="folder of collections, each with corpus, queries and qrels")


@pytest.fixture(scope="session")
def collections(request):
    """The folder of collections."""
    folder = request.config.getoption("--data")
    if folder is None or not folder.is_dir():
        pytest.fail("give the folder of collections: make check-real DATA=folder")
    return folder.resolve()


@pytest.fixture(scope="session")
def scifact(collections, tmp_path_factory):
    """Run the study of config/scifact.yaml on the collection; return its folder."""
    folder = tmp_path_factory.mktemp("scifact")
    config = yaml.safe_load((REPOSITORY / "config" / "scifact.yaml").read_text())
    config["datasets"]["scifact"]["path"] = str(collections / "scifact")
    (folder / "scifact.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "--cores", "all", "--snakefile", str(REPOSITORY / "Snakefile")]
    command += ["--profile", str(REPOSITORY / "profiles" / "default"), "--configfile", "scifact.yaml"]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="session")
def retrieval(scifact):
    """retrieval.csv of scifact at top_k 10, by method, store and multiplier."""
    table = pd.read_csv(scifact / "results" / "reports" / "scifact" / "retrieval.csv")
    return table[table["top_k"] == 10].set_index(["method", "rescore_store", "rescore_multiplier"])
