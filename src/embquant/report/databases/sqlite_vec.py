"""SQLite with sqlite-vec, in SQL."""

from embquant.engines.sqlite_vec_words import MOST
from embquant.report.databases.base import Equal, NoEqual, Wanted
from embquant.study.method import StudyMethod

FIXED = "a fixed range of −1 to 1 for all dimensions"
COLUMNS = {
    "float32": (("embedding", "float[{dim}]", "{vector}"), ""),
    "int8": (("small", "int8[{dim}]", "vec_quantize_int8({vector}, 'unit')"), FIXED),
    "unit-int8": (("small", "int8[{dim}]", "vec_quantize_int8({vector}, 'unit')"), ""),
    "binary": (("bits", "bit[{dim}]", "vec_quantize_binary({vector})"), ""),
}
"""A code → the name of its column, its type, and what makes it of a vector; and how it differs."""


def equal(wanted: Wanted) -> Equal:
    """Return the table and the query; ``:vector`` and ``:query`` are vectors of float32 numbers as bytes."""
    first, differs = wanted.quantizer(COLUMNS)
    columns = [first]
    if wanted.code == "binary":
        if wanted.dim % 8:
            raise NoEqual("its bits are of a multiple of 8 dimensions")
        differs += wanted.signs()
    if wanted.candidates > MOST:
        raise NoEqual(f"it finds at most {MOST:,} candidates")
    if wanted.index != "flat":
        differs.append("all vectors are scanned, because it has no graph and no lists")
    if wanted.store is not None:
        kind, more = wanted.originals({"unit-int8": "unit-int8", "int8": "int8", "float32": "float32"})
        finer, difference = COLUMNS[kind]
        columns.append(finer)
        differs += [*more, difference] if difference else more
    if any(name != "bits" for name, _, _ in columns):
        differs.append("vectors have to be of unit length")
    dim = wanted.dim
    declared = ", ".join(f"{name} {kind.format(dim=dim)}" for name, kind, _ in columns)
    names = ", ".join(name for name, _, _ in columns)
    values = ", ".join(made.format(vector=":vector") for _, _, made in columns)
    lines = [
        f"CREATE VIRTUAL TABLE documents USING vec0(id INTEGER PRIMARY KEY, {declared});",
        f"INSERT INTO documents (id, {names}) VALUES (:id, {values});",
        *_query(wanted, columns),
    ]
    return Equal("\n".join(lines), differs)


def understood(method: StudyMethod, dim: int, top_k: int) -> Wanted:
    """Return what a method of the kind ``sqlite-vec`` does."""
    family = {"float": "float32", "int8": "unit-int8", "bit": "binary"}[method.build.column]
    deeper = method.search.oversampling
    store = "float32" if deeper else None
    return Wanted.said({"family": family}, dim, top_k, store=store, symmetric=True, multiplier=deeper or 1)


def _query(wanted: Wanted, columns: list[tuple[str, str, str]]) -> list[str]:
    name, _, made = columns[0]
    found = f"WHERE {name} MATCH {made.format(vector=':query')} AND k = {wanted.candidates}"
    if len(columns) == 1:
        return [f"SELECT id FROM documents {found} ORDER BY distance;"]
    finer, _, quantized = columns[1]
    return [
        f"WITH candidates AS (SELECT id, {finer} FROM documents {found})",
        f"SELECT id FROM candidates ORDER BY vec_distance_L2({finer}, {quantized.format(vector=':query')}) "
        f"LIMIT {wanted.top_k};",
    ]
