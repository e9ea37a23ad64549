"""How much time does the workflow add to its jobs? The default study is run from nothing in a separate folder.

Beyond the jobs' own work are: time in which no job runs, Snakemake's own computing, and what each job takes to start
(the interpreter and its imports, timed apart as ``embquant COMMAND --help``). It takes as long as the study does.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil
from harness import CORES, Row, save

from embquant.cli import COMMANDS

ROOT = Path(__file__).parents[1]
GOAL = 0.1
SAMPLED = 0.01
STARTS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=ROOT / "config.yaml", help="the study (default config.yaml)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(args.config.resolve(), folder)
    save("workflow", rows, ["snakemake"])


def measure(config: Path, folder: str) -> list[Row]:
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    words = [sys.executable, "-m", "snakemake", "--cores", str(CORES), "--snakefile", str(ROOT / "Snakefile")]
    words += ["--workflow-profile", str(ROOT / "profiles/default"), "--configfile", str(config), "--directory", folder]
    started = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=(Path(folder) / "stderr.txt").open("w"))
    jobs: dict[int, tuple[str, float, float]] = {}
    idle, own, last = 0.0, 0.0, started
    while process.poll() is None:
        now = time.perf_counter()
        running = running_commands(process.pid)
        for pid, command in running.items():
            jobs[pid] = (command, jobs[pid][1] if pid in jobs else now, now)
        idle += 0 if running else now - last
        with suppress(psutil.Error):
            own = sum(psutil.Process(process.pid).cpu_times()[:2])
        last = now
        time.sleep(SAMPLED)
    wall = time.perf_counter() - started
    if process.returncode:
        sys.exit((Path(folder) / "stderr.txt").read_text() + "the study failed")
    commands = Counter(command for command, _, _ in jobs.values())
    start_up = sum(number * start_seconds(command) for command, number in commands.items())
    busy = sum(end - begin for _, begin, end in jobs.values())
    everything = idle / wall + own / (wall * CORES) + (1 - idle / wall) * start_up / busy
    called = f"of the default study's {len(jobs)} jobs" if config == ROOT / "config.yaml" else f"of {config.name}"
    return [
        part(f"time {called} in which none ran, of all", idle, wall),
        part("computing of Snakemake itself, of all cores' time", own, wall * CORES),
        part("start-up of commands, of the jobs' time", start_up, busy),
        part("all three together, at most", everything * wall, wall, goal=GOAL, at_most=True),
    ]


def running_commands(pid: int) -> dict[int, str]:
    """Return the embquant commands among the descendants of a process, by their process."""
    found = {}
    with suppress(psutil.Error):
        for child in psutil.Process(pid).children(recursive=True):
            with suppress(psutil.Error):
                words = child.cmdline()
                command = next((word for word in words if word in COMMANDS), None)
                if command and any(Path(word).name == "embquant" for word in words[:3]):
                    found[child.pid] = command
    return found


def start_seconds(command: str) -> float:
    """Return the median time of starting a command, the interpreter and its imports."""
    times = []
    for _ in range(STARTS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "embquant", command, "--help"], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def part(what: str, seconds: float, of: float, **goal: object) -> Row:
    return Row(what, seconds, of, "s", seconds / of, seconds / of, seconds / of, 1, **goal)


if __name__ == "__main__":
    main()
