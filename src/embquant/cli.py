"""The command line: one command per pipeline step, and those that read what a run has built.

The command ``build-store`` is the function ``build_store`` of the module ``embquant.steps.build_store``. Its options
follow from the function's signature, see :func:`add_options`. A step's module is imported only when its command is
called: no step pays for another step's libraries.
"""

import argparse
import ast
import atexit
import gc
import inspect
import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args, get_origin

from embquant import __version__
from embquant.errors import InputError, harmless
from embquant.files.parent import end_with
from embquant.files.records import recording

COMMANDS = (
    "prepare-dataset",
    "prepare-model",
    "calibrate",
    "plan-study",
    "embed-corpus",
    "place-embeddings",
    "embed-queries",
    "time-embedding",
    "build-store",
    "build-index",
    "define-method",
    "search-index",
    "search-part",
    "merge-candidates",
    "search-bm25",
    "read-run",
    "evaluate-run",
    "rerank",
    "explain-losses",
    "time-search",
    "measure-memory",
    "join-reports",
    "write-report",
    "diagnose",
    "compare",
    "check",
    "gallery",
    "present",
    "search",
    "verify",
)
"""All commands, in the order of a study."""

READERS = ("diagnose", "present", "compare", "check", "gallery", "search", "verify")
"""Commands that write no results of a study; what files they write lie where the user likes."""

ARROW_WITH_PANDAS = ("prepare-dataset", "prepare-model", "explain-losses", "join-reports", "write-report")
"""Steps that work with pandas, or with libraries that do. In a run, all others do without (``spare_pandas``)."""

DESCRIPTION = "Measure what quantizing embeddings costs in retrieval quality and saves in memory and time."


IMPORTED_OBJECTS = 1_000_000
"""New objects after which Python looks for garbage: more than any command imports, of which none is garbage."""


def run() -> NoReturn:
    """Run one command as a process, which ends without tearing down its libraries: that takes a tenth of a second."""
    gc.set_threshold(IMPORTED_OBJECTS, 20, 20)
    status = main()
    atexit._run_exitfuncs()  # such as those that end a database
    try:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
    except OSError:  # nobody reads any more, or the disk is full
        status = status or 1
    os._exit(status)


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0 fine, 1 the machine's fault or a failed check, 2 wrong input."""
    words = sys.argv[1:] if words is None else list(words)
    try:
        job, words = _job_parser().parse_known_args(words)
        command, positional, options = _parse(words)
        function = step(command)
        if job.run is not None:
            end_with(job.run)
            if command not in ARROW_WITH_PANDAS and (parquet := sys.modules.get("embquant.files.parquet")):
                parquet.spare_pandas()
        logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
        logging.getLogger("embquant").setLevel(logging.INFO)
        with recording(["embquant", *words], job.study_file, command not in READERS, job.profile):
            status = function(*positional, **options)
        return status if isinstance(status, int) else 0
    except InputError as error:
        return _fail(str(error), 2)
    except OSError as error:
        return _fail(f"{error.filename or 'operating system'}: {error.strerror or error}", 1)
    except Exception as error:  # a defect: the log keeps the traceback, and ends with an error line as ever
        traceback.print_exc()
        return _fail(f"unexpected {type(error).__name__}: {error}", 1)


def step(command: str) -> Callable[..., Any]:
    """Return the function of a command."""
    name = command.replace("-", "_")
    return getattr(import_module(f"embquant.steps.{name}"), name)


def summary(command: str) -> str:
    """Return the first line of the docstring of a command's function, read without importing the module."""
    name = command.replace("-", "_")
    source = Path(__file__).parent / "steps" / f"{name}.py"
    functions = (node for node in ast.parse(source.read_bytes()).body if isinstance(node, ast.FunctionDef))
    docstring = next(ast.get_docstring(function) for function in functions if function.name == name)
    return (docstring or "").partition("\n")[0]


def add_options(parser: argparse.ArgumentParser, function: Callable[..., Any]) -> None:
    """Add an option for each parameter of ``function``; its annotation is ``Annotated[type, "help text"]``.

    ``--top-k`` is the parameter ``top_k``; a positional-only parameter is a positional argument. A parameter without a
    default is required. What the types mean:

    - ``Literal``: one of its values.
    - ``Sequence[X]``: one or more values; with a default, zero or more.
    - ``Mapping[str, Path]``: any number of ``NAME=PATH``. Any other mapping: a JSON object.
    - ``X | None``: may be left out, or given without a value.
    - ``bool``: true if the option is given, which takes no value.
    - ``Path``, ``int``, ``float``, ``str``: a single value.
    """
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        kind, text = get_args(parameter.annotation)
        text = text.replace("%", "%%")  # argparse formats it
        required, default = parameter.default is parameter.empty, parameter.default
        options = _described(kind, required)
        if not required:
            options["default"] = default
            shown = " ".join(map(str, default)) if isinstance(default, tuple) else default
            text += f" (default {shown})" if shown not in (None, "", {}, False) else ""
        if parameter.kind is parameter.POSITIONAL_ONLY:
            parser.add_argument(parameter.name, help=text, **options)
        else:
            name = f"--{parameter.name.replace('_', '-')}"
            parser.add_argument(name, help=text, required=required, **options)


def _described(kind: Any, required: bool) -> dict[str, Any]:
    """Return how argparse reads values of a type."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"choices": inner}
    if origin is Sequence:
        return {"type": inner[0], "nargs": "+" if required else "*"}
    if origin is Mapping and inner[1] is Path:
        return {"type": _named_path, "nargs": "*", "action": _NamedPaths, "metavar": "NAME=PATH"}
    if origin is Mapping:
        return {"type": _json_object, "metavar": "JSON"}
    if type(None) in inner:
        return {**_described(inner[0], required=True), "nargs": "?"}
    return {"action": "store_true"} if kind is bool else {"type": kind}


def _named_path(text: str) -> tuple[str, Path]:
    name, sign, path = text.partition("=")
    if not (name and sign and path):
        raise argparse.ArgumentTypeError(f"expected NAME=PATH, got {text!r}")
    return name, Path(path)


def _json_object(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON ({error})") from None
    if not isinstance(values, dict):
        raise argparse.ArgumentTypeError(f"expected a JSON object, got {text[:60]!r}")
    return values


class _NamedPaths(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, *_: Any) -> None:
        setattr(namespace, self.dest, dict(values))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help")


def _job_parser() -> "_Parser":
    """Return the parser of what the workflow says of the run that a command is a job of."""
    parser = _Parser(prog="embquant", add_help=False, allow_abbrev=False)
    parser.add_argument("--run", type=int, metavar="PID", help="process of the run: the command ends with it")
    parser.add_argument("--study-file", metavar="FILE", help="configuration of the run: advice in errors names it")
    parser.add_argument("--profile", metavar="NAME", help="profile of the run: likewise")
    return parser


def _parse(words: list[str]) -> tuple[str, list[Any], dict[str, Any]]:
    """Return the command, its positional arguments and its options."""
    parser = _Parser(prog="embquant", description=DESCRIPTION, parents=[_job_parser()], allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"embquant {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    asked = next((word for word in words if not word.startswith("-")), None)
    for command in [asked] if asked in COMMANDS else COMMANDS:
        line = summary(command)
        subparser = commands.add_parser(command, help=line, description=line, allow_abbrev=False)
        if command == asked:
            add_options(subparser, step(command))
    options = vars(parser.parse_args(words))
    command = options.pop("command")
    del options["run"], options["study_file"], options["profile"]
    parameters = inspect.signature(step(command)).parameters.values()
    positional = [options.pop(one.name) for one in parameters if one.kind is one.POSITIONAL_ONLY]
    return command, positional, options


def _fail(message: str, status: int) -> int:
    print("embquant: error:", harmless(" ".join(message.split())), file=sys.stderr)
    return status
