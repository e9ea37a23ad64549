"""What went wrong, in one line."""

import re
import shutil
from pathlib import Path

from embquant.files.atomic import NO_SPACE
from embquant.files.running import RunFolder

OURS = "embquant: error:"
ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
STATUS = re.compile(r"returned non-zero exit status (\d+)|died with <Signals\.(SIG\w+)")
KILLED = 128

RESULTS = Path("results")
LITTLE = 1 << 16
"""Bytes of free disk that a job may have run out of: what it wrote last is gone again by the time one looks."""


def cause_in(text: str) -> str | None:
    """Return what the last of our own error lines in ``text`` says, or None."""
    said = [line.partition(OURS)[2].strip() for line in ESCAPES.sub("", text).splitlines() if OURS in line]
    return said[-1] if said else None


def cause_of_job(message: str, log: str, raised: str) -> str:
    """Return why a job failed: what its log says in our words, else how it ended and its log's last line.

    ``message`` is what the job was doing, ``raised`` what Snakemake said of its end.
    """
    own = cause_in(log)
    if own is not None:
        return own
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    ended = ending(raised)
    if not lines and shutil.disk_usage(RESULTS if RESULTS.is_dir() else ".").free < LITTLE:
        return f"{message}: failed: {NO_SPACE}"  # not even its log could say so
    last = lines[-1] if lines else ("its log is empty" if not ended else "")
    return f"{message}: failed" + (f", {ended}" if ended else "") + (f": {last}" if last else "")


def ending(raised: str) -> str:
    """Say which signal ended a job, if one did; a shell gives it as an exit status above 128."""
    found = STATUS.search(raised)
    if found is None:
        return ""
    status, name = found.groups()
    number = int(status) - KILLED if status else None
    if name == "SIGKILL" or number == 9:
        return "killed, as the system does to a process when memory runs out"
    if name or (number is not None and number > 0):
        return f"ended by {name or f'signal {number}'}"
    return ""


def cause_of_run(text: str) -> str:
    """Return why a run failed that no job's failure ended: in our words, else the last thing that Snakemake said."""
    if "LockException" in text:
        return f"{RunFolder().holder()}; wait for it to end, then run again"
    own = cause_in(text)
    if own is not None:
        return own
    lines = [line.strip() for line in ESCAPES.sub("", text).splitlines() if line.strip()]
    return f"snakemake: {lines[-1]}" if lines else "snakemake stopped without a word"
