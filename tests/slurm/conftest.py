"""A small study on a Slurm of this one machine, with jobs killed on the way, beside the same study without Slurm."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml

from support import one_machine
from support.embeddings import write_vectors
from support.small_study import DOCUMENTS, QUERIES, new_checkout, study

SECONDS = 600
"""What the run through Slurm may take: two minutes on an idle machine, many more beside other work."""


@dataclass(frozen=True)
class Run:
    """A finished run through Slurm: where, what it said, its jobs, and the ids of those that were killed."""

    folder: Path
    output: str
    jobs: list[one_machine.Job]
    cancelled: str
    killed: str


@pytest.fixture(scope="session")
def checkouts(tmp_path_factory):
    """Two checkouts with the same study of several parts."""
    folder = tmp_path_factory.mktemp("slurm")
    methods = {name: study()["methods"][name] for name in ("float32", "binary")}
    rescore = {"stores": ["int8"], "multipliers": [2]}
    model = {"type": "precomputed", "corpus": "corpus.parquet", "queries": "queries.parquet"}
    pair = [new_checkout(folder / name) for name in ("here", "cluster")]
    for checkout in pair:
        checkout.configure(parts=3, models={"drawn": model}, methods=methods, rescore=rescore)
        documents = drawn(len(DOCUMENTS), seed=0)
        queries = documents[list(QUERIES.values())] + drawn(len(QUERIES), seed=1) / 2  # near what answers them
        write_vectors(checkout.folder / "corpus.parquet", documents)
        write_vectors(checkout.folder / "queries.parquet", queries, prefix="q")
    return pair


def drawn(count, seed):
    """Return drawn embeddings: what is tried here is the way to the cluster, which no model makes longer."""
    return np.random.default_rng(seed).standard_normal((count, 64), dtype=np.float32)


@pytest.fixture(scope="session")
def local(checkouts):
    """The folder of the study that ran without Slurm."""
    status, output = checkouts[0].snakemake("--configfile", "study.yaml")
    assert status == 0, output
    return checkouts[0].folder


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """Slurm, started for these tests."""
    one_machine.install()
    with one_machine.running(tmp_path_factory.mktemp("daemons")) as started:
        yield started


@pytest.fixture(scope="session")
def run(checkouts, local, cluster):
    """Run the study through Slurm; cancel a job as a user would, and kill the process of one that comes after."""
    folder = checkouts[1].folder
    command = [sys.executable, "-m", "snakemake", "--profile", "profiles/slurm", "--configfile", "study.yaml"]
    command += ["--cores", "2", "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "20"]
    command += ["--default-resources", "slurm_partition=long"]
    ask_for_a_gpu(folder / "profiles" / "slurm" / "config.yaml", "embed_corpus")
    scratch = folder.parent / "disk of the node"
    scratch.mkdir()
    variables = {**os.environ, "PYTHONPATH": str(folder / "src"), "HF_HUB_OFFLINE": "1"}
    variables |= {"EMBQUANT_SCRATCH": str(scratch)}
    with (folder / "output.txt").open("w+") as output:
        head = subprocess.Popen(command, cwd=folder, env=variables, stdout=output, stderr=subprocess.STDOUT)
        try:
            cancelled = first_running(cluster, "rule_embed_corpus", head)
            cluster.cancel(cancelled)
            killed = first_running(cluster, "rule_build_store", head)  # which comes after, whatever the order of others
            kill_processes(killed)
            status = head.wait(SECONDS)
        finally:
            head.kill()
            head.wait()
            output.seek(0)
            said = output.read()
        assert status == 0, said
    return Run(folder, said, cluster.jobs(), cancelled.id, killed.id)


def ask_for_a_gpu(profile, rule):
    """Change a profile as a model on ``device: cuda`` changes what the jobs of a rule ask for."""
    settings = yaml.safe_load(profile.read_text())
    settings["set-resources"][rule] = {"gpu": 1}
    profile.write_text(yaml.safe_dump(settings))


def first_running(cluster, comment, head):
    """Wait until a job of that comment runs, and return it."""

    def found():
        assert head.poll() is None, "Snakemake has ended before"
        return [job for job in cluster.jobs() if job.comment.startswith(comment) and job.state == "RUNNING"]

    return one_machine.wait_for(f"{comment} runs", found, SECONDS)[0]


def kill_processes(job):
    """Kill what runs for a job, once something does, as a kernel short of memory would."""

    def found():
        return [process for process in psutil.process_iter(["environ"]) if job_of(process) == job.id]

    def job_of(process):
        return (process.info["environ"] or {}).get("SLURM_JOB_ID")

    for process in one_machine.wait_for(f"job {job.id} has processes", found, SECONDS):
        process.send_signal(signal.SIGKILL)
