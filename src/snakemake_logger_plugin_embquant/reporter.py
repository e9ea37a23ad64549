"""Takes Snakemake's events in and tells them: on a terminal in a display, elsewhere in lines."""

import logging
import sys
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent

from embquant.files.atomic import read_json
from embquant.study.remaining import lines
from snakemake_logger_plugin_embquant.causes import OURS, cause_of_job, cause_of_run
from snakemake_logger_plugin_embquant.screens import Lines, Screen, terminal
from snakemake_logger_plugin_embquant.stages import Job, Run, tail

LOG_LINES = 20
"""Lines of a failed job's log that are shown."""
UNINTERESTING = (
    "Assuming unrestricted",
    "Building DAG",
    "Complete log",
    "Conda environments: ignored",
    "Elapsed time",
    "Execute ",
    "Exiting because a job execution failed",
    "Group jobs: inactive",
    "Provided ",
    "Removing output files of failed job",
    "Removing temporary output",
    "Rules claiming more threads",
    "Select jobs",
    "Shutting down",
    "Singularity containers: ignored",
    "Storing output in storage",
    "Using shell",
    "Will exit after finishing",
    "WorkflowError:\nAt least one job did not complete",
)
"""How messages begin that tell nothing which isn't told otherwise; what isn't known here is shown."""
INTERRUPTED = ("Terminating processes on user request", "Cancelling snakemake on user request")
PLANNING = "plan_study"


class Reporter:
    """What is known of the run, and the screen that it is shown on."""

    def __init__(self, plain_colours: bool) -> None:
        """Report on standard error; ``plain_colours``: without any."""
        self._run = Run()
        self._screen: Screen | Lines = Screen(self._run, plain_colours) if terminal() else Lines(self._run)
        self._plans: dict[int, Path] = {}
        self._raised = ""
        self._said: list[str] = []
        self._causes: dict[int, str] = {}  # of jobs that failed and have not succeeded since
        self._interrupted = False
        self._finished = False

    def take(self, record: logging.LogRecord) -> None:
        """Take one record of Snakemake's in."""
        event = getattr(record, "event", None)
        match event:
            case LogEvent.RUN_INFO:
                self._run.begin(getattr(record, "stats", {}))
                self._screen.begin()
            case LogEvent.JOB_INFO:
                self._start(record)
            case LogEvent.JOB_FINISHED:
                self._end(record.job_id)  # type: ignore[attr-defined]
            case LogEvent.JOB_ERROR:
                self._fail(record)
            case None | LogEvent.ERROR:
                self._say(record)

    def finish(self) -> None:
        """End the display, and say why the run failed if it did; the first time only."""
        if self._finished:
            return
        self._finished = True
        self._screen.end()
        if self._interrupted:
            self._screen.say("embquant: interrupted; what is finished is kept, and the same command goes on from there")
        elif self._causes:
            self._screen.say(f"{OURS} {next(iter(self._causes.values()))}")
        elif self._said:
            self._screen.say(f"{OURS} {of_study(cause_of_run(''.join(self._said)))}")

    def _start(self, record: Any) -> None:
        message = record.rule_msg or record.rule_name
        log = Path(record.log[0]) if record.log else None
        self._run.start(record.jobid, Job(record.rule_name, message, log, self._run.clock()))
        if record.rule_name == PLANNING:
            self._plans[record.jobid] = next(Path(path) for path in record.output if path.endswith(".json"))
        self._screen.started(message)

    def _end(self, number: int) -> None:
        self._run.end(number)
        self._causes.pop(number, None)
        if number in self._plans:
            plan = self._plans.pop(number)
            self._run.plan(plan)
            self._screen.say("\n".join(lines(read_json(plan, noted=False), self._run.jobs)))
        if self._run.whole().done == self._run.whole().total:
            self._screen.end()
        else:
            self._screen.update()

    def _fail(self, record: Any) -> None:
        job = self._run.running.pop(record.jobid, None)
        if self._interrupted:
            return
        message = job.message if job else record.rule_name
        logs = [Path(path) for path in record.log or []]
        text = "\n".join(tail(path) for path in logs)
        lines = [line for line in text.splitlines() if line.strip()]
        shown = "\n".join(f"  {line}" for line in lines[-LOG_LINES:])
        self._screen.say(
            f"Failed: {message} ({', '.join(map(str, logs)) or 'no log'})" + (f"\n{shown}" if shown else "")
        )
        self._causes.setdefault(record.jobid, cause_of_job(message, text, self._raised))
        self._raised = ""

    def _say(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        plan = getattr(record, "plan", None)
        if plan is not None:
            self._run.plan(Path(plan))
        if message.startswith(INTERRUPTED):
            self._interrupted = True
            self._screen.say("Stopping: jobs that run are being ended …")
        elif record.levelno >= logging.ERROR:
            self._err(message)
        elif getattr(record, "result", False):
            self._screen.end()
            print(message, flush=True)
        elif message and not message.startswith(UNINTERESTING):
            self._screen.say(message)

    def _err(self, message: str) -> None:
        if "CalledProcessError" in message:  # the job's own error follows, and its log says more
            self._raised = message
        elif not message.startswith(UNINTERESTING) and not self._interrupted:
            self._said.append(message + "\n")
            if OURS not in message:
                self._screen.say(message.rstrip())


def of_study(cause: str) -> str:
    """Append the configuration that was given on the command line, unless the cause names it."""
    given = [value for option, value in zip(sys.argv, sys.argv[1:], strict=False) if option == "--configfile"]
    return f"{cause} ({given[-1]})" if given and given[-1] not in cause else cause
