"""Running the small study as a user does, watching it, and comparing what comes out."""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from embquant.files.records import Record
from embquant.files.stamps import FOLDER

TIMELESS = ("retrieval.csv", "memory.csv", "significance.csv", "macro.csv")
"""Reports without times, which every run of the study writes to the byte alike."""

STAGES = {
    "prepare_dataset": "results/facts/corpus.parquet",
    "prepare_model": "results/models/minilm/model.json",
    "embed_queries": "results/facts/minilm/queries.parquet",
    "calibrate": "results/facts/minilm/calibration.json",
    "plan_study": "results/reports/small/plan.json",
    "embed_corpus": "results/facts/minilm/embeddings/distinct-001-of-002.parquet",
    "place_embeddings": "results/facts/minilm/embeddings/part-001-of-002.parquet",
    "build_store": "results/facts/minilm/stores/int8.i8bin",
    "build_index": "results/facts/minilm/indexes/int8-hnsw.usearch",
    "define_method": "results/facts/minilm/methods/int8.json",
    "search_index": "results/reports/small/runs/facts/minilm/int8/candidates.parquet",
    "search_bm25": "results/reports/small/runs/facts/bm25.parquet",
    "evaluate_run": "results/reports/small/runs/facts/minilm/int8/metrics.parquet",
    "time_search": "results/reports/small/runs/facts/minilm/int8/speed.json",
    "time_embedding": "results/reports/small/runs/facts/minilm/embedding.json",
    "measure_memory": "results/reports/small/runs/facts/minilm/int8/memory.json",
    "explain_losses": "results/reports/small/runs/facts/minilm/losses.parquet",
    "join_reports": "results/reports/small/retrieval.csv",
    "write_report": "results/reports/small/report.html",
}
"""Every rule of the workflow, and a file that one of its jobs writes."""

COMMANDS = {stage: stage.replace("_", "-") for stage in STAGES}


@dataclass(frozen=True)
class Done:
    """A run that ended: its exit status and what it printed."""

    status: int
    output: str

    @property
    def last(self):
        """The last line."""
        return self.output.rstrip().rpartition("\n")[2]


@dataclass(frozen=True)
class Study:
    """A checkout with the small study."""

    folder: Path

    def start(self, *targets, config="study.yaml", before=(), **variables):
        """Start what `make run CONFIG=study.yaml` starts, all targets or some, with a command ``before`` it."""
        command = [*before, sys.executable, "-m", "snakemake", "--cores", "2"]
        return subprocess.Popen(
            [*command, "--configfile", config, "--", *targets],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder / "src"), "HF_HUB_OFFLINE": "1", **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *targets, **how):
        """Run to the end."""
        return ended(self.start(*targets, **how))

    def embquant(self, *arguments, before=(), **variables):
        """Run a command of the library."""
        done = subprocess.run(
            [*before, sys.executable, "-m", "embquant", *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder / "src"), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return Done(done.returncode, done.stdout)

    def reports(self):
        """Return the reports without times, by name."""
        return {name: (self.folder / "results" / "reports" / "small" / name).read_bytes() for name in TIMELESS}

    def jobs_done(self):
        """Return how many jobs of each rule were ever finished here, by Snakemake's logs."""
        logs = (self.folder / ".snakemake" / "log").glob("*.log")
        return Counter(
            rule for log in logs for rule in re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)", log.read_text(), re.M)
        )

    def half_written(self):
        """Return the files of results that have no record, logs and Snakemake's own aside: only leftovers have none."""
        results = self.folder / "results"
        files = [path for path in results.rglob("*") if path.is_file() and path.parent.name != FOLDER]
        files = [path for path in files if path.name != ".snakemake_timestamp"]
        return [path for path in files if "logs" not in path.relative_to(results).parts and not Record.of(path)]


def ended(process):
    """Wait for a run and return how it ended."""
    output, _ = process.communicate()
    return Done(process.returncode, output)


def processes():
    """Return the parent and the command line of every process, by id."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int(folder.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            found[int(folder.name)] = parent, folder.joinpath("cmdline").read_text().split("\0")[:-1]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def below(ancestor):
    """Return the command lines of the processes that descend from ``ancestor``, by id."""
    everybody = processes()

    def descends(process):
        while process in everybody:
            process = everybody[process][0]
            if process == ancestor:
                return True
        return False

    return {process: words for process, (_, words) in everybody.items() if descends(process)}


def snakemake_of(run):
    """Return the id of the Snakemake that a run started."""
    started = {run.pid: processes()[run.pid][1], **below(run.pid)}
    return next(process for process, words in started.items() if words[1:3] == ["-m", "snakemake"])


def job_of(run, stage):
    """Wait until a job of a stage works; return its id, None if the run ended without one."""
    while run.poll() is None:
        for process, words in below(run.pid).items():
            if len(words) > 2 and words[1].endswith("/embquant") and COMMANDS[stage] in words:
                return process
        time.sleep(0.02)
    return None
