"""What the display makes of logs and of Snakemake's events: causes, stages and progress."""

import json
import logging
import re
from pathlib import Path

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from embquant.embedding import progress
from snakemake_logger_plugin_embquant.causes import cause_of_job, cause_of_run
from snakemake_logger_plugin_embquant.reporter import Reporter
from snakemake_logger_plugin_embquant.screens import headline
from snakemake_logger_plugin_embquant.stages import STAGES, Job, Run

KILLED = "part 3: ended without an error message, perhaps killed (out of memory?); "


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        ("reading\nembquant: error: a.csv: empty\n12:00 done", "a.csv: empty"),
        ("\x1b[31membquant: error: first\x1b[0m\nembquant: error: last", "last"),
        ("12:00 half\n\n", KILLED + "the last line of its log is: 12:00 half"),
        ("", KILLED + "its log is empty"),
    ],
)
def test_the_cause_of_a_job_is_the_error_line_of_its_log_or_that_it_has_none(log, cause):
    assert cause_of_job("part 3", log) == cause


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (
            'WorkflowError in file "Snakefile":\nembquant: error: study.yaml: unknown key\n  File x',
            "study.yaml: unknown key",
        ),
        ("Missing input files:\n  nowhere.txt\n\n", "snakemake: nowhere.txt"),
        ("", "snakemake: ended without a message"),
    ],
)
def test_the_cause_of_a_run_is_our_error_line_or_the_last_of_snakemake_s(text, cause):
    assert cause_of_run("WorkflowError", text) == cause


def test_a_lock_says_who_is_at_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "(not yet known which); wait for it to end" in cause_of_run("LockException", "")
    (tmp_path / ".snakemake").mkdir()
    (tmp_path / ".snakemake" / "embquant.lock").write_text("study small, process 7\n")
    expected = "another run is at work in this folder (study small, process 7); wait for it to end, then run again"
    assert cause_of_run("LockException", "") == expected


@pytest.fixture
def run():
    """A run of 4 + 2 + 4 jobs."""
    run = Run()
    run.begin({"embed_corpus": 4, "place_embeddings": 2, "time_search": 4, "all": 1, "total": 11})
    return run


def test_the_target_is_no_job_and_stages_are_in_order_of_the_work(run):
    assert run.total == {"embedding": 6, "timing": 4}
    assert run.stages == ["embedding", "timing"]


def test_every_rule_of_the_workflow_has_a_stage():
    files = Path(__file__).parents[2].glob("workflow/rules/*.smk")
    rules = {rule for file in files for rule in re.findall(r"^rule (\w+):", file.read_text(), re.MULTILINE)}
    assert rules - set(STAGES) == {"explain_losses", "join_reports", "write_report"}
    assert set(STAGES) <= rules


def test_the_headline_counts_jobs_and_the_texts_of_those_that_run(run, tmp_path):
    assert headline(run) == "0 of 10 jobs"
    lines = {
        "1": 'reading\n12:05 progress {"done": 10, "total": 100, "per_second": 9.0}\n'
        '12:10 progress {"done": 50, "total": 100, "per_second": 8.5}\n',
        "2": '12:10 progress {"done": 7, "total": 2000, "per_second": 2.0}\n12:15 progress {"do',
        "3": "nothing yet",
    }
    for number, (name, text) in enumerate(lines.items()):
        log = tmp_path / f"{name}.log"
        log.write_text(text)
        run.running[number] = Job("embedding", f"part {name}", log)
    run.running[9] = Job("embedding", "part 9", tmp_path / "not there.log")
    assert headline(run) == "0 of 10 jobs · 57 of 2,100 texts at 10/s"
    run.end(0)
    assert headline(run) == "1 of 10 jobs · 7 of 2,000 texts at 2/s"


def test_what_a_job_logs_of_its_progress_is_read_back(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        assert list(progress.track([["a", "b"], ["c"]], 3)) == [["a", "b"], ["c"]]
    (tmp_path / "log").write_text("\n".join(f"12:00:00 {message}" for message in caplog.messages))
    done = progress.last_progress(tmp_path / "log")
    assert (done.done, done.total) == (3, 3)


def record(event=None, level=logging.INFO, text="", **fields):
    """A record as Snakemake makes it."""
    made = logging.LogRecord("snakemake", level, __file__, 1, text, (), None)
    made.__dict__.update(fields if event is None else {"event": event, **fields})
    return made


def said(capsys, *records):
    """Return the lines that a reporter writes, without a terminal, for these records."""
    reporter = Reporter(no_colour=True)
    for each in records:
        reporter.take(each)
    reporter.finish()
    out, err = capsys.readouterr()
    return (err + out).splitlines()


STARTED = record(LogEvent.WORKFLOW_STARTED, text="Workflow has started!")
JOBS = record(LogEvent.RUN_INFO, stats={"embed_corpus": 2, "total": 2})


def job(number, log=()):
    return record(
        LogEvent.JOB_INFO, jobid=number, rule_name="embed_corpus", rule_msg=f"part {number}", log=list(log), output=[]
    )


def failed(number, log=()):
    return record(LogEvent.JOB_ERROR, logging.ERROR, jobid=number, rule_name="embed_corpus", log=list(log))


def raised(name, text):
    return record(LogEvent.ERROR, logging.ERROR, text, exception=name)


def test_messages_of_snakemake_are_shown_only_where_they_warn_or_nothing_is_run(capsys):
    chat, warning = record(text="Select jobs to execute..."), record(level=logging.WARNING, text="old metadata")
    ours = record(text="Study small", plan="plan.json")
    assert said(capsys, chat, STARTED, JOBS, chat, warning, ours) == ["old metadata", "Study small"]
    assert said(capsys, record(text="Unlocked.")) == ["Unlocked."]
    assert said(capsys, STARTED, chat)[-1].startswith("Nothing to be done")


def test_a_failed_job_is_the_cause_unless_it_succeeds_when_it_is_tried_again(capsys, tmp_path):
    log = tmp_path / "a.log"
    log.write_text("reading\nembquant: error: a.csv: empty\n")
    failing = [
        STARTED,
        JOBS,
        job(1, [str(log)]),
        raised("RuleException", "exit status 2"),
        failed(1, [str(log)]),
    ]
    lines = said(capsys, *failing, raised("WorkflowError", "At least one job did not complete"))
    assert lines[-4:] == [
        f"Failed: part 1 ({log})",
        "  reading",
        "  embquant: error: a.csv: empty",
        "embquant: error: a.csv: empty",
    ]
    again = said(capsys, *failing, job(1), record(LogEvent.JOB_FINISHED, job_id=1))
    assert again[-1] == "  embquant: error: a.csv: empty"


def test_where_a_failed_job_has_no_log_what_snakemake_raised_is_shown(capsys):
    lines = said(capsys, STARTED, JOBS, job(1), raised("RuleException", "NameError:\nno wildcard x"), failed(1))
    assert lines[-4:-1] == ["Failed: part 1 (no log)", "  NameError:", "  no wildcard x"]


def test_an_error_before_any_job_is_the_cause(capsys):
    early = record(text="Assuming unrestricted shared filesystem usage.")
    lines = said(capsys, early, raised("WorkflowError", "WorkflowError in line 3:\nembquant: error: study.yaml: no"))
    assert lines == ["embquant: error: study.yaml: no"]


@pytest.mark.parametrize(
    ("cause", "line"),
    [
        ("../study.yaml: no key", "../study.yaml: no key"),  # as the Snakefile names it
        ("{file}: no key", "{file}: no key"),
        ("no YAML", "no YAML ({file})"),
    ],
)
def test_the_configuration_is_named_once(capsys, monkeypatch, tmp_path, cause, line):
    file = tmp_path / "study.yaml"
    (tmp_path / "checkout").mkdir()
    monkeypatch.chdir(tmp_path / "checkout")
    monkeypatch.setattr("sys.argv", ["snakemake", "--configfile", str(file)])
    lines = said(capsys, raised("WorkflowError", f"embquant: error: {cause.format(file=file)}"))
    assert lines == [f"embquant: error: {line.format(file=file)}"]


@pytest.mark.parametrize(
    ("rule", "files"),
    [
        ("plan_study", ["plan.json", "plan.txt"]),
        ("explain_losses", ["worst_queries.parquet", "losses.parquet", "diagnosis.json", "quality.txt"]),
    ],
)
def test_the_plan_and_the_quality_are_shown_when_they_are_written(capsys, tmp_path, rule, files):
    (tmp_path / files[-1]).write_text("Text of the study small\n")
    planning = record(
        LogEvent.JOB_INFO,
        jobid=1,
        rule_name=rule,
        rule_msg="Working",
        log=[],
        output=[str(tmp_path / name) for name in files],
    )
    assert json.dumps(said(capsys, STARTED, planning, record(LogEvent.JOB_FINISHED, job_id=1))).count("Text of") == 1
