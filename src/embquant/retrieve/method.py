"""``define-method``: a method is an index and the way it is searched."""

import argparse
import json
import os
from pathlib import Path
from typing import Any, Self

from embquant.entries import Entry, nearest, read_entry
from embquant.errors import InputError
from embquant.files.atomic import read_json, write_json
from embquant.indexes import scorings
from embquant.indexes.manifest import Manifest


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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``define-method``."""
    parser.add_argument("--name", required=True, help="name of the method")
    parser.add_argument("--index", required=True, type=Path, help="manifest of the index it searches")
    parser.add_argument("--scoring", help="symmetric or asymmetric (default: the index's first)")
    parser.add_argument("--search", default="{}", metavar="JSON", help="search parameters of the index")
    parser.add_argument("--output", required=True, type=Path, help="definition of the method (.json)")


def run(arguments: argparse.Namespace) -> None:
    """Check the scoring and write the definition."""
    manifest = Manifest.read(arguments.index)
    known = scorings(manifest.family, manifest.kind)
    scoring = arguments.scoring or known[0]
    if scoring not in known:
        what = f"a {manifest.kind} index of {manifest.family} codes"
        raise InputError(f"method {arguments.name}: {what} has no scoring {scoring!r}{nearest(scoring, known)}")
    index = os.path.relpath(arguments.index, arguments.output.parent)
    method = Method(name=arguments.name, index=index, scoring=scoring, search=json.loads(arguments.search))
    write_json(arguments.output, method.model_dump())
