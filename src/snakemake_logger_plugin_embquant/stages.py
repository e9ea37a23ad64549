"""How far a run is: its stages, how many of their jobs are done, and which jobs run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

STAGES: dict[str, str] = {
    "prepare_dataset": "preparing",
    "prepare_model": "preparing",
    "calibrate": "preparing",
    "plan_study": "preparing",
    "collect_ids": "preparing",
    "embed_queries": "embedding",
    "embed_corpus": "embedding",
    "place_embeddings": "embedding",
    "fit_codec": "quantizing",
    "encode_corpus": "quantizing",
    "build_store": "indexing",
    "build_index": "indexing",
    "define_method": "indexing",
    "search_index": "searching",
    "search_part": "searching",
    "merge_candidates": "searching",
    "evaluate_run": "evaluating",
    "measure_memory": "timing",
    "time_search": "timing",
    "time_embedding": "timing",
}
"""Rule → stage, in the order of the work. All other rules are of the stage ``REPORTING``."""
REPORTING = "reporting"
NO_WORK = ("all", "total")
"""Keys of Snakemake's job counts that count no work: the target, and Snakemake's own sum."""


@dataclass(frozen=True)
class Job:
    """A running job: its rule, what it does in words, and its log."""

    rule: str
    message: str
    log: Path | None

    @property
    def stage(self) -> str:
        """The stage of the job's rule."""
        return stage_of(self.rule)


@dataclass
class Stage:
    """A stage's number of jobs, and how many of them are done."""

    total: int = 0
    done: int = 0


@dataclass
class Run:
    """The state of a run, as Snakemake's events tell it."""

    rules: dict[str, Stage] = field(default_factory=dict)
    running: dict[int, Job] = field(default_factory=dict)

    def begin(self, counts: Mapping[str, int]) -> None:
        """Take the number of jobs of each rule."""
        self.rules = {rule: Stage(count) for rule, count in counts.items() if rule not in NO_WORK and count}

    def end(self, number: int) -> Job | None:
        """Note that a job is done and return it; None for the target, which never started."""
        job = self.running.pop(number, None)
        if job is not None and job.rule in self.rules:
            self.rules[job.rule].done += 1
        return job

    @property
    def stages(self) -> dict[str, Stage]:
        """The stages that have jobs in this run, in the order of the work."""
        names = dict.fromkeys([*STAGES.values(), REPORTING])
        sums = {name: _sum(stage for rule, stage in self.rules.items() if stage_of(rule) == name) for name in names}
        return {name: stage for name, stage in sums.items() if stage.total}

    @property
    def whole(self) -> Stage:
        """All jobs of the run."""
        return _sum(self.rules.values())

    def running_in(self, stage: str) -> list[Job]:
        """Return the jobs of a stage that run."""
        return [job for job in list(self.running.values()) if job.stage == stage]


def stage_of(rule: str) -> str:
    """Return the stage that a rule belongs to."""
    return STAGES.get(rule, REPORTING)


def _sum(stages: Iterable[Stage]) -> Stage:
    stages = list(stages)
    return Stage(sum(stage.total for stage in stages), sum(stage.done for stage in stages))
