"""What the display of a run is told, and what it makes of it: causes, stages, the time that is left."""

import json

import pytest

from snakemake_logger_plugin_embquant.causes import cause_of_job, cause_of_run
from snakemake_logger_plugin_embquant.screens import headline
from snakemake_logger_plugin_embquant.stages import Job, Run

RAISED = "RuleException:\nCalledProcessError in file rules.smk, line 7:\nCommand 'x' returned non-zero exit status {}."


@pytest.mark.parametrize(
    ("log", "status", "cause"),
    [
        ("reading\nembquant: error: a.csv: empty\n12:00 done", 2, "a.csv: empty"),
        ("\x1b[31membquant: error: first\x1b[0m\nembquant: error: last", 2, "last"),
        ("Traceback\nMemoryError: no room", 1, "part 3: failed: MemoryError: no room"),
        ("12:00 half", 137, "part 3: failed, killed, as the system does to a process when memory runs out: 12:00 half"),
        ("", 139, "part 3: failed, ended by signal 11"),
        ("", 1, "part 3: failed: its log is empty"),
    ],
)
def test_the_cause_of_a_job_is_what_its_log_says_or_how_it_ended(log, status, cause):
    assert cause_of_job("part 3", log, RAISED.format(status)) == cause


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (
            'WorkflowError in file "Snakefile":\nembquant: error: study.yaml: unknown key\n  File x',
            "study.yaml: unknown key",
        ),
        ("MissingInputException:\n  nowhere.txt\n\n", "snakemake: nowhere.txt"),
    ],
)
def test_the_cause_of_a_run_is_in_our_words_or_the_last_of_snakemake_s(said, cause):
    assert cause_of_run(said) == cause


def test_a_lock_says_who_is_at_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = "LockException:\nError: Directory cannot be locked."
    assert "(not yet known which); wait for it to end" in cause_of_run(said)
    (tmp_path / ".snakemake").mkdir()
    (tmp_path / ".snakemake" / "embquant.lock").write_text("study small, process 7\n")
    expected = "another run is at work in this folder (study small, process 7); wait for it to end, then run again"
    assert cause_of_run(said) == expected


@pytest.fixture
def run(tmp_path):
    """A run of 4 + 2 + 4 jobs, planned to take 80 and 20 seconds, whose time is what ``now`` holds."""
    now = [0.0]
    run = Run(clock=lambda: now[0])
    run.begin({"embed_corpus": 4, "place_embeddings": 2, "time_search": 4, "all": 1, "total": 11})
    stages = [{"name": "embedding", "seconds": 80, "jobs": 4}, {"name": "timing", "seconds": 20, "jobs": 4}]
    (tmp_path / "plan.json").write_text(json.dumps({"corpora": [{"stages": stages}]}))
    run.plan(tmp_path / "plan.json")
    return run, now


def embed(run, number, folder, said=""):
    log = folder / f"{number}.log"
    log.write_text(said)
    run.start(number, Job("embed_corpus", f"part {number}", log, 0.0))


def test_the_target_is_no_job_and_stages_are_in_order_of_the_work(run):
    stages = run[0].stages
    assert list(stages) == ["embedding", "timing"]
    assert [stage.total for stage in stages.values()] == [6, 4]
    assert run[0].whole().total == 10


def test_before_anything_is_done_the_plan_tells_how_long_it_takes(run):
    assert run[0].seconds_left() == 100


def test_time_left_follows_the_pace_and_counts_the_texts_of_running_jobs(run, tmp_path):
    run, now = run
    embed(run, 1, tmp_path)
    run.end(1)
    embed(
        run,
        2,
        tmp_path,
        "12:00:05 10 of 100 texts, 9.0 a second, 10 s left\n12:00:10 50 of 100 texts, 8.5 a second, 6 s left",
    )
    now[0] = 60.0
    # One of four parts and half of another: 3/8 of 80 s, or 30 of 100 planned seconds, in 60: 140 s more.
    assert run.seconds_left() == pytest.approx(140)
    assert (run.embedded().done, run.embedded().total, run.embedded().rate) == (50, 100, 8.5)
    assert headline(run) == "1 of 10 jobs · 50 of 100 texts at 8/s · about 2 min left"


def test_a_run_of_a_few_jobs_takes_a_share_of_the_plan(tmp_path, run):
    few = Run(clock=lambda: 0.0)
    few.begin({"time_search": 1})
    few.plan(tmp_path / "plan.json")
    assert few.seconds_left() == 5


def test_without_a_plan_no_time_is_told(tmp_path):
    run = Run()
    run.begin({"embed_corpus": 1})
    run.plan(tmp_path / "nowhere.json")
    assert run.seconds_left() is None
    assert headline(run) == "0 of 1 jobs"
