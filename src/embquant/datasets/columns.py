"""From tables with columns of any name to a collection: names and aliases, and what each column must hold."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from embquant.datasets.collection import CORPUS, QRELS, QUERIES, Collection, HeldOut, Named, batch
from embquant.datasets.spec import ByKey, Columns, FilesSpec, HuggingfaceSpec
from embquant.datasets.tables import Rows, Table
from embquant.errors import InputError

ALIASES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "corpus": {"id": ("_id", "id"), "title": ("title",), "text": ("text",), "display": (), "group": ()},
    "queries": {"id": ("_id", "id"), "text": ("text",)},
    "qrels": {
        "query_id": ("query_id", "query-id"),
        "doc_id": ("doc_id", "doc-id", "corpus-id", "corpus_id"),
        "relevance": ("relevance", "score"),
    },
}
"""The fields of each table and the column names they have by default."""

OPTIONAL = {"title", "display", "group"}


@dataclass(frozen=True)
class NamedTable:
    """A table and the columns that the user named."""

    table: Table
    columns: Columns


def assemble(
    entry: FilesSpec | HuggingfaceSpec,
    corpus: NamedTable,
    queries: NamedTable | None,
    qrels: NamedTable | None,
    origin: dict[str, Any],
) -> Collection:
    """Return the collection of these tables; judgements follow from keys if ``entry.qrels`` names key columns.

    Rows need no ids unless judgements name them: without an id column the row number is the id. Without queries a
    sample of the documents is held out as queries.
    """
    key = entry.qrels.key if isinstance(entry.qrels, ByKey) else None
    if queries is None and (qrels is not None or key is not None):
        raise InputError(f"{corpus.table.name}: there are judgements but no queries; name the table of queries")
    if queries is not None and entry.held_out_queries is not None:
        raise InputError(
            f"{queries.table.name}: held_out_queries is for a corpus without queries; remove one of the two"
        )
    number_rows = qrels is None
    documents = read_corpus(corpus.table, corpus.columns, key.corpus if key else None, number_rows)
    chosen: Named | HeldOut = HeldOut(entry.held_out_queries, entry.seed)
    if queries is not None:
        rows = read_queries(queries.table, queries.columns, key.queries if key else None, number_rows)
        chosen = Named(queries.table.name, rows)
    return Collection(
        corpus=Named(corpus.table.name, documents),
        queries=chosen,
        qrels=None if qrels is None else Named(qrels.table.name, read_qrels(qrels.table, qrels.columns)),
        by_key=key is not None,
        max_queries=entry.max_queries,
        identical_ids=entry.identical_ids,
        origin=origin,
    )


def read_corpus(table: Table, chosen: Columns, key: str | None, number_rows: bool) -> Iterator[pa.RecordBatch]:
    """Yield documents as batches of ``CORPUS``; without an id column and with ``number_rows``, the row is the id."""
    names = _locate(table, "corpus", chosen, key, {"id"} if number_rows else set())
    for first, rows in _read(table, names):
        text = _text(rows, names["text"])
        body = pa.nulls(len(text), pa.string())
        if "title" in names:
            title = _text(rows, names["title"])
            body = pc.if_else(pc.equal(title, ""), None, text)
            text = pc.binary_join_element_wise(title, text, " ")
        text = pc.utf8_trim_whitespace(text)
        display = pa.nulls(len(text), pa.string())
        if "display" in names:
            display = _text(rows, names["display"])
            display = pc.if_else(pc.equal(display, text), None, display)
        keys = [_optional(rows, names, name) for name in ("key", "group")]
        yield pa.record_batch([_ids(rows, names, "", first), text, display, body, *keys], CORPUS)


def read_queries(table: Table, chosen: Columns, key: str | None, number_rows: bool) -> Iterator[pa.RecordBatch]:
    """Yield queries as batches of ``QUERIES``; with ``number_rows`` and no id column, ids are q0, q1 and so on."""
    names = _locate(table, "queries", chosen, key, {"id"} if number_rows else set())
    for first, rows in _read(table, names):
        columns = {
            "id": _ids(rows, names, "q", first),
            "text": _text(rows, names["text"]),
            "key": _optional(rows, names, "key"),
        }
        yield batch(QUERIES, columns)


def read_qrels(table: Table, chosen: Columns) -> Iterator[pa.RecordBatch]:
    """Yield judgements as batches of ``QRELS``."""
    names = _locate(table, "qrels", chosen, None, set())
    for _, rows in _read(table, names):
        columns = [_identifiers(rows, names["query_id"]), _identifiers(rows, names["doc_id"])]
        yield pa.record_batch([*columns, _relevance(rows, names["relevance"])], QRELS)


def _locate(table: Table, kind: str, chosen: Columns, key: str | None, dispensable: set[str]) -> dict[str, str]:
    """Return the column of each field; a field that is optional and missing is left out."""
    if table.varying and not table.columns:  # an empty file
        return {}
    names = {} if key is None else {"key": key}
    for name, aliases in ALIASES[kind].items():
        column_chosen = chosen.get(name)
        wanted = (column_chosen,) if column_chosen else () if name in chosen else aliases
        found = next((column for column in wanted if column in table.columns), None)
        if found is None and table.varying and name in OPTIONAL and wanted:
            found = wanted[0]
        if found is not None:
            names[name] = found
        elif not _can_do_without(name, chosen, dispensable):
            _fail_missing(table, wanted, kind, name)
    if key is not None and key not in table.columns:
        _fail_missing(table, (key,), kind, "key")
    return names


def _can_do_without(name: str, chosen: Columns, dispensable: set[str]) -> bool:
    return (name in OPTIONAL or name in dispensable) and not chosen.get(name)


def _fail_missing(table: Table, wanted: tuple[str, ...], kind: str, name: str) -> None:
    looked = " or ".join(map(repr, wanted)) or f"for {name}"
    raise InputError(
        f"{table.name}: no column {looked} ({name} of the {kind}); it has: {', '.join(table.columns) or 'no rows'}; "
        f"{_way_out(table.columns, kind)}"
    )


def _way_out(columns: Sequence[str], kind: str) -> str:
    """Return what to do about a table in which a column isn't found."""
    if len(columns) == 1 and any(separator in columns[0] for separator in ",;\t "):
        lines = "; without a header, its lines have TREC's four fields, or query, document and relevance"
        return f"fields are separated by tabs in .tsv, by commas in .csv{lines if kind == 'qrels' else ''}"
    return "name the right one in the dataset's columns"


def _read(table: Table, names: Mapping[str, str]) -> Iterator[tuple[int, Rows]]:
    """Yield batches of the located columns, each as (number of rows before it, rows)."""
    first = 0
    for rows in table.read(list(dict.fromkeys(names.values()))):
        yield first, rows
        first += len(rows.numbers)


def _ids(rows: Rows, names: Mapping[str, str], prefix: str, first: int) -> pa.Array:
    if "id" in names:
        return _identifiers(rows, names["id"])
    return pa.array([f"{prefix}{number}" for number in range(first, first + len(rows.numbers))])


def _optional(rows: Rows, names: Mapping[str, str], name: str) -> pa.Array:
    if name not in names:
        return pa.nulls(len(rows.numbers), pa.string())
    return _strings(rows, names[name], _is_identifier, pa.types.is_integer, "text or whole numbers")


def _identifiers(rows: Rows, column: str) -> pa.Array:
    """Return ids as text; raises InputError for null or ""."""
    ids = _strings(rows, column, _is_identifier, pa.types.is_integer, "text or whole numbers")
    empty = pc.equal(pc.fill_null(ids, ""), "")
    if pc.any(empty).as_py():
        raise InputError(f"{rows.where(pc.index(empty, True).as_py())}: {column!r} is empty, expected an id")
    return ids


def _text(rows: Rows, column: str) -> pa.Array:
    """Return text, "" for null."""
    return pc.fill_null(_strings(rows, column, _is_text, lambda _: False, "text"), "")


def _strings(
    rows: Rows,
    column: str,
    valid: Callable[[Any], bool],
    valid_type: Callable[[pa.DataType], bool],
    expected: str,
) -> pa.StringArray:
    values = rows.columns[column]
    if isinstance(values, list):
        for row, value in enumerate(values):
            if not valid(value):
                raise InputError(f"{rows.where(row)}: {column!r} is {_excerpt(value)}, expected {expected}")
        try:
            return pa.array([value if value is None else str(value) for value in values], pa.string())
        except UnicodeEncodeError as error:
            row = values.index(error.object)
            raise InputError(f"{rows.where(row)}: {column!r} is not valid Unicode ({error.reason})") from None
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if not (_is_text_type(kind) or valid_type(kind)):
        raise InputError(f"{rows.where(0)}: {column!r} holds {kind}, expected {expected}")
    try:
        strings = values.cast(pa.string())
        strings.validate(full=True)
    except pa.ArrowException as error:
        raise InputError(f"{rows.where(0)} and after: {column!r} is not valid UTF-8 text ({error})") from None
    return strings


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_identifier(value: Any) -> bool:
    return _is_text(value) or type(value) is int


def _is_text_type(kind: pa.DataType) -> bool:
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    return any(test(kind) for test in (*tests, pa.types.is_binary, pa.types.is_large_binary))


def _relevance(rows: Rows, column: str) -> pa.Array:
    """Return relevance as int32: whole numbers, which may be stored as text."""
    values = rows.columns[column]
    values = values if isinstance(values, list) else values.to_pylist()
    return pa.array([_whole(value, rows, row, column) for row, value in enumerate(values)], pa.int32())


def _whole(value: Any, rows: Rows, row: int, column: str) -> int:
    try:
        number = float(value)
        if number == int(number) and abs(number) < 2**31:
            return int(number)
    except (TypeError, ValueError, OverflowError):
        pass
    raise InputError(
        f"{rows.where(row)}: {column!r} is {_excerpt(value)}, expected a whole number; round or multiply grades"
    )


def _excerpt(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
