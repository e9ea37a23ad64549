"""What went wrong, in one line."""

import re
import shutil
from pathlib import Path

from embquant.files.atomic import NO_SPACE
from embquant.files.running import RunFolder

OURS = "embquant: error:"
"""How this project's own error lines begin, in logs and in errors that the Snakefile raises."""
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

RESULTS = Path("results")
FULL_BYTES = 1 << 16
"""Free bytes below which a disk counts as full: what the failed job wrote last is removed before one looks."""


def own_error(text: str) -> str | None:
    """Return the last of our own error lines in ``text`` without its beginning; None if there is none."""
    errors = [line.partition(OURS)[2].strip() for line in _lines(text) if OURS in line]
    return errors[-1] if errors else None


def cause_of_job(message: str, log: str) -> str:
    """Return why a job failed, from its log; ``message`` says what the job did.

    A command that fails ends its log with an error line of ours. One that didn't was stopped from outside.
    """
    error = own_error(log)
    if error is not None:
        return error
    lines = _lines(log)
    if not lines and shutil.disk_usage(RESULTS if RESULTS.is_dir() else ".").free < FULL_BYTES:
        return f"{message}: failed: {NO_SPACE}"
    last = f"the last line of its log is: {lines[-1]}" if lines else "its log is empty"
    return f"{message}: ended without an error message, perhaps killed (out of memory?); {last}"


def cause_of_run(exception: str, text: str) -> str:
    """Return why a run failed in which no job did; ``exception`` is the name of the class that Snakemake raised."""
    if exception == "LockException":
        return f"{RunFolder().holder()}; wait for it to end, then run again"
    return own_error(text) or f"snakemake: {(_lines(text) or ['ended without a message'])[-1]}"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in COLOURS.sub("", text).splitlines() if line.strip()]
