"""The small study, finished, and checkouts in which a test may change anything."""

import shutil

import pytest

from support.small_study import Checkout, new_checkout


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A checkout in which the small study has run; its files are not to be changed."""
    checkout = new_checkout(tmp_path_factory.mktemp("Ablage für Läufe") / "finished study")
    status, output = checkout.snakemake("--configfile", "study.yaml")
    assert status == 0, output
    (checkout.folder / "output.txt").write_text(output)
    return checkout


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
