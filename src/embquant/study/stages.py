"""The stages of the work, and which rule of the workflow belongs to which."""

from collections.abc import Mapping

STAGES: dict[str, str] = {
    "prepare_dataset": "preparing",
    "prepare_model": "preparing",
    "calibrate": "preparing",
    "plan_study": "preparing",
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
"""Rule → stage, in the order of the work; other rules are ``REPORTING``."""
REPORTING = "reporting"
LONG = "embed_corpus"
"""The rule that embedding spends its time in, whose jobs say in their logs how far they are."""


def stage_of(rule: str) -> str:
    """Return the stage that a rule belongs to."""
    return STAGES.get(rule, REPORTING)


def decisive_jobs(jobs: Mapping[str, int]) -> dict[str, int]:
    """Return from numbers of jobs by rule those by stage that a stage's time is spent in: of embedding, ``LONG``'s."""
    counts: dict[str, int] = {}
    for rule, count in jobs.items():
        stage = stage_of(rule)
        if stage != STAGES[LONG] or rule == LONG:
            counts[stage] = counts.get(stage, 0) + count
    return counts
