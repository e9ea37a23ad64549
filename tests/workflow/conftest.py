"""The small study, finished, and checkouts in which a test may change anything."""

import shutil

import pytest
from filelock import FileLock

from support.small_study import Checkout, new_checkout


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """A checkout in which the small study has run, one for all workers; its files are not to be changed."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    folder = shared / "Ablage für Läufe" / "finished study"
    with FileLock(shared / "finished.lock"):
        if not (folder / "output.txt").exists():
            shutil.rmtree(folder, ignore_errors=True)
            status, output = new_checkout(folder).snakemake("--configfile", "study.yaml")
            assert status == 0, output
            (folder / "output.txt").write_text(output)
    return Checkout(folder)


@pytest.fixture
def changed(finished, tmp_path):
    """A copy of the finished checkout, in which a test may change anything."""
    folder = tmp_path / "changed"
    shutil.copytree(finished.folder, folder, symlinks=True)
    return Checkout(folder)


@pytest.fixture
def fresh(tmp_path):
    """A checkout in which nothing has run."""
    return new_checkout(tmp_path / "fresh")
