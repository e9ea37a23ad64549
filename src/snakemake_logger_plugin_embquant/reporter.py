"""Takes Snakemake's events and shows them: in a display on a terminal, elsewhere in lines."""

import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent

from embquant.embedding.progress import tail
from snakemake_logger_plugin_embquant.causes import OURS, cause_of_job, cause_of_run
from snakemake_logger_plugin_embquant.screens import Lines, Screen, is_terminal
from snakemake_logger_plugin_embquant.stages import Job, Run, stage_of

LOG_LINES = 20
"""Lines of a failed job's log that are shown."""
SHOWN = ("plan_study", "explain_losses")
"""The rules whose text output is shown when it is written: the plan, and the quality before anything is timed."""
JOB_FAILED = "RuleException"
"""What Snakemake raises just before a JOB_ERROR, which says more."""


class Reporter:
    """What is known of the run, and the screen that shows it.

    Of Snakemake's own messages only warnings and errors are shown. The Snakefile's are marked: ``extra={"plan": …}``
    for lines that a run begins with, ``extra={"result": True}`` for what it ends with, on standard output.
    """

    def __init__(self, no_colour: bool) -> None:
        """Report on standard error."""
        self._run = Run()
        self._screen: Screen | Lines = Screen(self._run, no_colour) if is_terminal() else Lines(self._run)
        self._started = self._has_jobs = self._interrupted = self._finished = False
        self._early: list[str] = []  # messages before a run starts: of lint, unlock and the like, which start none
        self._texts: dict[int, Path] = {}
        self._raised = ""
        self._error: tuple[str, str] | None = None  # the first exception's name and text that no job caused
        self._causes: dict[int, str] = {}  # of jobs that failed and have not succeeded since
        self._watch_interrupts()

    def take(self, record: logging.LogRecord) -> None:
        """Take one record of Snakemake's."""
        event: Any = record  # an event's fields are attributes of its record
        match getattr(record, "event", None):
            case LogEvent.WORKFLOW_STARTED:
                self._started = True
            case LogEvent.RUN_INFO:
                self._has_jobs = True
                self._run.begin(event.stats)
                self._screen.begin()
            case LogEvent.JOB_INFO:
                self._start(event)
            case LogEvent.JOB_FINISHED:
                self._end(event.job_id)
            case LogEvent.JOB_ERROR:
                self._fail(event)
            case LogEvent.ERROR:
                self._take_error(event.exception, record.getMessage())
            case None:
                self._take_message(record)

    def finish(self) -> None:
        """End the display, and say why the run failed if it did; the first time only."""
        if self._finished:
            return
        self._finished = True
        self._screen.end()
        if self._interrupted:
            self._screen.say("embquant: interrupted; finished results are kept, and the same command continues")
        elif self._causes:
            self._screen.say(f"{OURS} {next(iter(self._causes.values()))}")
        elif self._error is not None:
            self._screen.say(f"{OURS} {with_configuration(cause_of_run(*self._error))}")
        elif not self._started:
            self._screen.say("\n".join(self._early))
        elif not self._has_jobs:
            self._screen.say("Nothing to be done: all results are up to date")

    def _watch_interrupts(self) -> None:
        """Note Ctrl-C, for which Snakemake sends no event, and pass it on to the present handler."""
        handle = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread() or not callable(handle):
            return

        def note(number: int, frame: Any) -> None:
            if self._has_jobs and not self._interrupted:
                self._interrupted = True
                self._screen.say("Stopping: running jobs are being ended …")
            handle(number, frame)

        signal.signal(signal.SIGINT, note)

    def _start(self, event: Any) -> None:
        log = Path(event.log[0]) if event.log else None
        job = self._run.running[event.jobid] = Job(stage_of(event.rule_name), event.rule_msg or event.rule_name, log)
        self._screen.started(job)
        if event.rule_name in SHOWN:
            self._texts[event.jobid] = next(Path(path) for path in event.output if path.endswith(".txt"))

    def _end(self, number: int) -> None:
        self._run.end(number)
        self._causes.pop(number, None)
        if number in self._texts:
            self._screen.say(self._texts.pop(number).read_text(encoding="utf-8").rstrip())
        if self._run.done == self._run.total:
            self._screen.end()

    def _fail(self, event: Any) -> None:
        job = self._run.running.pop(event.jobid, None)
        if self._interrupted:
            return
        message = job.message if job else event.rule_name
        log = "\n".join(tail(Path(path)) for path in event.log)
        lines = [line for line in (log.strip() or self._raised).splitlines() if line.strip()]
        header = f"Failed: {message} ({', '.join(event.log) or 'no log'})"
        self._screen.say("\n  ".join([header, *lines[-LOG_LINES:]]))
        self._causes.setdefault(event.jobid, cause_of_job(message, log))
        self._raised = ""

    def _take_error(self, exception: str, text: str) -> None:
        if exception == JOB_FAILED:
            self._raised = text
        elif not self._causes and not self._interrupted:  # after a job failed, Snakemake's own errors only repeat it
            if OURS not in text:
                self._screen.say(text.rstrip())
            self._error = self._error or (exception, text)

    def _take_message(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if hasattr(record, "result"):
            self._screen.end()
            print(text, flush=True)
        elif record.levelno >= logging.ERROR:
            self._take_error("", text)
        elif record.levelno >= logging.WARNING or hasattr(record, "plan"):
            self._screen.say(text)
        elif not self._started:
            self._early.append(text)


def with_configuration(cause: str) -> str:
    """Append the configuration file of the command line, unless ``cause`` names it."""
    files = [value for option, value in zip(sys.argv, sys.argv[1:], strict=False) if option == "--configfile"]
    is_named = any(name in cause for file in files[-1:] for name in (file, os.path.relpath(file)))
    return f"{cause} ({files[-1]})" if files and not is_named else cause
