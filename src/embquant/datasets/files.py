"""One's own files: tables in BEIR's layout, named one by one, or a mixture; a table may lie in several files.

Finding them imports neither NumPy nor Arrow: the workflow asks for a dataset's files whenever it starts. A file that
lies in the folder and isn't understood is an error: nothing takes the place of queries or judgements unnoticed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from embquant.datasets.names import FORMATS, file_format, file_stem, is_readable, readable_names
from embquant.datasets.spec import ByKey, FilesSpec
from embquant.errors import InputError
from embquant.files.named import is_glob, matching, natural_order
from embquant.files.records import note_input

if TYPE_CHECKING:
    from embquant.datasets.collection import Collection
    from embquant.datasets.columns import NamedTable
    from embquant.datasets.spec import Columns

UNNAMED_SPLIT = "test"
"""The split whose judgements may be in a file without a split in its name."""

LOOKS_LIKE = {
    "queries": re.compile("quer|topic|question", re.IGNORECASE),
    "qrels": re.compile("qrel|judg|relevan|truth|gold|label|annotat", re.IGNORECASE),
}
"""Names of files and folders that may be meant as a table, although they aren't called as it is."""

SHARD = re.compile(r"[-_.]?(part|shard)?[-_.]?\d+([-_]of[-_]\d+)?")
"""What follows the name of a table in those of its shards: corpus-00000-of-00002.parquet."""

NUMBERED = re.compile(r"[0-9]+([-_]of[-_])([0-9]+)")
"""What the name of a shard says of its number and of how many there are."""


@dataclass(frozen=True)
class Layout:
    """The files of a collection, in order; none for a table that it doesn't have."""

    corpus: Sequence[Path]
    queries: Sequence[Path]
    qrels: Sequence[Path]

    def paths(self) -> list[Path]:
        """Return all files."""
        return [*self.corpus, *self.queries, *self.qrels]


def open_files(spec: FilesSpec) -> "Collection":
    """Open the files of ``spec``; their rows are read, and checked, as the collection's batches are taken."""
    from embquant.datasets.columns import assemble

    layout, columns = find_layout(spec), spec.columns
    corpus = _table("corpus", layout.corpus, columns.corpus)
    if corpus is None:
        raise ValueError("a layout has a corpus")
    return assemble(
        spec,
        corpus=corpus,
        queries=_table("queries", layout.queries, columns.queries),
        qrels=_table("qrels", layout.qrels, columns.qrels),
        origin={"sha256": {str(path): note_input(path) for path in layout.paths()}},
    )


def _table(name: str, paths: Sequence[Path], columns: "Columns") -> "NamedTable | None":
    from embquant.datasets.columns import NamedTable
    from embquant.datasets.formats import open_tables

    return NamedTable(open_tables(paths, judgements=name == "qrels"), columns) if paths else None


def find_layout(spec: FilesSpec) -> Layout:
    """Find the files that ``spec`` means.

    In a folder these are corpus.*, queries_{split}.* or queries.*, and qrels/{split}.*, qrels_{split}.* or, for the
    split test, qrels.*; each of them may be a folder of shards instead, or shards beside each other. Raises InputError
    if there is no corpus, more than one possible file, or a file that may be a missing table but isn't understood.
    """
    folder = None if spec.path is None else Path(spec.path).expanduser()
    if folder is not None and not folder.is_dir():
        raise InputError(
            f"{folder}: {'not a folder; name a single file as corpus' if folder.exists() else 'no such folder'}"
        )
    corpus = _named(spec.corpus) or _find(folder, "corpus")
    if not corpus:
        raise InputError(_without_corpus(folder))
    no_queries = "queries" in spec.model_fields_set and spec.queries is None
    no_qrels = "qrels" in spec.model_fields_set and spec.qrels is None
    queries = _named(spec.queries) or ([] if no_queries else _find(folder, f"queries_{spec.split}", "queries"))
    if not queries and folder is not None and not no_queries and spec.held_out_queries is None:
        _refuse_similar(folder, "queries", corpus, "held_out_queries: NUMBER if documents are to become queries")
    if isinstance(spec.qrels, ByKey):
        return Layout(corpus, queries, [])
    stems = [f"qrels/{spec.split}", f"qrels_{spec.split}", *(["qrels"] if spec.split == UNNAMED_SPLIT else [])]
    without = no_qrels or (no_queries and spec.qrels is None)
    qrels = _named(spec.qrels) or ([] if without else _find(folder, *stems))
    if not qrels and folder is not None and not without:
        if others := _qrels_of_any_split(folder):
            found = ", ".join(sorted(str(path.relative_to(folder)) for path in others))
            raise InputError(f"{folder}: no judgements for the split {spec.split!r}; there are: {found}")
        advice = "qrels: null if methods are to be compared by their agreement with float32"
        _refuse_similar(folder, "qrels", [*corpus, *queries], advice, spec.split)
    return Layout(corpus, queries, qrels)


def _named(names: str | Sequence[str] | ByKey | None) -> list[Path]:
    """Return the files of a table that the configuration names: files, folders of shards and patterns."""
    if names is None or isinstance(names, ByKey):
        return []
    paths = [path for name in ([names] if isinstance(names, str) else names) for path in _matching(name)]
    return [file for path in paths for file in (_shards(path) if path.is_dir() else [path])]


def _matching(name: str) -> list[Path]:
    """Return the files of a pattern such as ``corpus/*.parquet``, or the path itself; no match is an InputError."""
    path = Path(name).expanduser()
    if not is_glob(path):
        return [path]
    if not (found := matching(path)):
        raise InputError(f"{path}: no file matches; expected names that end in {readable_names()}")
    return _complete(found)


def _find(folder: Path | None, *stems: str) -> list[Path]:
    """Return the files of the table with the first of ``stems`` that exists; none is an empty list."""
    if folder is None:
        return []
    for stem in stems:
        place = _inside(folder, Path(stem).parent.name) if "/" in stem else _visible(folder)
        called = [path for path in place if _is_called(path, Path(stem).name)]
        if stem == "qrels":
            called = [path for path in called if path.is_file()]  # the folder qrels has a file per split
        read = [path for path in called if path.is_dir() or is_readable(path, judgements=stem.startswith("qrels"))]
        shards = [path for path in read if path.is_file() and file_stem(path) != Path(stem).name.lower()]
        whole = [path for path in read if path not in shards]
        if len(whole) > 1 or (whole and shards):
            read.sort(key=lambda path: [suffix != file_format(path) for suffix in FORMATS])
            names = " and ".join(str(path.relative_to(folder)) for path in read)
            raise InputError(f"{folder}: found {names}, expected one; name the right file in the dataset")
        if called and not read:
            _refuse(called)
        if read:
            return _shards(whole[0]) if whole and whole[0].is_dir() else _complete(read)
    return []


def _is_called(path: Path, stem: str) -> bool:
    """Whether a file or folder is called as the table ``stem``, whatever follows; or as a shard of it."""
    name, stem = path.name.lower(), stem.lower()
    if path.is_dir():
        return name == stem
    if not name.startswith(stem):
        return False
    return name == stem or name[len(stem)] == "." or bool(SHARD.fullmatch(file_stem(path)[len(stem) :]))


def _shards(folder: Path) -> list[Path]:
    """Return the files of a table that lies in a folder, in the order of their names, numbers by value."""
    files = [path for path in _visible(folder) if path.is_file() and not path.name.startswith("_")]
    odd = [path for path in files if not is_readable(path)]
    if odd:
        _refuse(odd)
    if not files:
        raise InputError(f"{folder}: no files, expected names that end in {readable_names()}")
    return _complete(files)


def _complete(paths: list[Path]) -> list[Path]:
    """Return ``paths``; an InputError if names such as corpus-0-of-2.parquet promise shards that aren't there."""
    shards: dict[tuple[str, int], int] = {}
    for path in paths:
        if number := NUMBERED.search(path.name):
            name = f"{path.name[: number.start()]}*{number[1]}{number[2]}{path.name[number.end() :]}"
            key = str(path.with_name(name)), int(number[2])
            shards[key] = shards.get(key, 0) + 1
    for (name, promised), found in shards.items():
        if found < promised:
            raise InputError(f"{name}: {found} of {promised} shards are there; add the others, or name these as a list")
    return paths


def _refuse(paths: Sequence[Path]) -> None:
    names = " and ".join(map(str, paths))
    raise InputError(
        f"{names}: not understood; expected a name that ends in {readable_names()}; "
        "convert or remove it, or name the right file in the dataset"
    )


def _refuse_similar(folder: Path, table: str, used: Sequence[Path], advice: str, split: str | None = None) -> None:
    """Raise an InputError if a file of the folder may be meant as a table that wasn't found."""
    known = {*used, *(parent for path in used for parent in path.parents)}
    near = [path for path in [*_inside(folder, table), *_visible(folder)] if path not in known]
    filled = [path for path in near if path.is_file() or _visible(path)]
    similar = [path for path in filled if LOOKS_LIKE[table].search(path.name) or path.name.partition(".")[0] == split]
    if similar:
        names = ", ".join(map(str, similar))
        raise InputError(f"{names}: is this the table of {table}? Name the file as {table} of the dataset, or {advice}")


def _without_corpus(folder: Path | None) -> str:
    if folder is None:
        return f"files dataset: give path or corpus; expected corpus with a name that ends in {readable_names()}"
    names = [path.name for path in _visible(folder)]
    seen = f"the folder has {', '.join(names[:10])}{' …' * (len(names) > 10)}" if names else "the folder is empty"
    return f"{folder}: no corpus; expected corpus{' or corpus'.join(FORMATS)}, or a folder corpus of such files; {seen}"


def _visible(folder: Path) -> list[Path]:
    """Return what lies in a folder but for hidden files, in the order of names, numbers by value."""
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted((path for path in found if not path.name.startswith(".")), key=natural_order)


def _inside(folder: Path, name: str) -> list[Path]:
    """Return what lies in the folder ``name`` of ``folder``, whose name may be in upper case."""
    return [path for place in _visible(folder) if place.name.lower() == name for path in _visible(place)]


def _qrels_of_any_split(folder: Path) -> list[Path]:
    beside = [path for path in _visible(folder) if path.name.lower().startswith(("qrels.", "qrels_"))]
    found = [*beside, *_inside(folder, "qrels")]
    return [path for path in found if path.is_file() and is_readable(path, judgements=True)]
