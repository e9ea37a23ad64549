"""One's own files: tables as Parquet, JSON lines, CSV or TSV, in BEIR's layout or named one by one."""

from pathlib import Path

from embquant.datasets.assembly import Source, assemble
from embquant.datasets.collection import Collection
from embquant.datasets.formats import open_table
from embquant.datasets.layout import find_layout
from embquant.datasets.spec import Columns, FilesSpec
from embquant.files.records import note_input


def open_files(spec: FilesSpec) -> Collection:
    """Open the files of ``spec``; their rows are read, and checked, as the collection's batches are taken."""
    layout = find_layout(spec)
    return assemble(
        spec,
        corpus=Source(open_table(layout.corpus), spec.columns.corpus),
        queries=_open(layout.queries, spec.columns.queries),
        qrels=_open(layout.qrels, spec.columns.qrels),
        origin={"sha256": {str(path): note_input(path) for path in layout.paths()}},
    )


def _open(path: Path | None, columns: Columns) -> Source | None:
    return None if path is None else Source(open_table(path), columns)
