"""The study comes out the same from a cluster, jobs ask for what they need, and a killed job is run again."""

import pytest

TIMELESS = ("retrieval", "significance", "macro", "memory")
REPORTS = "results/reports/small"


@pytest.mark.parametrize("table", TIMELESS)
def test_a_table_without_times_is_the_same_to_the_byte(run, local, table):
    one, other = ((folder / REPORTS / f"{table}.csv").read_bytes() for folder in (local, run.folder))
    assert one == other
    assert one.count(b"\n") > 1


def test_a_killed_job_runs_again_and_asks_for_more(run):
    for killed in (run.cancelled, run.killed):
        first = next(job for job in run.jobs if job.id == killed)
        again = [job for job in run.jobs if job.comment == first.comment and job.id != killed]
        assert first.state in ("CANCELLED", "FAILED")
        assert [job.state for job in again] == ["COMPLETED"]
        assert megabytes(again[0].memory) > 1.9 * megabytes(first.memory)
        assert hours(again[0].time_limit) > 1.9 * hours(first.time_limit)


def test_timings_have_the_node_to_themselves_and_other_jobs_share_it(run):
    timed = {job.comment.split("_wildcards")[0] for job in run.jobs if job.exclusive}
    assert timed == {"rule_time_search"}


def test_small_jobs_are_submitted_together(run):
    submitted = [job.comment.split("_wildcards")[0] for job in run.jobs if job.state == "COMPLETED"]
    assert submitted.count("rule_place_place_embeddings") == 1  # of three parts
    assert submitted.count("rule_embed_corpus") == 3


def test_jobs_go_to_the_partition_asked_for(run):
    assert {job.partition for job in run.jobs} == {"long"}


def test_a_job_that_asks_for_a_gpu_is_given_one(run):
    given = {job.comment.split("_wildcards")[0] for job in run.jobs if job.gpus == 1}
    assert given == {"rule_embed_corpus"}


def megabytes(memory):
    """Return what Slurm writes as 1500M or 1.50G in MB."""
    return float(memory[:-1]) * {"M": 1, "G": 1024}[memory[-1]]


def hours(limit):
    """Return what Slurm writes as 1-02:30:00."""
    days, _, rest = limit.rpartition("-")
    hour, minute, second = map(int, rest.split(":"))
    return int(days or 0) * 24 + hour + minute / 60 + second / 3600
