"""What the benchmarks share: measuring in turn, one shape of result, one table of all.

A figure is a ratio: this project and its peer do the same in one process or one machine, round after round, in an
order that is reversed every time. The table has the median ratio and, as its spread, the least and the greatest.
"""

import argparse
import csv
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import machine
from tabulate import tabulate

from embquant.files.atomic import atomic_path
from embquant.files.machine import machine as this_machine
from embquant.files.machine import usable_cores
from embquant.files.provenance import environment
from embquant.measure.effort import Effort

FOLDER = Path("results/benchmarks")
PRECISION = 0.03
SECONDS = 75
"""Seconds of a benchmark after which it repeats nothing more than FEWEST_ROUNDS times: a dozen take 15 minutes."""
FEWEST_ROUNDS = 3
STARTED = time.perf_counter()
CORES = usable_cores()


@dataclass(frozen=True)
class Row:
    """One comparison: medians of both sides in ``unit``, the ratio with its spread over ``rounds``, and the goal.

    ``goal`` is the least ratio that is wanted, or with ``at_most`` the greatest; None where there is none.
    """

    what: str
    ours: float
    theirs: float
    unit: str
    ratio: float
    ratio_min: float
    ratio_max: float
    rounds: int
    goal: float | None = None
    at_most: bool = False
    note: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reached(self) -> bool | None:
        """Whether the median ratio meets the goal."""
        if self.goal is None:
            return None
        return self.ratio <= self.goal if self.at_most else self.ratio >= self.goal


def in_turn(
    rounds: int, contestants: Mapping[str, Callable[[], Any]], clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Return the seconds that each contestant took in each round; every round reverses their order.

    ``clock`` tells the seconds, but for contestants in other processes, which return their own.

    There are ``rounds`` at most, and fifteen. They end once each median's interval is within ± 3 %, for which it takes
    six rounds at least, or once the benchmark has run for ``SECONDS``, after three rounds at least.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    order = list(contestants)
    for done in range(rounds):
        spent = time.perf_counter() - STARTED
        if Effort(FEWEST_ROUNDS, PRECISION, SECONDS).is_enough(done, spent, seconds.values()):
            break
        for name in order:
            started = clock()
            returned = contestants[name]()
            seconds[name].append(returned if isinstance(returned, float) else clock() - started)
        order.reverse()
    return seconds


class Worker:
    """A process of ``threads`` threads, with ``variables`` in its environment, set up once, that works on request."""

    def __init__(self, make: Callable[..., Callable], *arguments: object, threads: int, **variables: str) -> None:
        variables |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
        kept = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        self._pipe, other = get_context("spawn").Pipe()
        self._process = get_context("spawn").Process(target=_serve, args=(other, make, arguments), daemon=True)
        self._process.start()
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})

    def send(self, work: object) -> None:
        self._pipe.send(work)

    def receive(self) -> object:
        return self._pipe.recv()

    def ask(self, work: object) -> object:
        self.send(work)
        return self.receive()

    def stop(self) -> None:
        self._pipe.send(None)
        self._process.join()


def _serve(pipe: Connection, make: Callable[..., Callable], arguments: Sequence) -> None:
    work = make(*arguments)
    pipe.send("ready")
    while (piece := pipe.recv()) is not None:
        pipe.send(work(piece))


def times_faster(what: str, ours: Sequence[float], theirs: Sequence[float], goal: float | None, **more: Any) -> Row:
    """Compare seconds: how many times longer the peer takes."""
    ratios = [peer / own for own, peer in zip(ours, theirs, strict=True)]
    return _row(what, ours, theirs, "s", ratios, goal=goal, **more)


def share(what: str, ours: Sequence[float], theirs: Sequence[float], unit: str, **more: Any) -> Row:
    """Compare figures as a share: ours over theirs."""
    ratios = [own / peer for own, peer in zip(ours, theirs, strict=True)]
    return _row(what, ours, theirs, unit, ratios, **more)


def _row(what: str, ours: Sequence[float], theirs: Sequence[float], unit: str, ratios: list[float], **more: Any) -> Row:
    median = statistics.median
    return Row(what, median(ours), median(theirs), unit, median(ratios), min(ratios), max(ratios), len(ratios), **more)


def save(name: str, rows: Sequence[Row], packages: Sequence[str]) -> None:
    """Write the rows of the benchmark ``name`` as CSV, with the machine and the versions of ``packages``."""
    made_with = environment(packages) | machine.found()
    if made_with["without"]:
        name = f"{name}_without_{made_with['without']}"
    records = []
    for row in rows:
        record = asdict(row)
        details = record.pop("details")
        took = {"seconds_in_all": time.perf_counter() - STARTED}
        records.append({"benchmark": name, **record, "reached": row.reached, **details, **took, **made_with})
    columns = list(dict.fromkeys(column for record in records for column in record))
    with atomic_path(FOLDER / f"{name}.csv") as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows({key: _digits(value) for key, value in record.items()} for record in records)
    print(table([FOLDER / f"{name}.csv"]))
    print(f"\n{made_with['instruction_sets']}; load {os.getloadavg()[0]:.1f}")


def table(files: Iterable[Path]) -> str:
    """Render benchmarks' CSV files as one Markdown table."""
    lines = []
    for file in files:
        with file.open(newline="") as stream:
            lines += [_line(record) for record in csv.DictReader(stream)]
    headers = ["what", "ours", "theirs", "ratio (spread)", "goal", "reached", ""]
    return tabulate(
        lines, headers, tablefmt="github", colalign=("left", "right", "right", "right", "right", "left", "left")
    )


def _line(record: Mapping[str, str]) -> list[str]:
    ours, theirs = (f"{float(record[side]):.3g} {record['unit']}" for side in ("ours", "theirs"))
    ratio = "{:.2f} ({:.2f}–{:.2f})".format(*(float(record[key]) for key in ("ratio", "ratio_min", "ratio_max")))
    goal = f"{'≤' if record['at_most'] == 'True' else '≥'} {record['goal']}" if record["goal"] else "–"
    reached = {"True": "yes", "False": "**no**", "": "–"}[record["reached"]]
    notes = (record["note"], f"without {record['without']}" if record.get("without") else "")
    return [record["what"], ours, theirs, ratio, goal, reached, "; ".join(filter(None, notes))]


def _digits(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value


def rounds_option(parser: argparse.ArgumentParser, rounds: int) -> None:
    """Add ``--rounds``."""
    parser.add_argument("--rounds", type=int, default=rounds, help=f"rounds, each timing both sides (default {rounds})")


def duration(names: Sequence[str]) -> str:
    """Say how long benchmarks will take: by what they took last on this machine, as far as they have been run here."""
    took: dict[str, float] = {}
    for name in names:
        file = FOLDER / f"{name}.csv"
        records = list(csv.DictReader(file.open(newline=""))) if file.exists() else []
        if records and records[0].get("machine") == this_machine() and records[0].get("seconds_in_all"):
            took[name] = float(records[0]["seconds_in_all"])
    expected = sum(took.values()) + SECONDS * (len(names) - len(took))
    last = f"the last runs of {len(took)} of them here" if took else f"{SECONDS} s for each"
    return f"{len(names)} benchmarks, about {max(1, round(expected / 60))} min by {last}"


def main() -> None:
    """Print the joint table of all benchmarks that have been run, or with names how long these will take."""
    names = sys.argv[1:]
    print(duration(names) if names else table(sorted(FOLDER.glob("*.csv"))))


if __name__ == "__main__":
    main()
