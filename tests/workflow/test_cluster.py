"""Before any job is sent to a cluster it is said, in one line, that there is none."""

import shutil
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.workflow


@pytest.fixture
def programs(tmp_path):
    """A folder with the programs that a run needs, but for those of Slurm."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("awk", "bash", "cat", "mktemp", "rm", "sed", "tail", "tee", "tr", "uname", "which"):
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    return folder


def slurm_run(checkout, programs):
    """Run as `make run PROFILE=slurm` does, with those programs alone; return the last line."""
    snakemake = [sys.executable, "-m", "snakemake", "--profile", "profiles/slurm", "--configfile", "study.yaml"]
    status, output = checkout.call(["env", f"PATH={programs}", *snakemake])
    assert status != 0, output
    assert not Path(checkout.folder, "results", "facts").exists(), output
    return output.rstrip().splitlines()[-1]


def test_without_sbatch(fresh, programs):
    last = slurm_run(fresh, programs)
    assert last.startswith(
        "embquant: error: the profile sends jobs to Slurm, but there is no sbatch here; run this on "
    )


def test_without_an_answer(fresh, programs):
    for name in ("sbatch", "squeue"):
        (programs / name).symlink_to("/bin/true")
    sinfo = programs / "sinfo"
    sinfo.write_text("#!/bin/bash\necho 'slurm_load_partitions: Unable to contact slurm controller' >&2\nexit 1\n")
    sinfo.chmod(0o755)
    why = "it does not answer (slurm_load_partitions: Unable to contact slurm controller)"
    assert why in slurm_run(fresh, programs)
