"""Which local files a dataset is made from, for a workflow that reruns when one of them changes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from embquant.datasets.layout import find_layout
from embquant.datasets.spec import FilesSpec, HuggingfaceSpec, RepositorySpec, parse_dataset
from embquant.errors import InputError


def input_files(values: Mapping[str, Any]) -> list[Path]:
    """Return the existing local files that the spec ``values`` reads, in a fixed order.

    Sources other than files and local folders have none. What is wrong with the spec or missing is left for
    ``prepare-dataset`` to say.
    """
    try:
        spec = parse_dataset(values)
        if isinstance(spec, FilesSpec):
            return [path for path in find_layout(spec).paths() if path.is_file()]
    except InputError:
        return []
    if not isinstance(spec, HuggingfaceSpec):
        return []
    tables = [table for table in (spec.corpus, spec.queries, spec.qrels) if isinstance(table, RepositorySpec)]
    folders = {Path(table.repository) for table in tables}
    return sorted(path for folder in folders if folder.is_dir() for path in folder.rglob("*") if path.is_file())
