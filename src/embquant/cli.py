"""The command line: one command per pipeline step, and those that read what a run has built.

Each command lives in the module that does its work (``add_arguments`` and ``run``), which is imported
only when that command is called: no step pays for another step's libraries.
"""

import argparse
import logging
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module

from embquant import __version__
from embquant.errors import InputError
from embquant.files import records
from embquant.files.parent import end_with, parent_run

COMMANDS: dict[str, tuple[str, str]] = {
    "prepare-dataset": ("embquant.datasets.prepare", "read a corpus, queries and judgements into Parquet, checked"),
    "prepare-model": ("embquant.embedding.prepare", "find a model, check it and choose what runs it"),
    "calibrate": ("embquant.steps.calibrate", "measure how fast some of a dataset's texts are embedded here"),
    "plan-study": ("embquant.steps.plan_study", "tell what a study will take, and refuse what the disk can't hold"),
    "embed-corpus": ("embquant.steps.embed_corpus", "embed the distinct texts of one part of a corpus"),
    "place-embeddings": ("embquant.steps.place_embeddings", "give every row of one part its embedding"),
    "embed-queries": ("embquant.steps.embed_queries", "embed the queries of a dataset"),
    "time-embedding": ("embquant.steps.time_embedding", "time embedding itself; needs the machine to itself"),
    "collect-ids": ("embquant.steps.collect_ids", "write the ids of a corpus in row order"),
    "fit-codec": ("embquant.steps.fit_codec", "fit a codec on the embeddings of a corpus"),
    "encode-corpus": ("embquant.steps.encode_corpus", "encode one part of a corpus"),
    "build-index": ("embquant.indexes.manifest", "build an index, or a plain store, from codes"),
    "define-method": ("embquant.retrieve.method", "name an index and the way it is searched"),
    "search-index": ("embquant.retrieve.candidates", "find each query's candidates"),
    "search-part": ("embquant.steps.search_part", "find each query's candidates among one part of the corpus"),
    "merge-candidates": ("embquant.steps.merge_candidates", "merge the candidates of all parts of the corpus"),
    "evaluate-run": ("embquant.measure.quality", "measure every rescore store and multiplier on the candidates"),
    "explain-losses": ("embquant.report.numbers.losses", "list the queries that lose most, what they lose and why"),
    "time-search": ("embquant.measure.speed", "time a method beside the baseline; needs the machine to itself"),
    "measure-memory": ("embquant.measure.memory", "measure the memory of a method, each setting in its own process"),
    "join-reports": ("embquant.steps.join_reports", "join all measurements of a study into its CSV reports"),
    "write-report": ("embquant.steps.write_report", "write a study's reports as one page, with figures and tables"),
    "compare": ("embquant.steps.compare", "tell what changed between two runs, and what of it is chance"),
    "plan-scale": ("embquant.steps.plan_scale", "tell what a larger corpus would need, from measured rates"),
    "present": ("embquant.steps.present", "print a study's tables as Markdown and draw its figures"),
    "search": ("embquant.steps.search", "answer a question from what a run has built"),
    "verify": (
        "embquant.files.verify",
        "check every file of a study against its record",
    ),
}


READERS = ("plan-scale", "present", "compare", "search", "verify")
"""Commands that write no results: if anything, files where the user likes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status (0 fine, 1 the machine's fault or what it checked, 2 the input's)."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog="embquant", description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"embquant {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    asked = next((word for word in arguments if not word.startswith("-")), None)
    modules = {}
    for name, (module_name, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        if name == asked:
            modules[name] = import_module(module_name)
            modules[name].add_arguments(command)
    parsed = parser.parse_args(arguments)
    run = parent_run()
    records.begin(["embquant", *arguments], run is not None, parsed.command not in READERS)
    if run is not None:
        end_with(run)
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    logging.getLogger("embquant").setLevel(logging.INFO)
    try:
        return modules[parsed.command].run(parsed) or 0
    except InputError as error:
        return _fail(str(error), 2)
    except OSError as error:
        return _fail(f"{error.filename or 'operating system'}: {error.strerror or error}", 1)
    except Exception as error:  # a defect: the log keeps the traceback, and ends with an error line as ever
        traceback.print_exc()
        return _fail(f"unexpected {type(error).__name__}: {error}", 1)


def _fail(message: str, status: int) -> int:
    print("embquant: error:", " ".join(message.split()), file=sys.stderr)
    return status
