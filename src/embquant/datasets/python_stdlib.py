"""A collection that needs no download: the functions of the running Python's standard library.

A document is a function of at least three lines, without its docstring. A query is the first sentence of a docstring;
the functions that it was written for are relevant. Modules are parsed, never imported or run.
"""

import ast
import platform
import re
import sysconfig
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from embquant.datasets.collection import CORPUS, QRELS, QUERIES, Collection, Named, batch
from embquant.errors import InputError

OTHERS = {"__pycache__", "dist-packages", "site-packages"}
APPLICATIONS = {"ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tests", "turtledemo"}
"""Folders that aren't part of the library: tests, tools, data; lib2to3 exists in some versions of Python only."""

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
LEAST_LINES = 3
LEAST_WORDS = 4

_SENTENCE_END = re.compile(r"(?<=[.!?])\s")


@dataclass(frozen=True)
class Function:
    """A function: its dotted name, its code without the docstring, and the docstring's first sentence or ""."""

    name: str
    code: str
    summary: str


def open_python_stdlib(root: Path | None = None) -> Collection:
    """Return the functions below ``root`` (the running Python's library) as documents, their summaries as queries."""
    root = root or Path(sysconfig.get_path("stdlib"))
    documents: dict[str, str] = {}  # code → id: exact copies are one document
    relevant: dict[str, dict[str, None]] = {}  # summary → ids, in order
    names: dict[str, int] = {}
    copies = 0
    for function in standard_functions(root):
        names[function.name] = names.get(function.name, 0) + 1
        name = function.name if names[function.name] == 1 else f"{function.name}#{names[function.name]}"
        copies += function.code in documents
        document = documents.setdefault(function.code, name)
        if len(function.summary.split()) >= LEAST_WORDS:
            relevant.setdefault(function.summary, {})[document] = None
    if not documents:
        raise InputError(f"{root}: no Python sources of the standard library; install them, or choose another source")
    queries = {text: f"q{number}" for number, text in enumerate(relevant)}
    pairs = [(queries[text], document) for text, found in relevant.items() for document in found]
    qrels = {"query_id": [query for query, _ in pairs], "doc_id": [document for _, document in pairs]}
    return Collection(
        Named("python-stdlib", [batch(CORPUS, {"id": list(documents.values()), "text": list(documents)})]),
        Named("python-stdlib queries", [batch(QUERIES, {"id": list(queries.values()), "text": list(queries)})]),
        Named("python-stdlib qrels", [batch(QRELS, qrels | {"relevance": [1] * len(pairs)})]),
        origin={"python": platform.python_version()},
        left_out={"documents_that_are_exact_copies": copies},
    )


def standard_functions(root: Path) -> Iterator[Function]:
    """Yield the functions of at least three lines below ``root``, modules in the order of their paths."""
    for path in sorted(root.rglob("*.py"), key=lambda path: path.relative_to(root).parts):
        parts = path.relative_to(root).with_suffix("").parts
        if (OTHERS | APPLICATIONS).isdisjoint(parts[:-1]):
            module = parts[:-1] if parts[-1] == "__init__" else parts
            tree = _parse(path)
            yield from _functions(tree, ".".join(module), _take_docstrings(tree))


def summary(docstring: str) -> str:
    """Return the first sentence of a docstring on one line; at most its first paragraph."""
    paragraph = " ".join(docstring.strip().split("\n\n")[0].split())
    return _SENTENCE_END.split(paragraph)[0]


def _parse(path: Path) -> ast.Module:
    with warnings.catch_warnings(action="ignore"):  # old modules have invalid escapes
        try:
            return ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):  # templates and files of other versions
            return ast.Module([], [])


def _take_docstrings(tree: ast.Module) -> dict[ast.AST, str]:
    """Remove the docstrings of all functions and classes, inner ones too, and return them by node."""
    taken: dict[ast.AST, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, DEFINITIONS) and (docstring := ast.get_docstring(node)) is not None:
            taken[node] = docstring
            node.body = node.body[1:] or [ast.Pass()]
    return taken


def _functions(parent: ast.AST, prefix: str, docstrings: Mapping[ast.AST, str]) -> Iterator[Function]:
    for node in ast.iter_child_nodes(parent):
        name = f"{prefix}.{node.name}" if isinstance(node, DEFINITIONS) else prefix
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            code = ast.unparse(node)
            if code.count("\n") + 1 >= LEAST_LINES:
                yield Function(name, code, summary(docstrings.get(node, "")))
        yield from _functions(node, name, docstrings)
