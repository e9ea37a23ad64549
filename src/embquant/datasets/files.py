"""One's own files: tables as Parquet, JSON lines, CSV or TSV, in BEIR's layout, named one by one, or a mixture.

Finding them imports neither NumPy nor Arrow: the workflow asks for a dataset's files whenever it starts.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from embquant.datasets.spec import ByKey, FilesSpec
from embquant.errors import InputError
from embquant.files.records import note_input

if TYPE_CHECKING:
    from embquant.datasets.collection import Collection

SUFFIXES = (".parquet", ".jsonl", ".ndjson", ".csv", ".tsv", ".jsonl.gz", ".ndjson.gz", ".csv.gz", ".tsv.gz")
"""How the name of a table ends, by format."""

UNNAMED_SPLIT = "test"
"""The split whose judgements may be in a file without a split in its name."""


@dataclass(frozen=True)
class Layout:
    """The files of a collection; None for a table that it doesn't have."""

    corpus: Path
    queries: Path | None
    qrels: Path | None

    def paths(self) -> list[Path]:
        """Return the files that are named."""
        return [path for path in (self.corpus, self.queries, self.qrels) if path is not None]


def open_files(spec: FilesSpec) -> "Collection":
    """Open the files of ``spec``; their rows are read, and checked, as the collection's batches are taken."""
    from embquant.datasets.columns import NamedTable, assemble
    from embquant.datasets.formats import open_table

    layout, columns = find_layout(spec), spec.columns
    return assemble(
        spec,
        corpus=NamedTable(open_table(layout.corpus), columns.corpus),
        queries=None if layout.queries is None else NamedTable(open_table(layout.queries), columns.queries),
        qrels=None if layout.qrels is None else NamedTable(open_table(layout.qrels), columns.qrels),
        origin={"sha256": {str(path): note_input(path) for path in layout.paths()}},
    )


def find_layout(spec: FilesSpec) -> Layout:
    """Find the files that ``spec`` means; an InputError if there is no corpus, or more than one possible file.

    In a folder these are corpus.*, queries_{split}.* or queries.*, and qrels/{split}.*, qrels_{split}.* or, for the
    split test, qrels.*.
    """
    folder = None if spec.path is None else Path(spec.path).expanduser()
    if folder is not None and not folder.is_dir():
        raise InputError(
            f"{folder}: {'not a folder; name a single file as corpus' if folder.exists() else 'no such folder'}"
        )
    corpus = _named(spec.corpus) or _find(folder, "corpus")
    if corpus is None:
        where = "files dataset: give path or corpus" if folder is None else f"{folder}: no corpus"
        raise InputError(f"{where}; expected corpus{' or corpus'.join(SUFFIXES[:5])}")
    queries = _named(spec.queries) or _find(folder, f"queries_{spec.split}", "queries")
    if isinstance(spec.qrels, ByKey):
        return Layout(corpus, queries, None)
    stems = [f"qrels/{spec.split}", f"qrels_{spec.split}", *(["qrels"] if spec.split == UNNAMED_SPLIT else [])]
    qrels = _named(spec.qrels) or _find(folder, *stems)
    if qrels is None and folder is not None and (others := _qrels_of_any_split(folder)):
        found = ", ".join(sorted(str(path.relative_to(folder)) for path in others))
        raise InputError(f"{folder}: no judgements for the split {spec.split!r}; there are: {found}")
    return Layout(corpus, queries, qrels)


def _named(name: str | None) -> Path | None:
    return None if name is None else Path(name).expanduser()


def _find(folder: Path | None, *stems: str) -> Path | None:
    """Return the table with the first of ``stems`` that exists."""
    if folder is None:
        return None
    for stem in stems:
        found = [path for suffix in SUFFIXES if (path := folder / f"{stem}{suffix}").is_file()]
        if len(found) > 1:
            names = " and ".join(str(path.relative_to(folder)) for path in found)
            raise InputError(f"{folder}: found {names}, expected one; name the right file in the dataset")
        if found:
            return found[0]
    return None


def _qrels_of_any_split(folder: Path) -> list[Path]:
    found = [*folder.glob("qrels.*"), *folder.glob("qrels_*"), *folder.glob("qrels/*")]
    return [path for path in found if path.is_file() and path.name.endswith(SUFFIXES)]
