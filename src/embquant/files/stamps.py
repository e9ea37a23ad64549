"""Stamps of large files: what changes when a file is written to, and which digest the file had then."""

import os
from contextlib import suppress
from pathlib import Path

FOLDER = ".records"
"""The folder beside files in which their records and stamps lie."""


def stamp_of(path: Path) -> str | None:
    """Return what changes when a file is written to; None if there is no file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return f"{status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def vouched(path: Path, stamp: str, digest: str) -> bool:
    """Return whether a file with this stamp has been found to have this digest."""
    with suppress(OSError, ValueError):
        return _stamp_place(path).read_text(encoding="utf-8") == f"{stamp} {digest}"
    return False


def vouch(path: Path, stamp: str, digest: str) -> None:
    """Note that the file ``path`` has been found to have ``digest`` while its stamp was ``stamp``."""
    with suppress(OSError):  # in a folder that can't be written to, the file is compared every time
        replace_text(_stamp_place(path), f"{stamp} {digest}", durable=False)


def _stamp_place(path: Path) -> Path:
    return path.parent / FOLDER / f"{path.name}.stamp"


def replace_text(path: Path, text: str, durable: bool) -> None:
    """Write a small text file, which appears whole; ``durable``: it is synced to the disk first."""
    temporary = path.with_name(f".{path.name}.{os.getpid():08x}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
