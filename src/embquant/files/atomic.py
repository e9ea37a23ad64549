"""Files that appear whole or not at all.

They are written under a temporary name, synced, recorded (:mod:`embquant.files.records`) and renamed.
"""

import errno
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tokenize import TokenError
from typing import Any

from embquant.errors import InputError
from embquant.files import records

NO_SPACE = "no space left on the device; make room and run again"

UNREADABLE_NPY = (ValueError, EOFError, OverflowError, MemoryError, SyntaxError, TokenError)
"""What ``numpy.load`` raises for another kind of file or a damaged header, which is a Python literal."""

LEFTOVER = re.compile(r"\..+\.[0-9a-f]{8}(\.[a-z0-9]+)?|\.(staging|graph|part)-[a-z0-9_]{8}")
"""Names of files and folders that a killed process may leave."""


@contextmanager
def atomic_path(
    path: Path, kept: bool = True, remade_by: str | None = None, sha256: str | None = None
) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; on success fsync, record and rename it, on any failure remove it.

    ``kept``, ``remade_by`` and ``sha256``, if known, go into the record (:class:`~embquant.files.records.Record`). A
    full disk raises an OSError that names ``path``, whatever the writing library raised.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    try:
        with new_folder(path.parent):
            try:
                yield temporary
                with temporary.open("rb+") as handle:
                    os.fsync(handle.fileno())
                records.record(path, temporary, kept, remade_by, sha256)
                temporary.replace(path)
                records.written(path)
            finally:
                temporary.unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:
        if disk_is_full(error, path.parent):
            raise OSError(errno.ENOSPC, NO_SPACE, str(path)) from error
        raise


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Make a folder and those above it; if the block fails, remove those that were made and are empty."""
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for place in made:
            with suppress(OSError):
                place.rmdir()
        raise


def link_or_copy(source: Path, path: Path) -> None:
    """Give the file ``source`` a second name, ``path``; where the file system refuses that, copy it."""
    with atomic_path(path, sha256=records.recorded_digest(source)) as temporary:
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)


def disk_is_full(error: Exception, folder: Path) -> bool:
    """Whether a write failed because the disk is full, which FAISS, USearch and NumPy's ``tofile`` don't report."""
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or os.strerror(errno.ENOSPC) in str(error):
        return True
    return folder.is_dir() and shutil.disk_usage(folder).free == 0


def require_room(folder: Path, needed: float) -> None:
    """Raise an OSError unless as many bytes as are ``needed`` are free where ``folder`` lies."""
    if (free := shutil.disk_usage(folder).free) < needed:
        said = f"no space left on the device: {needed:,.0f} bytes needed, {free:,} free; make room and run again"
        raise OSError(errno.ENOSPC, said, str(folder))


def remove_leftovers(folder: Path) -> int:
    """Remove what killed processes left below ``folder``, where no process may be writing; return the number."""
    found = [path for path in folder.rglob(".*") if LEFTOVER.fullmatch(path.name)]
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return len(found)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path, noted: bool = True) -> Any:
    """Read a JSON file; a missing, changed or broken one is an InputError. ``noted``: see :func:`records.checked`."""
    try:
        return json.loads(records.checked(path, noted).read_text(encoding="utf-8"))
    except IsADirectoryError:
        raise InputError(f"{path}: a folder, expected a file") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error}); delete it and run again") from None
