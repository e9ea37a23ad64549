"""What is known of every file that a step writes: its SHA-256, and what it was made from.

The record of ``FOLDER/NAME`` is ``FOLDER/.records/NAME.json``; it is written before the file appears under its name. A
step checks each recorded file that it reads: small ones are read and compared every time, large ones when their stamp
(inode, size, times of change) is not the one they were last compared under. Files without a record are the user's own,
and there is nothing to compare them with; but a job of the workflow finds none among files that have records.
"""

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from embquant import __version__
from embquant.errors import InputError
from embquant.files.provenance import file_digest

FOLDER = ".records"

READ_WHOLE = 16 << 20
"""Bytes up to which a file is read and compared whenever a step opens it: 20 ms or so. Of larger ones a stamp tells."""


@dataclass(frozen=True)
class Record:
    """The digest of an artifact, and where it came from.

    ``inputs`` are the files that its command had read by then, relative to the artifact's folder where they lie in the
    same project, with their SHA-256; ``code`` is a digest of the library's modules that were loaded. An artifact that
    is not ``kept`` may be gone once others were made from it. ``remade_by`` names the file beside it that the workflow
    makes it together with, where it doesn't know the artifact itself.
    """

    sha256: str
    bytes: int
    kept: bool
    remade_by: str | None
    command: list[str]
    code: str
    version: str
    inputs: dict[str, str]

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """Return the record of ``path``, None if it has none; one that was tampered with is an InputError."""
        place = place_of(path)
        try:
            values = json.loads(place.read_bytes())
            seal = values.pop("seal")
            record = cls(**values)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, AttributeError):
            seal, record = None, None
        if record is None or seal != _seal(values):
            raise InputError(f"{place}: damaged record; {remedy(path)}")
        return record

    def used(self, path: Path) -> dict[Path, str]:
        """Return the inputs of the artifact ``path`` with their SHA-256."""
        return {Path(os.path.normpath(path.parent / name)): digest for name, digest in self.inputs.items()}


@dataclass
class Job:
    """What the running command has read and written so far."""

    command: list[str] = field(default_factory=list)
    in_run: bool = False
    """Whether the workflow called it, in whose folders nobody else writes."""
    recording: bool = False
    """Whether what it writes belongs to the results of a study."""
    used: dict[Path, str] = field(default_factory=dict)
    compared: dict[Path, str] = field(default_factory=dict)
    """Path → stamp under which it was found to be what its record says."""


_job = Job()


def begin(command: Sequence[str], in_run: bool = False, recording: bool = True) -> None:
    """Forget what was read so far: from here on ``command`` reads and writes, perhaps as a job of the workflow."""
    global _job
    _job = Job(list(command), in_run, recording)


def place_of(path: Path) -> Path:
    """Return where the record of ``path`` lies."""
    return path.parent / FOLDER / f"{path.name}.json"


def remedy(path: Path, record: Record | None = None) -> str:
    """Say how to have ``path`` made again."""
    target = path.with_name(record.remade_by) if record and record.remade_by else path
    return f"to rebuild it: rm -f {target} && make run ARGS='-- {target}'"


def checked(path: Path, noted: bool = True) -> Path:
    """Return ``path`` once it was found to be what its record says, and note it as an input of what is written later.

    One that has no part in what is written need not be ``noted``.
    A file that is missing, or that another content has than was recorded, is an InputError that says how to rebuild it.
    """
    path = Path(path)
    key = absolute(path)
    stamp = _stamp(path)
    if stamp is not None and _job.compared.get(key) == stamp:
        return path
    record = Record.of(path)
    if stamp is None:
        raise InputError(f"{path}: no such file" + (f"; {remedy(path, record)}" if record else ""))
    if record is None:
        if _job.in_run and (path.parent / FOLDER).is_dir():
            raise InputError(f"{path}: not recorded, so no step wrote it; {remedy(path)}")
        return path
    large = record.bytes > READ_WHOLE
    if not large or not _vouched(path, stamp, record.sha256):
        if difference := difference_from(record, path):
            raise InputError(f"{path}: damaged, {difference}; {remedy(path, record)}")
        if large:
            _vouch(path, stamp, record.sha256)
    _job.compared[key] = stamp
    if noted:
        _job.used[key] = record.sha256
    return path


def difference_from(record: Record, path: Path) -> str | None:
    """Say how the content of ``path`` differs from its record; None if it doesn't."""
    size = path.stat().st_size
    if size != record.bytes:
        return f"{size} bytes where {record.bytes} were written"
    digest = file_digest(path)
    return None if digest == record.sha256 else f"SHA-256 {digest[:16]}… where {record.sha256[:16]}… was written"


def note_input(path: Path) -> str:
    """Note a file of the user's as an input of what is written later; return its SHA-256."""
    key, stamp = absolute(path), _stamp(path)
    if _job.compared.get(key) != stamp:
        _job.used[key] = file_digest(path)
        _job.compared[key] = stamp
    return _job.used[key]


def record(path: Path, content: Path, kept: bool = True, remade_by: str | None = None) -> None:
    """Write the record of ``path``, which is going to have the bytes of the file ``content``."""
    if not _job.recording:
        return
    own = Record(
        sha256=file_digest(content),
        bytes=content.stat().st_size,
        kept=kept,
        remade_by=remade_by,
        command=_job.command,
        code=_loaded_code(),
        version=__version__,
        inputs={_portable(used, path): digest for used, digest in sorted(_job.used.items())},
    )
    values = asdict(own)
    place = place_of(path)
    place.parent.mkdir(exist_ok=True)
    text = json.dumps({**values, "seal": _seal(values)}, indent=1)
    _replace(place, text, durable=True)


def written(path: Path) -> None:
    """Note that ``path``, whose record was just written, is in its place: nothing that this command must compare."""
    stamp = _stamp(path)
    _job.compared[absolute(path)] = stamp
    if _job.recording and path.stat().st_size > READ_WHOLE:
        _vouch(path, stamp, Record.of(path).sha256)


def _stamp(path: Path) -> str | None:
    """Return what of a file changes when it is written to, None if it isn't there."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return f"{status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _vouched(path: Path, stamp: str, digest: str) -> bool:
    with suppress(OSError, ValueError):
        return _stamp_place(path).read_text(encoding="utf-8") == f"{stamp} {digest}"
    return False


def _vouch(path: Path, stamp: str, digest: str) -> None:
    with suppress(OSError):  # in a folder that can't be written to, the file is compared every time
        _replace(_stamp_place(path), f"{stamp} {digest}", durable=False)


def _stamp_place(path: Path) -> Path:
    return path.parent / FOLDER / f"{path.name}.stamp"


def _replace(path: Path, text: str, durable: bool) -> None:
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


def _seal(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _loaded_code() -> str:
    """Return a digest of the library's modules that are loaded: those that took part, chosen families included."""
    digest = hashlib.sha256()
    for name, module in sorted(sys.modules.items()):
        if name.partition(".")[0] == "embquant" and getattr(module, "__file__", None):
            digest.update(name.encode() + b"\0" + Path(module.__file__).read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def absolute(path: Path) -> Path:
    """Return ``path`` from the root on, without dots; links stay as they are."""
    return Path(os.path.normpath(Path.cwd() / path))


def _portable(used: Path, artifact: Path) -> str:
    """Return ``used`` relative to the artifact's folder, so that both may move; absolute if it lies elsewhere."""
    return os.path.relpath(used, absolute(artifact).parent) if used.is_relative_to(Path.cwd()) else str(used)
