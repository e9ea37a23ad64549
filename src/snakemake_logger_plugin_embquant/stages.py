"""How far a run is: its stages, their jobs, and how long what is left will take."""

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from embquant.study.remaining import remaining_seconds
from embquant.study.stages import LONG, REPORTING, STAGES, stage_of

PROGRESS = re.compile(r"(\d+) of (\d+) texts, ([\d.]+) a second")
TAIL_BYTES = 4096
TELLING = 0.03
"""Share of the planned work from which on its pace tells more than the plan."""


@dataclass
class Job:
    """A job that runs: its rule, its message, its log, and when it began."""

    rule: str
    message: str
    log: Path | None
    started: float


@dataclass
class Stage:
    """Jobs of a stage: how many there are, how many are done."""

    total: int = 0
    done: int = 0


@dataclass
class Embedded:
    """Texts that running jobs have embedded, of how many, and how many a second."""

    done: int = 0
    total: int = 0
    rate: float = 0.0


@dataclass
class Run:
    """The state of a run, from Snakemake's events."""

    clock: Callable[[], float] = time.monotonic
    rules: dict[str, Stage] = field(default_factory=dict)
    running: dict[int, Job] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    """What each stage takes by the plan, of the jobs of this run."""
    planned: float = 0.0
    """When the plan was known."""
    done_before: float = 0.0
    """Share of the planned work that was done by then."""

    def begin(self, counts: Mapping[str, int]) -> None:
        """Take the numbers of jobs by rule; Snakemake's own sum and the target count for nothing."""
        self.planned = self.clock()
        self.rules = {rule: Stage(count) for rule, count in counts.items() if rule not in ("all", "total") and count}

    def plan(self, path: Path) -> None:
        """Take the seconds of each stage from what ``plan-study`` wrote, if it is there."""
        try:
            plan = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        self.seconds = {name: seconds for name, seconds in remaining_seconds(plan, self.jobs).items() if seconds}
        self.planned, self.done_before = self.clock(), self._finished()

    @property
    def jobs(self) -> dict[str, int]:
        """How many jobs of each rule this run has."""
        return {rule: stage.total for rule, stage in self.rules.items()}

    def start(self, number: int, job: Job) -> None:
        """Note that a job begins."""
        self.running[number] = job

    def end(self, number: int) -> Job | None:
        """Note that a job is done; return it, or None for one that was no stage's (the target)."""
        job = self.running.pop(number, None)
        if job is not None and job.rule in self.rules:
            self.rules[job.rule].done += 1
        return job

    @property
    def stages(self) -> dict[str, Stage]:
        """The stages that have jobs in this run, in the order of the work."""
        names = dict.fromkeys([*STAGES.values(), REPORTING])
        found = {name: self._sum(rule for rule in self.rules if stage_of(rule) == name) for name in names}
        return {name: stage for name, stage in found.items() if stage.total}

    def jobs_of(self, name: str) -> list[Job]:
        """Return the jobs of a stage that run."""
        return [job for job in self.running.values() if stage_of(job.rule) == name]

    def whole(self) -> Stage:
        """All jobs."""
        return self._sum(self.rules)

    def embedded(self) -> Embedded:
        """Return how far the running jobs are that embed."""
        told = [PROGRESS.findall(tail(job.log)) for job in self.running.values() if job.rule == LONG and job.log]
        last = [said[-1] for said in told if said]
        return Embedded(
            sum(int(done) for done, _, _ in last),
            sum(int(total) for _, total, _ in last),
            sum(float(rate) for _, _, rate in last),
        )

    def seconds_left(self) -> float | None:
        """Return how long the rest takes: as planned, then at the pace so far; None without a plan."""
        whole, finished = sum(self.seconds.values()), self._finished()
        if not whole:
            return None
        since = finished - self.done_before
        if since < TELLING:
            return whole * (1 - finished)
        return (self.clock() - self.planned) * (1 - finished) / since

    def _finished(self) -> float:
        """Return the share of the planned work that is done."""
        whole = sum(self.seconds.values())
        return sum(seconds * self._share(name) for name, seconds in self.seconds.items()) / whole if whole else 0.0

    def _share(self, name: str) -> float:
        """Return the share of a stage that is done, of jobs that embed also what is done of them."""
        stage = self._decisive(name)
        done = float(stage.done)
        if name == STAGES[LONG]:
            own = self.embedded()
            telling = sum(job.rule == LONG for job in self.running.values())
            done += telling * own.done / own.total if own.total else 0.0
        return min(1.0, done / stage.total) if stage.total else 1.0

    def _decisive(self, name: str) -> Stage:
        """Return the jobs of a stage that its time is spent in: of embedding, those that embed the corpus."""
        if name == STAGES[LONG]:
            return self._sum([LONG])
        return self.stages[name]

    def _sum(self, rules: Iterable[str]) -> Stage:
        own = [self.rules[rule] for rule in rules if rule in self.rules]
        return Stage(sum(stage.total for stage in own), sum(stage.done for stage in own))


def tail(path: Path) -> str:
    """Return the end of a file, or nothing where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL_BYTES))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
