# The functions of the rules. They ask STUDY what a study is, and LAYOUT where a file lies.
import argparse
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
from snakemake.io import contains_wildcard

from embquant.embedding.backends import BACKENDS
from embquant.errors import InputError
from embquant.files.provenance import file_digest, source_digest
from embquant.files.running import RunFolder
from embquant.report.tables import TABLES as REPORT_TABLES
from embquant.study.study import Study


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


def profile_name():
    """Return NAME of a run with `--profile profiles/NAME`, which `make run PROFILE=NAME` starts; None for any other.

    Jobs on a cluster are other processes, which Snakemake doesn't tell: they read what the run wrote into its folder.
    """
    if not workflow.is_main_process:
        return RunFolder().profile()
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--profile", nargs="+", action="extend", default=[])
    given = parser.parse_known_args(sys.argv[1:])[0].profile
    return Path(given[0]).name if len(given) == 1 and Path(given[0]).parent == Path("profiles") else None


def before_each_command():
    """Return the start of every shell command.

    It puts the programs of Snakemake's environment first on the path, and tells each command the process of its run, the
    study's file and the profile. Braces are doubled, because Snakemake reads single ones as placeholders.
    """
    folder = str(Path(sys.executable).parent)
    programs, study = (in_double_braces(shlex.quote(name)) for name in (folder, config_name()))
    profile = f"--profile {in_double_braces(shlex.quote(PROFILE))} " if PROFILE else ""
    called = f'embquant() {{{{ command embquant --run $PPID --study-file {study} {profile}"$@"; }}}}'
    return f"PATH={programs}:$PATH; {called}; "


def in_double_braces(text):
    """Return a text as a pattern that means it literally: Snakemake reads braces as placeholders, double ones as braces."""
    return re.sub("([{}])", r"\1\1", text)


def verbatim(value):
    """Return a parameter function for a value with the user's texts: in a plain one, Snakemake would fill in braces."""
    return lambda wildcards: value


def nameable(files):
    """Return the files that can be inputs of a rule: Snakemake takes braces in a file's name for a wildcard."""
    return [file for file in files if not contains_wildcard(file)]


def unnameable(files):
    """Return the other files with their times of change, as a parameter: a change of them is seen as of an input."""
    return canonical({file: os.stat(file).st_mtime_ns for file in files if contains_wildcard(file)})


def canonical(value):
    """Write a value as text that is the same for equal values: Snakemake compares the texts of parameters."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def entry(section, name):
    """Return a named entry of the configuration as a parameter."""
    return canonical(STUDY.config.to_dict()[section][name])


@cache
def code(step, *modules):
    """Return a digest of the library's modules that a step uses, and of the environment they run in."""
    locks = [file_digest(Path(workflow.basedir, "envs", name))[:16] for name in ("requirements.lock", "torch.lock")]
    return f"{source_digest(f'embquant.steps.{step}', *modules)} {' '.join(locks)} Python {platform.python_version()}"


def filled(choose):
    """Return an input function: the patterns that ``choose`` returns for the wildcards, filled in."""
    return lambda wildcards: [pattern.format(**wildcards) for pattern in as_list(choose(wildcards))]


def as_list(files):
    """Return several files as they are, and a single one, which Snakemake gives as text, as a list."""
    return [files] if isinstance(files, str) else files


def prompt_option(role, option="--prompt"):
    """Return a parameter function: the option with a model's prompt for each ``query`` or ``document``, if it has one."""

    def of_job(wildcards):
        prompt = STUDY.prompt(wildcards.model, role)
        return [] if prompt is None else [f"{option}={prompt}"]

    return of_job


def given_vectors(wildcards):
    """Return the files of the vectors that were computed elsewhere; none for a model that embeds texts."""
    return nameable(STUDY.given_vectors(wildcards.dataset, wildcards.model))


def braced_vectors(wildcards):
    """Return those of them that can't be inputs, as a parameter."""
    return unnameable(STUDY.given_vectors(wildcards.dataset, wildcards.model))


def method(wildcards):
    """Return the method of the study that a job is for."""
    return STUDY.methods[wildcards.method]


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
