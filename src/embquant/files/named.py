"""The files that a name in a configuration means: a file, a folder of files, a glob, or a list of these.

Nothing here imports NumPy or Arrow: the workflow asks for files whenever it starts.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from embquant.errors import InputError

SHOWN = 5
"""Files of a folder that an error names at most."""


def files_named(names: str | Sequence[str], suffixes: Sequence[str]) -> list[Path]:
    """Return the files that ``names`` means, as far as they exist, each once.

    The files of a list stay in its order; those of a folder or a glob are in the order of their names, "part-2" before
    "part-10". A folder means its files that end in one of ``suffixes``, in lower or upper case. Names that begin with
    "." or "_" are other programs' notes, and left out. A path that exists is never taken as a glob.
    """
    found = (file for name in _as_list(names) for file in _files_of(name, suffixes))
    return list(dict.fromkeys(found))


def require_files(names: str | Sequence[str], suffixes: Sequence[str], key: str) -> list[Path]:
    """Return the files that ``names``, the value of ``key``, means; an InputError says which name means none."""
    for name in _as_list(names):
        if not _files_of(name, suffixes):
            raise InputError(f"{_path(name)}: {_why_none(name, suffixes)}; {key} names it")
    return files_named(names, suffixes)


def _as_list(names: str | Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else names


def _files_of(name: str, suffixes: Sequence[str]) -> list[Path]:
    path = _path(name)
    if not path.is_dir():
        return matching(path)
    found = (file for file in path.iterdir() if file.name.lower().endswith(tuple(suffixes)))
    return sorted((file for file in found if file.is_file() and file.name[0] not in "._"), key=natural_order)


def matching(path: Path) -> list[Path]:
    """Return the file itself, or the files that match ``path`` as a glob, in the order of their names."""
    if path.is_file():
        return [path]
    found = Path(path.anchor).glob(str(path.relative_to(path.anchor))) if is_glob(path) else ()
    return sorted((file for file in found if file.is_file() and file.name[0] not in "._"), key=natural_order)


def is_glob(path: Path) -> bool:
    """Return whether a path is none, but has characters that stand for others."""
    return any(character in str(path) for character in "*?[") and not path.exists()


def _why_none(name: str, suffixes: Sequence[str]) -> str:
    path = _path(name)
    if not path.is_dir():
        return "no file matches" if is_glob(path) else "no such file"
    others = sorted((file.name for file in path.iterdir()), key=str.lower)
    more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
    has = f"it has {', '.join(others[:SHOWN])}{more}" if others else "it is empty"
    return f"no file in this folder ends in {' or '.join(suffixes)}; {has}"


def _path(name: str) -> Path:
    return Path(name).expanduser()


def natural_order(path: Path) -> list[tuple[int, str]]:
    """Return a key by which numbers in names are ordered by their value: part-2 before part-10."""
    pieces = re.split(r"(\d+)", str(path))
    return [(int(piece), piece) if piece.isdecimal() else (-1, piece) for piece in pieces]
