"""What stands in place of a result that can't be: a small JSON file that says why, whatever the result's suffix.

A codec that doesn't fit a dataset leaves such files in place of its codes, and each step after it does likewise. So
the jobs of a study have the same files whichever methods apply, and only the reports leave rows out.
"""

import json
from pathlib import Path
from typing import Any

from embquant.errors import InputError
from embquant.files.atomic import atomic_path, read_json

KEY = "inapplicable"
START = f'{{"{KEY}": '.encode()
"""How such a file starts, and no result does."""


def mark_inapplicable(reason: str, *paths: Path, kept: bool = True) -> None:
    """Write files that say ``reason`` in place of results; for ``kept`` see :func:`atomic_path`."""
    for path in paths:
        with atomic_path(path, kept=kept) as temporary:
            temporary.write_text(json.dumps({KEY: reason}, ensure_ascii=False) + "\n", encoding="utf-8")


def why_inapplicable(path: Path) -> str | None:
    """Return why ``path`` holds no result; None for any other file, and for none."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        if file.read(len(START)) != START:
            return None
    return str(read_json(path)[KEY])


def passed_on(source: Path, *paths: Path, kept: bool = True) -> bool:
    """Tell whether ``source`` holds no result; then ``paths`` say why as well."""
    reason = why_inapplicable(source)
    if reason is not None:
        mark_inapplicable(reason, *paths, kept=kept)
    return reason is not None


def read_applicable(path: Path) -> Any:
    """Read a JSON file; one that says why there is no result is an InputError."""
    if reason := why_inapplicable(path):
        raise InputError(f"{path}: left out of the study: {reason}")
    return read_json(path)
