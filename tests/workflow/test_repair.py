"""What an error or `embquant verify` says to do about a damaged file, done as it stands, makes the file whole again."""

import shlex
import shutil
import subprocess
import sys

import pytest

from embquant.files.records import Record
from support.small_study import REPOSITORY, study

pytestmark = pytest.mark.workflow


@pytest.fixture
def repairable(changed):
    """A finished study beside the default one, with what `make run` needs: another environment stands in for .venv."""
    shutil.copy(REPOSITORY / "Makefile", changed.folder)
    (changed.folder / "envs" / "setup.sh").write_text("#!/bin/sh\n")
    programs = changed.folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for program, module in (("python", ""), ("snakemake", "-m snakemake ")):
        script = f'#!/bin/sh\nPYTHONPATH=src exec {shlex.quote(sys.executable)} {module}"$@"\n'
        (programs / program).write_text(script)
        (programs / program).chmod(0o755)
    return changed


def advice(output, beginning):
    """Return the commands that are named by or below the first line with this beginning."""
    lines = output.splitlines()
    first = next(row for row, line in enumerate(lines) if line.startswith(beginning))
    named = next(line for line in lines[first:] if "to rebuild it: " in line)
    return named.partition("to rebuild it: ")[2]


def do(words, folder):
    """Run the words of an advice in a shell; return what it printed."""
    done = subprocess.run(words, shell=True, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


def flip(path):
    """Change a byte in the middle of a file; return its content before."""
    before = path.read_bytes()
    middle = len(before) // 2
    path.write_bytes(before[:middle] + bytes([before[middle] ^ 1]) + before[middle + 1 :])
    return before


RUNS = "results/reports/small/runs/facts/minilm"
DAMAGED = [
    "results/reports/small/figures",
    "results/reports/small/retrieval.csv",
    f"{RUNS}/binary/candidates.parquet",
    "results/facts/minilm/stores/int8.i8bin",
    "results/facts/minilm/embeddings/part-001-of-002.parquet",
]
"""From the last step to the first, so that little is made again: for a folder, a file in it."""


def test_what_verify_says_makes_each_file_whole_again(repairable, tmp_path):
    """The study isn't the default one, and verify is called in another folder."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in DAMAGED:
        path = repairable.folder / name
        path = path if path.is_file() else min(path.glob("*.svg"))
        before = flip(path)
        status, output = repairable.call(
            ["env", "-C", elsewhere, sys.executable, "-m", "embquant", "verify", path.parent]
        )
        assert status == 1, output
        words = advice(output, f"changed: {path}")
        assert f"make -C {repairable.folder} run CONFIG=study.yaml ARGS=" in words
        do(words, elsewhere)
        assert path.read_bytes() == before, name
    status, output = repairable.call(["make", "run", "CONFIG=study.yaml"])  # what was made from these files
    assert status == 0, output
    status, output = repairable.embquant("verify", "results")
    assert status == 0, output
    assert not (repairable.folder / "results" / "stdlib").exists(), "the default study has not run"


def test_what_a_jobs_error_says_names_the_runs_study_and_profile(repairable):
    profile = repairable.folder / "profiles" / "mine"
    profile.mkdir()
    (profile / "config.yaml").write_text("cores: 2\n")
    store = repairable.folder / "results/facts/minilm/stores/binary.faiss"
    flip(store)
    (repairable.folder / "study.yaml").rename(repairable.folder / "my study.yaml")
    methods = study()["methods"] | {"asked": {"codec": "binary", "index": "flat", "scoring": "asymmetric"}}
    repairable.configure(methods=methods)
    (repairable.folder / "study.yaml").rename(repairable.folder / "my study.yaml")
    run = ["make", "run", "CONFIG=my study.yaml", "PROFILE=mine"]
    status, output = repairable.call([*run, "ARGS=-- " + f"{RUNS}/asked/candidates.parquet"])
    assert status != 0, output
    name = store.relative_to(repairable.folder)
    words = advice(output, f"embquant: error: {name}: damaged")
    assert words == f"rm -f {name} && make run CONFIG='my study.yaml' PROFILE=mine ARGS='-- {name}'"
    do(words, repairable.folder)
    assert Record.of(store).profile == "mine"
    status, output = repairable.embquant("verify", str(store.parent))
    assert status == 0, output


def test_every_recorded_file_has_a_rule_that_makes_it(repairable):
    """For all files of a finished study at once: Snakemake knows how to make each target that advice would name."""
    results = repairable.folder / "results"
    targets = set()
    for place in results.glob("**/.records/*.json"):
        path = place.parent.parent / place.name.removesuffix(".json")
        record = Record.of(path)
        if record.kept:
            made = path.parent / record.remade_by if record.remade_by else path
            targets.add(str(made.resolve().relative_to(repairable.folder.resolve())))
    assert len(targets) > 30
    status, output = repairable.snakemake("--configfile", "study.yaml", "--dry-run", "--", *sorted(targets))
    assert status == 0, output
