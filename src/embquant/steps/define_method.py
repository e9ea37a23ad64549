"""The command ``define-method``."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from embquant.entries import nearest
from embquant.errors import InputError
from embquant.files.atomic import write_json
from embquant.files.inapplicable import passed_on
from embquant.indexes import index_class
from embquant.indexes.manifest import Manifest
from embquant.quantize.codecs import CODECS
from embquant.retrieve.retriever import Method


def define_method(
    *,
    name: Annotated[str, "name of the method"],
    manifest: Annotated[Path, "manifest of the index that the method searches"],
    scoring: Annotated[str | None, "symmetric or asymmetric (default: the index's first)"] = None,
    search: Annotated[Mapping[str, Any], "search parameters of the index"] = {},
    output: Annotated[Path, "definition of the method (JSON)"],
) -> None:
    """Define a method: an index and how it is searched."""
    if passed_on(manifest, output):
        return
    index = Manifest.read(manifest)
    known = index_class(index.family, index.kind).scorings(CODECS[index.family])
    scoring = scoring or known[0]
    if scoring not in known:
        what = f"a {index.kind} index of {index.family} codes"
        raise InputError(f"method {name}: {what} has no scoring {scoring!r}{nearest(scoring, known)}")
    relative = os.path.relpath(manifest, output.parent)
    method = Method(name=name, manifest=relative, scoring=scoring, search=dict(search))
    write_json(output, method.model_dump())
