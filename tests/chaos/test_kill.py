"""SIGKILL to Snakemake and to running jobs, in every stage; the same command goes on, and repeats nothing finished."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from support.runs import COMMANDS, STAGES, below, ended, job_of, snakemake_of

LONGEST_WAIT = 1.5
"""Seconds after the start of a job within which the kill comes: most take about that long."""

PARTS = [STAGES["place_embeddings"].replace("part-001", part) for part in ("part-000", "part-001")]
TARGETS = {**{stage: [file] for stage, file in STAGES.items()}, "place_embeddings": PARTS}
"""What a run is asked for: one that places a single part removes, at its end, what the others are placed from."""


@pytest.mark.cases("victims", ["snakemake", "job", "either"], short=1)
def test_a_run_that_is_killed_in_every_stage_ends_with_the_same_reports(undisturbed, fresh, chance, short, victims):
    stages = chance.sample(list(STAGES), 3) if short else list(STAGES)
    drawn = {stage: chance.choice(["snakemake", "job"]) for stage in stages}
    who = drawn if short or victims == "either" else dict.fromkeys(stages, victims)
    killed = [stage for stage in STAGES if stage in stages and kill(fresh, stage, who[stage], chance)]
    assert killed == [stage for stage in STAGES if stage in stages]
    done = fresh.run()
    assert done.status == 0, done.output
    assert fresh.reports() == undisturbed.reports()
    assert fresh.half_written() == []
    verified = fresh.embquant("verify", "results")
    assert verified.status == 0, verified.output
    finished, expected = fresh.jobs_done(), undisturbed.jobs_done()
    again = {rule: count for rule, count in finished.items() if count > expected[rule]}
    assert again == {}
    assert "Nothing to be done" in fresh.run().output


def kill(study, stage, victim, chance):
    """Run until a job of a stage works, kill the victim a moment later, and wait until nothing of the run is left."""
    run = study.start(*TARGETS[stage])
    job = job_of(run, stage)
    if job is None:
        ended(run)
        return False
    family = below(run.pid)
    time.sleep(chance.uniform(0, LONGEST_WAIT))
    with suppress(ProcessLookupError, StopIteration, KeyError):  # it may be done by now
        os.kill(snakemake_of(run) if victim == "snakemake" else job, signal.SIGKILL)
    ended(run)
    jobs = {process for process, words in family.items() if set(words) & set(COMMANDS.values())}
    deadline = time.monotonic() + 60
    while (alive := {process for process in jobs if is_alive(process)}) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive, "a job outlived its run"
    return True


def is_alive(process):
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
