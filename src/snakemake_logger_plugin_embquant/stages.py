"""How far a run is: its stages, how many of their jobs are done, and which jobs run."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

STAGES: dict[str, str] = {
    "prepare_dataset": "preparing",
    "prepare_model": "preparing",
    "calibrate": "preparing",
    "plan_study": "preparing",
    "embed_queries": "embedding",
    "embed_corpus": "embedding",
    "place_embeddings": "embedding",
    "build_store": "quantizing",
    "build_index": "indexing",
    "define_method": "indexing",
    "search_index": "searching",
    "search_part": "searching",
    "merge_candidates": "searching",
    "search_bm25": "searching",
    "read_run": "searching",
    "evaluate_run": "evaluating",
    "rerank": "evaluating",
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
    """A running job: its rule's stage, what it does in words, and its log."""

    stage: str
    message: str
    log: Path | None


@dataclass
class Run:
    """How many jobs each stage of a run has, how many are done, and which run."""

    total: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    running: dict[int, Job] = field(default_factory=dict)

    def begin(self, counts: Mapping[str, int]) -> None:
        """Take the number of jobs of each rule."""
        for rule, count in counts.items():
            if rule not in NO_WORK:
                self.total[stage_of(rule)] += count

    def end(self, number: int) -> None:
        """Note that a job is done; the target, which never started, is none."""
        job = self.running.pop(number, None)
        if job is not None:
            self.done[job.stage] += 1

    @property
    def stages(self) -> list[str]:
        """The stages that have jobs in this run, in the order of the work."""
        return [stage for stage in dict.fromkeys([*STAGES.values(), REPORTING]) if self.total[stage]]


def stage_of(rule: str) -> str:
    """Return the stage that a rule belongs to."""
    return STAGES.get(rule, REPORTING)
