"""The definition of a method: an index and how it is searched."""

import os
from pathlib import Path
from typing import Any, Self

from embquant.entries import Entry, read_entry
from embquant.files.atomic import read_json


class Method(Entry):
    """A method on one dataset and model. ``index`` is the path of a manifest, relative to the folder of the method."""

    name: str
    index: str
    scoring: str
    search: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a method; a foreign JSON file is an InputError."""
        return read_entry(cls, read_json(path), f"{path}: not the definition of a method")


def index_of(method: Path) -> Path:
    """Return the manifest of the index that a method searches; ``method`` is the file of its definition."""
    return Path(os.path.normpath(method.parent / Method.read(method).index))
