"""A small study of real text in a checkout of its own, run as a user runs it."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

from support.snakemake_runs import run_snakemake

REPOSITORY = Path(__file__).parents[2]
COPIED = ["Snakefile", "config.yaml", "config", "envs", "profiles", "src", "workflow"]
NOT_COPIED = shutil.ignore_patterns("*.egg-info", "*.pyc.*")
"""Byte code is copied, so that no checkout compiles the library again, but not what is being written of it."""

TABLES_ALONE = ("--", "results/reports/small/summary.csv")
"""Arguments of a run that makes all tables of the small study and not its page."""

DOCUMENTS = """Binary quantization keeps one bit a dimension.
Scalar quantization maps each dimension to one byte.
Hamming distance counts the bits in which two codes differ.
The inner product of two unit vectors is their cosine.
A graph index is walked greedily from its entry point.
Bread rises because yeast turns sugar into gas.
Sourdough needs a starter that is fed every day.
Salt slows fermentation and strengthens the dough.
A hot stone gives pizza its crisp base.
Butter keeps cake moist for several days.
Mountains form where plates of the crust collide.
Glaciers carve valleys with the shape of a U.
Volcanoes grow where magma reaches the surface.
Rivers carry sediment down to their deltas.
Earthquakes release stress along a fault.
The violin is tuned in perfect fifths.
A fugue develops one subject in several voices.
The oboe gives the orchestra its tuning note.
Drums keep the time of a marching band.
A sonata movement states two contrasting themes.
Chess players control the centre in the opening.
A passed pawn has no enemy pawn in its way.
The king hides behind pawns after castling.
A knight attacks squares of the other colour.
Rooks belong on open files.""".splitlines()

QUERIES = {
    "store a vector with a single bit per dimension": 0,
    "number of differing bits": 2,
    "why does dough rise": 5,
    "U-shaped valleys": 11,
    "what causes an earthquake": 14,
    "instrument that an orchestra tunes to": 17,
    "where to put the rooks": 24,
    "piece that changes colour when it attacks": 23,
}


@dataclass(frozen=True)
class Checkout:
    """A copy of the project, in which a test may change anything."""

    folder: Path

    def snakemake(self, *arguments, cores=2):
        """Run Snakemake as the README says; return its exit status and everything it printed."""
        return run_snakemake(["--cores", str(cores), *arguments], self.folder, self.variables())

    def call(self, command):
        """Run a command in the checkout with its own copy of the library."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.variables(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        return done.returncode, done.stdout

    def variables(self):
        """Return the environment variables with which commands find this copy of the library."""
        paths = [str(self.folder / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "HF_HUB_OFFLINE": "1"}

    def embquant(self, *arguments):
        """Run a command of the library."""
        return self.call([sys.executable, "-m", "embquant", *arguments])

    def configure(self, **changes):
        """Write the small study's configuration to study.yaml, with top-level keys changed."""
        (self.folder / "study.yaml").write_text(yaml.safe_dump({**study(), **changes}, sort_keys=False))

    def jobs(self, *arguments):
        """Return the rules that a dry run would run, as {rule: number of jobs}, without `all`."""
        status, output = self.snakemake("--configfile", "study.yaml", "--dry-run", *arguments)
        assert status == 0, output
        lines = output.partition("Job stats:")[2].partition("total")[0].splitlines()[3:]
        return {line.split()[0]: int(line.split()[1]) for line in lines if line.strip() and not line.startswith("all ")}


def study():
    """The configuration of the small study."""
    return {
        "study": "small",
        "datasets": {"facts": {"source": "files", "path": "input"}},
        "models": {"minilm": {"name": "sentence-transformers/all-MiniLM-L6-v2", "max_length": 64}},
        "parts": 2,
        "codecs": {family: {"family": family} for family in ("float32", "binary", "int8")},
        "methods": {
            "float32": {"codec": "float32", "index": "flat"},
            "binary": {"codec": "binary", "index": "flat"},
            "int8": {"codec": "int8", "index": "flat"},
            "int8-hnsw": {"codec": "int8", "index": "hnsw"},
        },
        "top_k": [3, 10],
        "rescore": {"stores": ["binary", "int8", "float32"], "multipliers": [1, 2]},
        "timing": {"rounds": 1, "single_queries": 4, "seconds": 0},
    }


def write_input(folder, judged=True):
    """Write the small collection in BEIR's layout."""
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": f"d{row}", "title": "", "text": text} for row, text in enumerate(DOCUMENTS)]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(document) + "\n" for document in corpus))
    queries = [{"_id": f"q{row}", "text": text} for row, text in enumerate(QUERIES)]
    (folder / "queries.jsonl").write_text("".join(json.dumps(query) + "\n" for query in queries))
    if judged:
        lines = [f"q{row}\td{doc}\t1" for row, doc in enumerate(QUERIES.values())]
        (folder / "qrels" / "test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *lines]) + "\n")


def new_checkout(folder):
    """Copy the project and give it the small study."""
    folder.mkdir(parents=True)
    for name in COPIED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=NOT_COPIED)
        else:
            shutil.copy(source, folder / name)
    write_input(folder / "input")
    checkout = Checkout(folder)
    checkout.configure()
    return checkout


def report(checkout, name, study="small"):
    """Return a CSV report of a finished study."""
    return pd.read_csv(checkout.folder / "results" / "reports" / study / f"{name}.csv")
