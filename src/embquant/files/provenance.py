"""What a result was made with: source code, library versions, machine.

Snakemake notices changed parameters and inputs, but not changed modules. The workflow therefore puts
:func:`source_digest` into each rule's parameters: editing a module reruns the stages that use it, and no others.
"""

import ast
import hashlib
import platform
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

from embquant.files.machine import machine

PACKAGE = Path(__file__).parents[1]

DEFINITION = re.compile(rb"^(?:def|class|async|@)", re.MULTILINE)
"""Where the first function or class of a module begins."""
LATER_IMPORT = re.compile(rb"\b(?:from|import)\b.*\bembquant\b")
"""What an import of this package looks like, and perhaps a sentence about one."""


@cache
def source_digest(*modules: str) -> str:
    """Return a digest of the source of ``modules`` and of all modules of this package that they import.

    ``modules`` are dotted names such as ``embquant.retrieve.candidates``, or of another package that adds a kind.
    Indirect imports and imports inside functions count. A module that a registry imports by its name must be among
    ``modules``. Other files that lie in a package's folder, such as templates, are part of it.
    """
    digest = hashlib.sha256()
    reachable = _reachable(modules)
    for path in sorted(reachable.union(*map(_beside, reachable))):
        digest.update(_content(path))
    return digest.hexdigest()[:16]


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def environment(packages: Sequence[str]) -> dict[str, str]:
    """Return the versions of Python and of ``packages``, and the machine they run on."""
    return {"python": platform.python_version(), **{name: _version(name) for name in packages}, "machine": machine()}


def packages_of(modules: Sequence[str]) -> list[str]:
    """Return the names of the installed packages that bring ``modules``."""
    brought_by = packages_distributions() if modules else {}
    return sorted({package for module in modules for package in brought_by.get(module, [])})


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _reachable(modules: Sequence[str]) -> set[Path]:
    found: set[Path] = set()
    waiting = list(modules)
    while waiting:
        path, imported = _read(waiting.pop())
        if path is not None and path not in found:
            found.add(path)
            waiting.extend(imported)
    return found


@cache
def _read(module: str) -> tuple[Path | None, tuple[str, ...]]:
    """Return the file of a module, and the modules of this package that running the file imports."""
    path = _source(module)
    if path is None:
        return None, ()
    above = [module.rpartition(".")[0]] if module.startswith("embquant.") else []  # a package's __init__ runs first
    return path, (*_imported(_statements(path.read_bytes())), *above)


def _statements(source: bytes) -> ast.Module:
    """Return the statements of a module up to its first function or class, and the others if these may import ours.

    Few do, and to parse all of every module takes seven times as long.
    """
    first = DEFINITION.search(source)
    if first and not LATER_IMPORT.search(source, first.start()):
        with suppress(SyntaxError):  # the line that looks like a definition is within a text
            return ast.parse(source[: first.start()])
    return ast.parse(source)


def _source(module: str) -> Path | None:
    if module.partition(".")[0] != "embquant":
        found = find_spec(module)
        return Path(found.origin) if found is not None and found.has_location and found.origin else None
    base = PACKAGE.joinpath(*module.split(".")[1:])
    for path in (base / "__init__.py", base.with_suffix(".py")):
        if path.is_file():
            return path
    return None


@cache
def _content(path: Path) -> bytes:
    """Return the name and the bytes of a file, as they are digested."""
    name = path.relative_to(PACKAGE).as_posix() if path.is_relative_to(PACKAGE) else path.name
    return name.encode() + b"\0" + path.read_bytes() + b"\0"


@cache
def _beside(path: Path) -> set[Path]:
    """Return the files of a package, given by its ``__init__.py``, that are not Python's."""
    if path.name != "__init__.py":
        return set()
    return {file for file in path.parent.iterdir() if file.is_file() and file.suffix not in (".py", ".pyc")}


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield the modules of this package that a module imports anywhere, but for type checkers alone."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting.extend(node.orelse)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("embquant."))
        elif isinstance(node, ast.ImportFrom):
            if node.module and node.module.split(".")[0] == "embquant":
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            for block in ("body", "orelse", "handlers", "finalbody", "cases"):  # no expression holds an import
                inner = getattr(node, block, [])
                waiting.extend(inner if isinstance(inner, list) else [])  # the body of a lambda is an expression
