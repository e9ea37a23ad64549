"""A test that is killed leaves no Slurm in the way of the next (first by name: later tests share one Slurm)."""

import os
import signal
import subprocess
import sys

from support import one_machine

KILLED = """
import os, signal, sys
from pathlib import Path
from support import one_machine
with one_machine.running(Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_test_leaves_nothing_that_stops_the_next(tmp_path):
    one_machine.install()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path / "killed"], env={**os.environ, "PYTHONPATH": "tests"}
    )
    assert killed.returncode == -signal.SIGKILL
    assert (one_machine.SETTINGS / "slurm.conf").exists()
    with one_machine.running(tmp_path / "next") as cluster:
        assert cluster.jobs() == []
    assert not (one_machine.SETTINGS / "slurm.conf").exists()
