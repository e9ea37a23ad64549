"""What the user asks for: the spec of a dataset, checked and with its defaults.

A spec is a mapping with the key ``source`` and the keys of that source, as they stand in the configuration.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from types import UnionType
from typing import Any, ClassVar, TypeVar, get_args, get_type_hints

from embquant.entries import nearest, parse_spec
from embquant.errors import InputError

FIELDS: Mapping[str, Sequence[str]] = {
    "corpus": ("id", "title", "text", "display"),
    "queries": ("id", "text"),
    "qrels": ("query_id", "doc_id", "relevance"),
}
"""The fields of each table, whose columns a spec may name."""

Columns = Mapping[str, str | None]
"""Column names of a table by field, for example ``{"text": "intent"}``; null says that there is no such column."""


@dataclass(frozen=True)
class KeyColumns:
    """The columns of corpus and queries that hold a common key."""

    corpus: str
    queries: str


@dataclass(frozen=True)
class ByKey:
    """Judgements by key: a query is relevant to every document with the same value in the key column."""

    key: KeyColumns


@dataclass(frozen=True)
class TableColumns:
    """The columns of each table."""

    corpus: Columns = field(default_factory=dict)
    queries: Columns = field(default_factory=dict)
    qrels: Columns = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the names of fields."""
        for table in FIELDS:
            _check_fields(table, getattr(self, table))


@dataclass(frozen=True)
class PythonStdlibSpec:
    """The functions of the running Python's standard library; nothing to choose."""

    source: ClassVar[str] = "python-stdlib"


@dataclass(frozen=True)
class FilesSpec:
    """One's own files: a folder, or single files, which go before what the folder has."""

    source: ClassVar[str] = "files"
    path: str | None = None
    corpus: str | None = None
    queries: str | None = None
    qrels: str | ByKey | None = None
    split: str = "test"
    columns: TableColumns = field(default_factory=TableColumns)
    held_out_queries: int | None = None
    seed: int = 0
    max_queries: int | None = None


@dataclass(frozen=True)
class RepositorySpec:
    """One table of a hub repository, or of a local folder in the hub's layout.

    ``folder`` takes the tables of one folder of a repository that doesn't say which configurations it has.
    """

    repository: str
    split: str
    configuration: str | None = None
    folder: str | None = None
    revision: str | None = None
    columns: Columns = field(default_factory=dict)


@dataclass(frozen=True)
class HuggingfaceSpec:
    """Tables read through ``datasets.load_dataset``."""

    source: ClassVar[str] = "huggingface"
    corpus: RepositorySpec
    queries: RepositorySpec | None = None
    qrels: RepositorySpec | ByKey | None = None
    held_out_queries: int | None = None
    seed: int = 0
    max_queries: int | None = None
    retries: int = 5

    def __post_init__(self) -> None:
        """Check the names of fields."""
        for table in FIELDS:
            _check_fields(table, getattr(getattr(self, table), "columns", {}))


@dataclass(frozen=True)
class PooledSpec:
    """Several prepared datasets as one corpus, cut or repeated to ``documents`` rows where given."""

    source: ClassVar[str] = "pooled"
    datasets: Sequence[str]
    documents: int | None = None
    max_queries: int | None = None


Spec = PythonStdlibSpec | FilesSpec | HuggingfaceSpec | PooledSpec
SOURCES: dict[str, type] = {kind.source: kind for kind in get_args(Spec)}
LEAST = {"held_out_queries": 1, "max_queries": 1, "documents": 1, "retries": 0, "seed": 0}
"""The smallest value of each number."""

Kind = TypeVar("Kind")


def parse_dataset(values: Any) -> Spec:
    """Turn a spec as read from JSON into its dataclass; anything wrong in it is an InputError."""
    if not isinstance(values, Mapping) or "source" not in values:
        raise InputError(f"dataset: expected a mapping with the key 'source', one of {', '.join(SOURCES)}")
    values = dict(values)
    source = values.pop("source")
    if not isinstance(source, str) or source not in SOURCES:
        raise InputError(f"dataset: unknown source {source!r}{nearest(source, SOURCES)}")
    return _parse(SOURCES[source], values, f"{source} dataset")


def _check_fields(table: str, columns: Columns) -> None:
    for name in columns:
        if name not in FIELDS[table]:
            raise InputError(f"columns of {table}: unknown field {name!r}{nearest(name, FIELDS[table])}")


def _parse(kind: type[Kind], values: Mapping[str, Any], where: str) -> Kind:
    """Build the dataclass ``kind`` and those within it: no unknown or missing keys, values of the annotated types."""
    annotations = get_type_hints(kind)
    converted = {
        key: _convert(value, annotations[key], f"{where}: {key}") if key in annotations else value
        for key, value in values.items()
    }
    parsed = parse_spec(kind, converted, where)
    for key, value in converted.items():
        if key in LEAST and value is not None and value < LEAST[key]:
            raise InputError(f"{where}: {key} is {value}, expected {LEAST[key]} or more")
    return parsed


def _convert(value: Any, expected: Any, where: str) -> Any:
    """Return a mapping as the dataclass that ``expected`` has for it, anything else as it is."""
    options = get_args(expected) if isinstance(expected, UnionType) else (expected,)
    kinds = [option for option in options if is_dataclass(option)]
    if not kinds or not isinstance(value, Mapping):
        return value
    return _parse(ByKey if ByKey in kinds and ("key" in value or len(kinds) == 1) else kinds[0], value, where)
