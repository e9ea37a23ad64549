"""What a study says of its datasets: one class of entries for each source.

An entry has the key ``source`` and the keys of that source. Another package adds a source with a subclass of
:class:`DatasetSpec` and an entry point of the group ``embquant.sources``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator
from pydantic.config import JsonDict

from embquant.entries import Entry, nearest, read_kind
from embquant.errors import InputError
from embquant.registry import Registry

if TYPE_CHECKING:
    from embquant.datasets.collection import Collection

FIELDS: Mapping[str, Sequence[str]] = {
    "corpus": ("id", "title", "text", "display", "group"),
    "queries": ("id", "text"),
    "qrels": ("query_id", "doc_id", "relevance"),
}
"""The fields of each table, whose columns an entry may name."""

Columns = dict[str, str | None]
"""Column names of a table by field, for example ``{"text": "intent"}``; null says that there is no such column."""

HELD_OUT = "if there are no queries: how many documents become queries (default: 1,000, or a tenth of the corpus)"
MAX_QUERIES = "largest number of queries; the first (judged) ones are used"
SEED = "seed that draws the held-out queries"
NAMED_FILES = "a file, a folder of shards, a pattern such as `corpus/*.jsonl`, or a list, instead of the folder's"
IDENTICAL_IDS = (
    "documents with the id of a query: `exclude` leaves them out of that query's results, as BEIR's evaluators do, "
    "`keep` doesn't, `auto` leaves them out where the text is the same, too"
)


def _fields_of(table: str) -> Callable[[Columns], Columns]:
    def check(columns: Columns) -> Columns:
        for name in columns:
            if name not in FIELDS[table]:
                raise ValueError(f"unknown field {name!r}{nearest(name, FIELDS[table])}")
        return columns

    return check


def _columns(table: str) -> Any:
    """Return the field of a table's columns."""
    keys: JsonDict = {"propertyNames": {"enum": [*FIELDS[table]]}}
    return Field({}, description=f"columns of {', '.join(FIELDS[table])}", json_schema_extra=keys)


class KeyColumns(Entry):
    """The columns of corpus and queries that hold a common key."""

    corpus: str = Field(description="column of the corpus")
    queries: str = Field(description="column of the queries")


class ByKey(Entry):
    """Judgements by key: a query is relevant to every document with the same value in the key column."""

    key: KeyColumns = Field(description="columns with the same value in a query and its relevant documents")


class TableColumns(Entry):
    """The columns of each table."""

    corpus: Annotated[Columns, AfterValidator(_fields_of("corpus"))] = _columns("corpus")
    queries: Annotated[Columns, AfterValidator(_fields_of("queries"))] = _columns("queries")
    qrels: Annotated[Columns, AfterValidator(_fields_of("qrels"))] = _columns("qrels")


class DatasetSpec(Entry, ABC):
    """The entry of a dataset: where its corpus, queries and judgements come from."""

    source: str

    def members(self) -> list[str]:
        """Return the names of the datasets of the study that this one is made of."""
        return []

    @abstractmethod
    def open(self, pool: Sequence[Path]) -> "Collection":
        """Open the dataset; ``pool`` has the folders of the prepared datasets that a pooled one joins."""

    def input_files(self) -> list[Path]:
        """Return the local files that are read, as far as they exist, in a fixed order."""
        return []

    def addresses(self) -> dict[str, str]:
        """Return the files that lie in object storage, as {key of the entry: address}."""
        return {}


class PythonStdlibSpec(DatasetSpec):
    """The functions of the running Python's standard library without their docstrings, which give the queries."""

    source: Literal["python-stdlib"] = "python-stdlib"

    def open(self, pool: Sequence[Path]) -> "Collection":
        """Read the standard library."""
        from embquant.datasets.python_stdlib import open_python_stdlib

        return open_python_stdlib()


class FilesSpec(DatasetSpec):
    """Your own files: a folder, or single files, which take precedence over those of the folder."""

    source: Literal["files"] = "files"
    path: str | None = Field(
        None,
        description="a folder with `corpus.*`, `queries.*` (or `queries_<split>.*`) and `qrels/<split>.*` (or "
        "`qrels_<split>.*`, `qrels.*`); formats by suffix: `.jsonl`, `.csv`, `.tsv` (also `.gz`, `.zst`, `.bz2`, "
        "`.xz`), `.parquet`; folders `corpus` and `queries` have shards",
    )
    corpus: str | list[str] | None = Field(None, description=NAMED_FILES)
    queries: str | list[str] | None = Field(
        None, description=f"{NAMED_FILES}; `null` takes none, so that documents become queries"
    )
    qrels: str | list[str] | ByKey | None = Field(
        None,
        description=f"{NAMED_FILES}; or `{{key: {{corpus: COLUMN, queries: COLUMN}}}}`: a query is relevant to all "
        "documents with the same value; `null` takes none. A file without a header is TREC's, or query, document, "
        "relevance",
    )
    split: str = Field("test", description="split of the judgements")
    columns: TableColumns = Field(
        TableColumns(),
        description="`{corpus: {id, title, text, display, group}, queries: {id, text}, "
        "qrels: {query_id, doc_id, relevance}}`, where the names differ from BEIR's; `display` is what search "
        "results show instead of the text, `group` is for `fit_on`: a language, a date",
    )
    held_out_queries: int | None = Field(None, ge=1, description=HELD_OUT)
    seed: int = Field(0, ge=0, description=SEED)
    max_queries: int | None = Field(None, ge=1, description=MAX_QUERIES)
    identical_ids: Literal["auto", "exclude", "keep"] = Field("auto", description=IDENTICAL_IDS)

    def open(self, pool: Sequence[Path]) -> "Collection":
        """Open the files."""
        from embquant.datasets.files import open_files

        return open_files(self)

    def input_files(self) -> list[Path]:
        """Return the files that are found; none if the folder's layout is wrong, which ``open`` says."""
        from embquant.datasets.files import find_layout

        try:
            return [path for path in find_layout(self).paths() if path.is_file()]
        except InputError:
            return []

    def addresses(self) -> dict[str, str]:
        """Return the tables that are given by an address such as ``s3://bucket/corpus.jsonl``."""
        given = {"corpus": self.corpus, "queries": self.queries, "qrels": self.qrels}
        return {key: value for key, value in given.items() if isinstance(value, str) and "://" in value}


class RepositorySpec(Entry):
    """One table of a hub repository, or of a local folder in the hub's layout."""

    repository: str = Field(description="name on the hub, or a local folder in the hub's layout")
    split: str = Field(description="split of the table; `a+b` joins two")
    configuration: str | None = Field(None, description="the hub's name of the table, if the repository has several")
    folder: str | None = Field(
        None, description="folder of the files, in a repository that doesn't declare configurations"
    )
    revision: str | None = Field(None, description="commit, branch or tag")
    columns: Columns = Field({}, description="names of the columns, as for `files`")


def _repository_or_key(value: Any) -> str:
    by_key = isinstance(value, ByKey) or (isinstance(value, Mapping) and "key" in value)
    return "ByKey" if by_key else "RepositorySpec"


class HuggingfaceSpec(DatasetSpec):
    """Tables read through ``datasets.load_dataset``."""

    source: Literal["huggingface"] = "huggingface"
    corpus: RepositorySpec = Field(description="table of the documents")
    queries: RepositorySpec | None = Field(None, description="table of the queries")
    qrels: (
        Annotated[
            Annotated[RepositorySpec, Tag("RepositorySpec")] | Annotated[ByKey, Tag("ByKey")],
            Discriminator(_repository_or_key),
        ]
        | None
    ) = Field(None, description="table of the judgements, or `{key: {corpus: COLUMN, queries: COLUMN}}`")
    held_out_queries: int | None = Field(None, ge=1, description=HELD_OUT)
    seed: int = Field(0, ge=0, description=SEED)
    max_queries: int | None = Field(None, ge=1, description=MAX_QUERIES)
    identical_ids: Literal["auto", "exclude", "keep"] = Field("auto", description=IDENTICAL_IDS)
    retries: int = Field(5, ge=0, description="how often a download that breaks off is repeated")

    @model_validator(mode="after")
    def _check_columns(self) -> Self:
        for name, table in self.tables().items():
            try:
                _fields_of(name)(table.columns)
            except ValueError as error:
                raise ValueError(f"columns of {name}: {error}") from None
        return self

    def tables(self) -> dict[str, RepositorySpec]:
        """Return the tables that are read from repositories, by name."""
        asked = {"corpus": self.corpus, "queries": self.queries, "qrels": self.qrels}
        return {name: table for name, table in asked.items() if isinstance(table, RepositorySpec)}

    def open(self, pool: Sequence[Path]) -> "Collection":
        """Open the tables, downloaded or from the hub's cache."""
        from embquant.datasets.huggingface import open_huggingface

        return open_huggingface(self)

    def input_files(self) -> list[Path]:
        """Return all files of the repositories that are local folders."""
        folders = {Path(table.repository) for table in self.tables().values()}
        return sorted(path for folder in folders if folder.is_dir() for path in folder.rglob("*") if path.is_file())


class PooledSpec(DatasetSpec):
    """Several datasets of the study as one corpus, ids prefixed by the dataset's name."""

    source: Literal["pooled"] = "pooled"
    datasets: list[str] = Field(description="names of datasets of the study")
    documents: int | None = Field(
        None, ge=1, description="number of documents: the corpus is cut, or repeated in order from the start"
    )
    max_queries: int | None = Field(
        None, ge=1, description="largest number of queries of each dataset; the first (judged) ones are used"
    )

    def members(self) -> list[str]:
        """Return the names of the datasets that are pooled."""
        return self.datasets

    def open(self, pool: Sequence[Path]) -> "Collection":
        """Pool the prepared datasets in the folders ``pool``."""
        from embquant.datasets.pooled import open_pooled

        return open_pooled(self, pool)


SOURCES: Registry[type[DatasetSpec]] = Registry(
    "source",
    "embquant.sources",
    {
        "python-stdlib": "embquant.datasets.spec:PythonStdlibSpec",
        "files": "embquant.datasets.spec:FilesSpec",
        "huggingface": "embquant.datasets.spec:HuggingfaceSpec",
        "pooled": "embquant.datasets.spec:PooledSpec",
    },
)
"""The sources of datasets."""


def parse_dataset(values: Mapping[str, Any] | str, where: str = "dataset") -> DatasetSpec:
    """Read the entry of a dataset, or its JSON text; anything wrong is an InputError that starts with ``where``."""
    return read_kind(SOURCES, "source", values, where)
