"""One run a folder at a time, whatever becomes of it."""

import os
import signal
import subprocess
import sys
import time

import pytest

from embquant.errors import InputError
from embquant.files.running import RunFolder

HOLD = """
import sys, time
from pathlib import Path
from embquant.files.running import RunFolder
RunFolder(Path(sys.argv[1])).hold("theirs")
print("held", flush=True)
time.sleep(600)
"""
JOB = """
import sys, time
from embquant.files.parent import end_with
end_with(int(sys.argv[1]))
print("up", flush=True)
"""


@pytest.fixture
def other_run(tmp_path):
    """A process that holds the folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def locked(folder):
    """Leave what Snakemake locks its files by."""
    (folder / "locks").mkdir()
    (folder / "locks" / "0.input.lock").write_text("results/a\n")


def test_a_second_run_is_refused_and_told_who_holds_the_folder(other_run, tmp_path):
    locked(tmp_path)
    folder = RunFolder(tmp_path)
    with pytest.raises(InputError, match=rf"study theirs, process {other_run.pid} on .*wait for it to end"):
        folder.hold("ours")
    assert not folder.unlock_if_dead()
    assert (tmp_path / "locks" / "0.input.lock").exists()


def test_a_killed_run_holds_nothing(other_run, tmp_path):
    locked(tmp_path)
    other_run.send_signal(signal.SIGKILL)
    other_run.wait()
    folder = RunFolder(tmp_path)
    assert folder.unlock_if_dead()
    assert not (tmp_path / "locks" / "0.input.lock").exists()
    folder.hold("ours")
    assert f"study ours, process {os.getpid()} on" in folder.holder()


def test_a_job_ends_with_its_run(tmp_path):
    run = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    command = [sys.executable, "-c", JOB + "time.sleep(600)", str(run.pid)]
    job = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert job.stdout.readline() == "up\n"
    assert job.poll() is None
    run.kill()
    run.wait()
    assert job.wait(timeout=60) == 1


def test_a_job_of_a_run_that_is_gone_does_not_begin(tmp_path):
    run = subprocess.Popen([sys.executable, "-c", ""])
    run.wait()
    command = [sys.executable, "-c", JOB, str(run.pid)]
    started = time.monotonic()
    assert subprocess.run(command, capture_output=True, text=True).stdout == ""
    assert time.monotonic() - started < 60
