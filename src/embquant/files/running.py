"""One run per folder at a time: who holds the folder, what a killed run leaves, and whether a cluster takes jobs."""

import argparse
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from embquant.errors import InputError

HOLD = "embquant.lock"
"""The file in Snakemake's folder that a run locks. The system releases it with the process, however that ends."""

PROFILE = "embquant.profile"
"""The file beside it in which a run notes its profile."""

PATIENCE_SECONDS = 2.0
"""How long a run tries to lock the file: another run may lock it for an instant to see whether it is locked."""


class RunFolder:
    """Snakemake's own folder, ``.snakemake``, in the folder where studies are run."""

    held: FileLock | None = None
    """The lock of this process's run; an object that nobody keeps would release it."""

    def __init__(self, state: Path = Path(".snakemake")) -> None:
        """Take the folder's path; it need not exist yet."""
        self.hold_file = state / HOLD
        self.profile_file = state / PROFILE
        self.snakemake_locks = state / "locks"

    def hold(self, study: str, profile: str | None = None) -> None:
        """Hold the folder until this process ends; an InputError says which run holds it, if one does.

        ``profile`` is noted for the run's jobs.
        """
        self.hold_file.parent.mkdir(exist_ok=True)
        lock = FileLock(self.hold_file)
        try:
            lock.acquire(timeout=PATIENCE_SECONDS)
        except Timeout:
            raise InputError(f"{self.holder()}; wait for it to end, then run again") from None
        RunFolder.held = lock
        started = time.strftime("%Y-%m-%d %H:%M:%S")
        self.hold_file.write_text(
            f"study {study}, process {os.getpid()} on {socket.gethostname()}, since {started}\n", encoding="utf-8"
        )
        self.profile_file.write_text(profile or "", encoding="utf-8")

    def profile(self) -> str | None:
        """Return the profile of the run that holds the folder, or held it last; None if it had none."""
        return (self.profile_file.read_text(encoding="utf-8") if self.profile_file.exists() else "") or None

    def holder(self) -> str:
        """Say which run holds the folder."""
        holder = (
            self.hold_file.read_text(encoding="utf-8").strip() if self.hold_file.exists() else "not yet known which"
        )
        return f"another run is at work in this folder ({holder})"

    def unlock_if_dead(self) -> bool:
        """Remove the locks that a killed Snakemake left; while a run is alive, leave them and return False.

        Every run holds the folder before its first job starts, so none works behind a lock that is removed here. Of
        two runs that come this far at once, only one gets hold of the folder.
        """
        if not self.snakemake_locks.is_dir():
            return True
        try:
            with FileLock(self.hold_file, timeout=0):
                for lock in self.snakemake_locks.glob("*.lock"):  # not the folder: another run may be about to write
                    lock.unlink(missing_ok=True)
        except Timeout:
            return False
        return True


def check_slurm() -> None:
    """Refuse, in one line, to send jobs to a Slurm that can't be reached from here."""
    problem = ""
    sinfo = shutil.which("sinfo")
    if sinfo is None or shutil.which("sbatch") is None:
        problem = "there is no sbatch here; run this on a login node of the cluster, or without PROFILE="
    else:
        try:
            subprocess.run([sinfo, "--noheader"], check=True, capture_output=True, text=True, timeout=60)
        except subprocess.TimeoutExpired:
            problem = "sinfo has not answered for a minute"
        except subprocess.CalledProcessError as error:
            lines = error.stderr.strip().splitlines() or ["it says nothing"]
            problem = f"it does not answer ({lines[-1]})"
    if problem:
        raise InputError(f"the profile sends jobs to Slurm, but {problem}")


def profile_of(words: Sequence[str]) -> str | None:
    """Return NAME of a command line with ``--profile profiles/NAME``, as ``make run PROFILE=NAME`` has it; else None.

    ``make`` can't be given a profile that lies elsewhere, or several.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--profile", nargs="+", action="extend", default=[])
    given = [Path(path) for path in parser.parse_known_args(words)[0].profile]
    return given[0].name if len(given) == 1 and given[0].parent == Path("profiles") else None
