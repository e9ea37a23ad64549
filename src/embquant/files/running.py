"""One run in a folder at a time: who holds it, what a killed one leaves, and jobs that don't outlive theirs."""

import errno
import fcntl
import os
import select
import socket
import sys
import threading
import time
from pathlib import Path

from embquant.errors import InputError

HOLD = "embquant.lock"
"""The file in Snakemake's folder that a run locks. The system gives a lock up with its process, however that ended."""

PATIENCE = 2.0
"""Seconds that a run tries to get hold of its folder: others look whether it is held, for an instant."""


class RunFolder:
    """Snakemake's own folder, ``.snakemake``, in the folder that studies are run in."""

    def __init__(self, state: Path = Path(".snakemake")) -> None:
        """Take the folder's path; it need not exist yet."""
        self.hold_file = state / HOLD
        self.locks = state / "locks"

    def hold(self, study: str) -> None:
        """Hold the folder until this process ends; held by another, it is an InputError that says by whom."""
        self.hold_file.parent.mkdir(exist_ok=True)
        handle = os.open(self.hold_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        until = time.monotonic() + PATIENCE
        while not _lock(handle):
            if time.monotonic() > until:
                raise InputError(f"{self.holder()}; wait for it to end, then run again")
            time.sleep(0.05)
        started = time.strftime("%Y-%m-%d %H:%M:%S")
        os.truncate(handle, 0)
        os.write(handle, f"study {study}, process {os.getpid()} on {socket.gethostname()}, since {started}\n".encode())

    def holder(self) -> str:
        """Say who holds the folder."""
        who = self.hold_file.read_text(encoding="utf-8").strip() if self.hold_file.exists() else "not yet known which"
        return f"another run is at work in this folder ({who})"

    def unlock_if_dead(self) -> bool:
        """Remove the locks that a killed Snakemake left; leave them, and return False, while a run is alive.

        Every run of this workflow holds the folder before its first job starts, so that nobody works behind a lock
        that is removed here; and if two came this far at once, only one would get hold of the folder.
        """
        if not self.locks.is_dir():
            return True
        handle = os.open(self.hold_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            if not _lock(handle):
                return False
            for lock in self.locks.glob("*.lock"):  # not the folder, in which another may be about to write
                lock.unlink(missing_ok=True)
            return True
        finally:
            os.close(handle)


def _lock(handle: int) -> bool:
    """Lock an open file; False if another process has."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise
        return False
    return True


def end_with(parent: str | None) -> None:
    """End this process as soon as the process ``parent`` (its id; None: nobody) has ended.

    A killed run's jobs would go on for nobody, beside those of the run that takes up its work.
    """
    if parent is None or sys.platform != "linux":
        return
    try:
        handle = os.pidfd_open(int(parent))
    except ProcessLookupError:
        os._exit(1)
    except (AttributeError, OSError):  # before Linux 5.3, or where a container forbids it: jobs outlive a killed run
        return

    def wait() -> None:
        select.select([handle], [], [])
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
