"""What a person sees of a run, on terminals of all kinds and in pipes: real runs of Snakemake with jobs of a line."""

import os
import subprocess
import sys

import pytest

from support.small_study import REPOSITORY
from support.terminals import ESCAPE, HIDE, is_sane, last_line, run_in_terminal

pytestmark = pytest.mark.workflow

SNAKEFILE = '''
rule all:
    input:
        expand("{part}.parquet", part=["a", "b"]),

rule embed_corpus:
    output: "{part}.parquet"
    log: "{part}.log"
    message: "facts: embedding part {wildcards.part}"
    shell: """JOB"""

onsuccess:
    logger.info("the verdict", extra={"result": True})
'''
PROGRESS = """echo '12:00:00 progress {{"done": 1250, "total": 2811, "per_second": 97.4}}' > {log}"""
FINE = f"{PROGRESS}; touch {{output}}"
FAILING = "echo 'reading'  > {log}; echo 'embquant: error: corpus.jsonl: not this' >> {log}; exit 2"
KILLED = "echo 'embedding' > {log}; kill -9 $$"
COLOUR = "\x1b[38;"
LONG = f"{PROGRESS}; exec sleep 60"


@pytest.fixture
def workflow(tmp_path):
    """Return a function that writes the workflow with a job's command and returns the folder."""

    def write(job):
        (tmp_path / "Snakefile").write_text(SNAKEFILE.replace("JOB", job))
        return tmp_path

    return write


def command(*arguments):
    return [sys.executable, "-m", "snakemake", "--cores", "2", "--logger", "embquant", *arguments]


def variables(**changes):
    given = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src"), "TERM": "xterm-256color", **changes}
    return given if "NO_COLOR" in changes else {name: given[name] for name in given if name != "NO_COLOR"}


def piped(folder, *arguments):
    done = subprocess.run(
        command(*arguments), cwd=folder, env=variables(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    return done.returncode, done.stdout


def test_a_terminal_shows_stages_while_they_run_and_ends_with_the_verdict(workflow):
    status, written = run_in_terminal(command(), workflow(FINE), variables())
    assert status == 0
    assert HIDE in written
    assert COLOUR in written
    assert "embedding" in written
    assert "0 of 2 jobs" in written
    assert last_line(written) == "the verdict"
    assert is_sane(written)
    assert written.rstrip().endswith("the verdict")  # nothing of the display is left below it


def test_texts_and_jobs_are_shown_until_ctrl_c_ends_them_and_the_terminal_is_as_it_was(workflow):
    folder = workflow(LONG)
    status, written = run_in_terminal(command(), folder, variables(), keys={"2,500 of 5,622 texts": "\x03"})
    plain = ESCAPE.sub("", written)
    assert "2,500 of 5,622 texts at 195/s" in plain
    assert "facts: embedding part a" in plain
    assert "facts: embedding part b" in plain
    assert status != 0
    assert last_line(written).startswith("embquant: interrupted; finished results are kept")
    assert is_sane(written)
    assert not (folder / "a.parquet").exists()


def test_a_failing_job_shows_its_log_at_once_and_the_cause_in_the_last_line(workflow):
    status, written = run_in_terminal(command(), workflow(FAILING), variables())
    assert status != 0
    assert "Failed: facts: embedding part" in ESCAPE.sub("", written)
    assert "reading" in written
    assert last_line(written) == "embquant: error: corpus.jsonl: not this"
    assert is_sane(written)


def test_a_job_that_ends_without_an_error_message_was_perhaps_killed(workflow):
    status, written = piped(workflow(KILLED))
    assert status != 0
    assert last_line(written).endswith(
        ": ended without an error message, perhaps killed (out of memory?); the last line of its log is: embedding"
    )


def test_a_narrow_window_cuts_lines_and_wraps_none_of_the_display(workflow):
    status, written = run_in_terminal(
        command(), workflow(LONG), variables(), keys={"2,500 of 5,622 texts": "\x03"}, columns=40
    )
    assert status != 0
    shown = ESCAPE.sub("", written[written.index(HIDE) : written.index("^C")])
    assert max(map(len, shown.replace("\r", "\n").splitlines())) <= 40


def test_no_color_means_none(workflow):
    status, written = run_in_terminal(command(), workflow(FINE), variables(NO_COLOR="1"))
    assert status == 0
    assert COLOUR not in written
    assert HIDE in written


def test_a_terminal_that_can_do_nothing_gets_lines(workflow):
    status, written = run_in_terminal(command(), workflow(FINE), variables(TERM="dumb"))
    assert status == 0
    assert "\x1b" not in written
    assert "Embedding: 2 jobs, the first: facts: embedding part" in written
    assert last_line(written) == "the verdict"


def test_a_pipe_gets_few_lines_and_the_same_end(workflow):
    status, written = piped(workflow(FINE))
    assert status == 0
    assert "\x1b" not in written
    assert len(written.splitlines()) <= 3
    assert written.endswith("the verdict\n")


def test_a_second_run_says_that_nothing_is_to_be_done(workflow):
    folder = workflow(FINE)
    piped(folder)
    status, written = piped(folder)
    assert status == 0
    assert "\nNothing to be done" in f"\n{written}"


def test_what_only_snakemake_sees_is_said_last_as_well(workflow):
    folder = workflow(FINE)
    (folder / "Snakefile").write_text("rule all:\n    input: 'nowhere.txt'\n")
    status, written = piped(folder)
    assert status != 0
    assert last_line(written).startswith("embquant: error: snakemake: ")
    assert "nowhere.txt" in last_line(written)


def test_a_dry_run_looks_as_snakemake_has_it(workflow):
    status, written = piped(workflow(FINE), "--dry-run")
    assert status == 0
    assert "Job stats:" in written
    assert "This was a dry-run" in written
