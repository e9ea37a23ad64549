"""The disk fills up in every stage: that is said, nothing half-written stays, and with room again the run goes on."""

import os
import re
import shutil
import subprocess
from contextlib import contextmanager

import pytest

from support.runs import STAGES

MEBIBYTES = 320
"""Size of the disk: a converted model takes 90, and is written twice."""

PAGE = os.sysconf("SC_PAGE_SIZE")


@contextmanager
def small_disk(folder):
    """Put ``folder`` on a disk of its own."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MEBIBYTES}m", "tmpfs", str(folder)], check=True)
    try:
        shutil.copytree(aside, folder, symlinks=True, dirs_exist_ok=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder, left):
    """Fill the disk but for ``left`` bytes, in a hidden file; return the file."""
    filler = folder / ".filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(folder).free - left)
    return filler


@pytest.mark.cases("stage", list(STAGES), short=1)
def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_room(undisturbed, finished, chance, stage):
    results = finished.folder / "results"
    target = finished.folder / STAGES[stage]
    with small_disk(results):
        remove_outputs(target, stage)
        filler = fill(results, chance.choice([0, PAGE]))
        full = finished.run(STAGES[stage])
        assert full.status != 0, full.output
        assert full.last.startswith("embquant: error: "), full.output
        # Where there is a plan already, too little room for it is seen before anything is tried.
        assert re.search("no space left|are to be written under .* free; make room", full.last), full.output
        assert not target.exists()
        filler.unlink()
        assert finished.half_written() == []
        done = finished.run(STAGES[stage])
        assert done.status == 0, done.output
        if stage == "embed_corpus":
            target.unlink()  # which a run that isn't asked for it removes itself
        done = finished.run()
        assert done.status == 0, done.output
        assert finished.reports() == undisturbed.reports()
        verified = finished.embquant("verify", "results")
        assert verified.status == 0, verified.output


def test_a_full_disk_of_a_node_is_said(undisturbed, finished, tmp_path):
    finished.folder.joinpath(STAGES["search_index"]).unlink()
    node = tmp_path / "node"  # the study lies beside it
    node.mkdir()
    with small_disk(node):
        filler = fill(node, 0)
        full = finished.run(STAGES["search_index"], EMBQUANT_SCRATCH=str(node))
        assert full.status != 0, full.output
        assert "no room for a copy of results/facts/minilm/" in full.last, full.output
        filler.unlink()
        assert finished.run(EMBQUANT_SCRATCH=str(node)).status == 0
        assert finished.reports() == undisturbed.reports()
        assert list(node.iterdir()) == []


def remove_outputs(target, stage):
    """Remove what the job of ``stage`` writes, so that it is to run again."""
    target.unlink(missing_ok=True)
    if stage == "prepare_model":
        for file in target.parent.iterdir():
            if file.is_file():
                file.unlink()
