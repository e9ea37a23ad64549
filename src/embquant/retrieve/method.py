"""A method is an index and the way it is searched."""

import os
from pathlib import Path
from typing import Any, Self

from embquant.entries import Entry, read_entry
from embquant.files.atomic import read_json


class Method(Entry):
    """A method of a study on one dataset and model. ``index`` is a manifest, relative to the method's folder."""

    name: str
    index: str
    scoring: str
    search: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a method; a foreign JSON file is an InputError."""
        return read_entry(cls, read_json(path), f"{path}: not the definition of a method")


def index_of(method: Path) -> Path:
    """Return the manifest of the index that the method defined in the file ``method`` searches."""
    return Path(os.path.normpath(method.parent / Method.read(method).index))
