# The functions of the rules. They ask STUDY what a study is, and LAYOUT where a file lies.
import gc
import json
import os
import platform
import re
import shlex
import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

from embquant.cli import IMPORTED_OBJECTS
from embquant.embedding.backends import BACKENDS
from embquant.engines import locks
from embquant.errors import InputError
from embquant.files.provenance import file_digest, source_digest
from embquant.files.running import RunFolder, profile_of
from embquant.report.tables import TABLES as REPORT_TABLES
from embquant.study.configfile import read_yaml
from embquant.study.layout import literal, nameable, unnameable
from embquant.study.study import Study

gc.set_threshold(IMPORTED_OBJECTS, 20, 20)  # as for every command


@contextmanager
def mistakes_in_one_line():
    """Let an InputError end the run in one line."""
    try:
        yield
    except InputError as error:
        raise WorkflowError(f"embquant: error: {error}") from None


def config_name():
    """Return the path of the configuration as the user would write it."""
    return os.path.relpath((workflow.configfiles or ["config.yaml"])[-1])


def before_each_command():
    """Return the start of every shell command.

    It puts the programs of Snakemake's environment first on the path, and tells each command the process of its run, the
    study's file and the profile. Braces are doubled, because Snakemake reads single ones as placeholders.
    """
    folder = str(Path(sys.executable).parent)
    programs, study = (literal(shlex.quote(name)) for name in (folder, config_name()))
    profile = f"--profile {literal(shlex.quote(PROFILE))} " if PROFILE else ""
    called = f'embquant() {{{{ command embquant --run $PPID --study-file {study} {profile}"$@"; }}}}'
    return f"PATH={programs}:$PATH; {called}; "


def canonical(value):
    """Write a value as text that is the same for equal values: Snakemake compares the texts of parameters."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def entry(section, name):
    """Return a named entry of the configuration as a parameter."""
    return canonical(STUDY.config.to_dict()[section][name])


@cache
def code(step, *modules):
    """Return a digest of the library's modules that a step uses, and of the environment they run in."""
    digests = [file_digest(Path(workflow.basedir, "envs", name))[:16] for name in locks(modules)]
    return f"{source_digest(f'embquant.steps.{step}', *modules)} {' '.join(digests)} Python {platform.python_version()}"


def filled(choose):
    """Return an input function: the patterns that ``choose`` returns for the wildcards, filled in."""
    return lambda wildcards: [pattern.format(**wildcards) for pattern in as_list(choose(wildcards))]


def as_list(files):
    """Return several files as they are, and a single one, which Snakemake gives as text, as a list."""
    return [files] if isinstance(files, str) else files


def method(wildcards):
    """Return the method of the study that a job is for."""
    return STUDY.searched[wildcards.method]


def distinct_so_far(wildcards):
    """Return what was embedded of a part and of all parts before it: the first occurrences of the part's texts.

    The part's embeddings may be a link to its own file and then have that file's age. So the files of the other parts are
    ancient: they may be newer.
    """
    *before, own = filled(lambda _: LAYOUT.each_part(LAYOUT.distinct_embeddings())[: int(wildcards.part) + 1])(
        wildcards
    )
    return [*map(ancient, before), own]


def local_entry(wildcards, input):
    """Return the entry of a dataset, with the paths of fetched files in place of their addresses."""
    paths = dict(zip(STUDY.config.datasets[wildcards.dataset].addresses(), input.fetched))
    return canonical({**STUDY.config.to_dict()["datasets"][wildcards.dataset], **paths})


def shown_as(category, name, caption=None):
    """Return how Snakemake's report shows a result: its category, its name and its caption in workflow/report/.

    Tables of other packages share a caption.
    """
    captions = [f"{caption or name}.rst", "table.rst"]
    found = next(file for file in captions if Path(workflow.basedir, "workflow", "report", file).is_file())
    return {"caption": f"../report/{found}", "category": category, "labels": {"result": name}}


def one_of(names):
    """Return the constraint of a wildcard that is one of ``names``; without names it matches nothing."""
    return "|".join(names) or "(?!)"
