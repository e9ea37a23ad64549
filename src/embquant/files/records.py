"""Records of the files that commands write: the SHA-256 of each, and what it was made from.

The record of ``FOLDER/NAME`` is ``FOLDER/.records/NAME.json``, written before the file gets its name. A command
compares every file that it reads with the file's record: small files each time, large ones when their stamp (inode,
size, times of change) differs from that of the last comparison. A file without a record is the user's and can't be
compared; but a job of a run refuses one in a folder that has records.

Only the command line records (:func:`recording`). A library call leaves no records.
"""

import hashlib
import json
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self

from embquant import __version__
from embquant.errors import InputError
from embquant.files.provenance import file_digest
from embquant.files.stamps import FOLDER, replace_text, stamp_of, vouch, vouched

READ_WHOLE = 16 << 20
"""Largest file, in bytes, that is compared whenever a command opens it (about 20 ms); larger ones have a stamp."""


@dataclass(frozen=True)
class Record:
    """The digest of a file that a command wrote, and where the file came from.

    ``inputs`` maps the files that the command had read by then to their SHA-256; paths in the same project are relative
    to the written file's folder. ``source_digest`` is a digest of the library's loaded modules. ``config`` is the
    configuration file of the run. A file that is not ``kept`` may be deleted once others were made from it.
    ``remade_by`` is the path, from the file's folder, of a file that the workflow has a rule for, if it has none for
    this one. ``profile`` is the profile of the run, ``root`` the path from the file's folder to that of the run.
    """

    sha256: str
    bytes: int
    kept: bool
    remade_by: str | None
    command: list[str]
    config: str | None
    source_digest: str
    version: str
    inputs: dict[str, str]
    profile: str | None = None
    root: str | None = None

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """Return the record of ``path``, None if it has none; a damaged record is an InputError."""
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
        """Return the inputs of the file ``path``, whose record this is, with their SHA-256."""
        return {Path(os.path.normpath(path.parent / name)): digest for name, digest in self.inputs.items()}


@dataclass
class Job:
    """What the running command has read and written so far."""

    command: list[str] = field(default_factory=list)
    config: str | None = None
    """The configuration file of the run that called the command; None if a person did."""
    profile: str | None = None
    """The profile of that run, if it had one."""
    remade_by: Path | None = None
    """The file that the workflow has a rule for, where it has none for those that are written."""
    recording: bool = False
    """Whether the files that it writes get records."""
    used: dict[Path, str] = field(default_factory=dict)
    """The files that it has read, with their SHA-256."""
    compared: dict[Path, str | None] = field(default_factory=dict)
    """The files that agreed with their records, with their stamps at that time."""


_job = Job()


@contextmanager
def recording(
    command: Sequence[str], config: str | None = None, records: bool = True, profile: str | None = None
) -> Iterator[None]:
    """Until the block ends, take files that are read and written as those of ``command``.

    ``config`` and ``profile`` are the configuration file and the profile of the run that called it, if one did. Files
    get records if ``records``.
    """
    global _job
    before, _job = _job, Job(list(command), config, profile, recording=records)
    try:
        yield
    finally:
        _job = before


@contextmanager
def remade_by(path: Path) -> Iterator[None]:
    """Until the block ends, note of each file that is written that the workflow remakes it together with ``path``."""
    before, _job.remade_by = _job.remade_by, path
    try:
        yield
    finally:
        _job.remade_by = before


def place_of(path: Path) -> Path:
    """Return the path of the record of ``path``."""
    return path.parent / FOLDER / f"{path.name}.json"


def remedy(path: Path, record: Record | None = None) -> str:
    """Return how to rebuild ``path``, in words that hold as they stand in the working folder.

    A job of a run is told that run's configuration, because the run needs the file; anybody else that of the run which
    wrote the file, and ``make`` is sent to the folder of that run.
    """
    run = record if _job.config is None and record else _job
    config, profile = run.config, run.profile
    if config is None or (
        record and record.config is None
    ):  # nobody knows whose file it is: another study would build another one
        return "to rebuild it: delete it and run its study again"
    file = absolute(path.parent / record.remade_by if record and record.remade_by else path)
    root = _root(path, record, config)
    make = ["make", *([] if root == Path.cwd() else ["-C", str(root)]), "run", f"CONFIG={_for_make(config)}"]
    make += [f"PROFILE={_for_make(profile)}"] if profile else []
    make.append(f"ARGS=-- {_below(root, file)}")
    return f"to rebuild it: rm -f {shlex.quote(shown_path(file))} && {' '.join(map(_for_shell, make))}"


def _root(path: Path, record: Record | None, config: str) -> Path:
    """Return the folder of the run that makes ``path``: where ``config`` lies, seen from there."""
    if _job.config is not None or record is None or record.root is None:
        return Path.cwd()
    folders = absolute(path).parent, path.resolve().parent  # the folder of results may be a link
    roots = [Path(os.path.normpath(folder / record.root)) for folder in folders]
    return next((root for root in roots if (root / config).is_file()), roots[0])


def _for_make(value: str) -> str:
    """Return a value of a variable of ``make``, which the Makefile puts between single quotes."""
    return value.replace("$", "$$").replace("'", "'\\''")


def _for_shell(word: str) -> str:
    """Quote a word for the shell, of NAME=value the value alone."""
    name, sign, value = word.partition("=")
    return f"{name}={shlex.quote(value)}" if sign and name.isupper() else shlex.quote(word)


def shown_path(path: Path) -> str:
    """Return a path as it is printed: relative to the working folder, if it lies there."""
    return _below(Path.cwd(), path)


def _below(folder: Path, path: Path) -> str:
    return os.path.relpath(path, folder) if path.is_relative_to(folder) else str(path)


def checked(path: Path, noted: bool = True) -> Path:
    """Compare a file with its record, note it as an input of what is written later, and return ``path``.

    ``noted=False`` is for a file that doesn't influence what is written. Raises InputError if the file is missing or
    its content differs from its record; the message says how to rebuild it.
    """
    path = Path(path)
    key = absolute(path)
    stamp = stamp_of(path)
    if stamp is not None and _job.compared.get(key) == stamp:
        return path
    record = Record.of(path)
    if stamp is None:
        raise InputError(f"{path}: no such file" + (f"; {remedy(path, record)}" if record else ""))
    if record is None:
        if _job.config is not None and (path.parent / FOLDER).is_dir():
            raise InputError(f"{path}: not recorded, so no step wrote it; {remedy(path)}")
        return path
    large = record.bytes > READ_WHOLE
    if not large or not vouched(path, stamp, record.sha256):
        if difference := difference_from(record, path):
            raise InputError(f"{path}: damaged, {difference}; {remedy(path, record)}")
        if large and _job.command:  # a library call leaves nothing beside the files that it reads
            vouch(path, stamp, record.sha256)
    _job.compared[key] = stamp
    if noted:
        _job.used[key] = record.sha256
    return path


def recorded_digest(path: Path) -> str | None:
    """Return the SHA-256 in the record of ``path``, with which the file is compared; None without a record."""
    return _job.used.get(absolute(checked(path)))


def difference_from(record: Record, path: Path) -> str | None:
    """Say how the content of ``path`` differs from its record; None if it doesn't."""
    size = path.stat().st_size
    if size != record.bytes:
        return f"{size} bytes where {record.bytes} were written"
    digest = file_digest(path)
    return None if digest == record.sha256 else f"SHA-256 {digest[:16]}… where {record.sha256[:16]}… was written"


def note_input(path: Path) -> str:
    """Note a file of the user's as an input of what is written later; return its SHA-256."""
    key, stamp = absolute(path), stamp_of(path)
    if _job.compared.get(key) != stamp:
        _job.used[key] = file_digest(path)
        _job.compared[key] = stamp
    return _job.used[key]


def record(
    path: Path, content: Path, kept: bool = True, remade_by: str | None = None, sha256: str | None = None
) -> None:
    """Write the record of ``path``, which is about to get the bytes of the file ``content``, with this ``sha256``."""
    if not _job.recording:
        return
    folder = absolute(path).parent
    if remade_by is None and _job.remade_by is not None:
        remade_by = os.path.relpath(absolute(_job.remade_by), folder)
    made = Record(
        sha256=sha256 or file_digest(content),
        bytes=content.stat().st_size,
        kept=kept,
        remade_by=remade_by,
        command=_job.command,
        config=_job.config,
        source_digest=_loaded_source_digest(),
        version=__version__,
        inputs={_portable(used, folder): digest for used, digest in sorted(_job.used.items())},
        profile=_job.profile,
        root=None if _job.config is None else os.path.relpath(Path.cwd(), folder),
    )
    values = asdict(made)
    place = place_of(path)
    place.parent.mkdir(exist_ok=True)
    text = json.dumps({**values, "seal": _seal(values)}, indent=1)
    replace_text(place, text, durable=True)


def written(path: Path) -> None:
    """Note that ``path`` is in its place and its record just written: this command needn't compare the two."""
    stamp = stamp_of(path)
    _job.compared[absolute(path)] = stamp
    large = path.stat().st_size > READ_WHOLE
    if _job.recording and large and stamp is not None and (record := Record.of(path)):
        vouch(path, stamp, record.sha256)


def _seal(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _loaded_source_digest() -> str:
    """Return a digest of the library's loaded modules: all that took part, chosen kinds included."""
    ours = [name for name in sys.modules if name.partition(".")[0] == "embquant"]
    files = ((name, getattr(sys.modules[name], "__file__", None)) for name in sorted(ours))
    return _digest_of(tuple((name, file) for name, file in files if file))


@cache  # a command that writes many files loads few modules between them
def _digest_of(modules: tuple[tuple[str, str], ...]) -> str:
    """Return a digest of the names of modules and of what their files hold."""
    digest = hashlib.sha256()
    for name, file in modules:
        digest.update(name.encode() + b"\0" + Path(file).read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def absolute(path: Path) -> Path:
    """Return ``path`` from the root, without dots; symbolic links stay as they are."""
    return Path(os.path.normpath(Path.cwd() / path))


def _portable(used: Path, folder: Path) -> str:
    """Return ``used`` relative to the ``folder`` of what is written, so that both may move; absolute elsewhere."""
    return os.path.relpath(used, folder) if used.is_relative_to(Path.cwd()) else str(used)
