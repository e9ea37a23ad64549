"""``plan-scale``: what a corpus that nobody has measured would need, from what was measured on smaller ones."""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from embquant.errors import InputError

GIB = 1 << 30
HOUR = 3600
STEP_COLUMNS = ("step", "vectors", "seconds", "anonymous_bytes", "output_bytes")
EMBEDDING_COLUMNS = ("what", "ours_docs_per_second", "machine")
LEFT_FREE = 0.8
"""Share of a machine's memory that an index may take; the rest is for the search, the system and the files' cache."""


@dataclass(frozen=True)
class Stage:
    """One stage: what it takes of a core and writes for each vector, and whether it holds all that it writes."""

    name: str
    seconds_per_vector: float
    bytes_per_vector: float
    cores: int

    @property
    def held(self) -> bool:
        """Whether it builds an index, which is as large in memory as on disk."""
        return self.name.startswith("build-index")

    def plan(self, vectors: int, memory: int) -> dict[str, str]:
        """Return the row of the table for ``vectors`` on machines of ``memory`` bytes."""
        written = self.bytes_per_vector * vectors
        hours = self.seconds_per_vector * vectors * self.cores / HOUR
        machines = machines_for(written, memory) if self.held else 1
        return {
            "stage": self.name,
            "writes": size(written) if self.bytes_per_vector >= 1 else "–",  # what is less doesn't grow
            "core hours": f"{hours:,.1f}",
            "machines": f"{machines:,}" if self.held else "any number",
        }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``plan-scale``."""
    parser.add_argument("--steps", required=True, type=Path, help="CSV of the steps that make bench-scale measured")
    parser.add_argument("--embedding", required=True, type=Path, help="CSV that benchmarks/embedding.py wrote")
    parser.add_argument("--vectors", nargs="+", type=int, default=[10**8, 10**9], help="numbers of vectors planned for")
    parser.add_argument("--memory", type=int, default=64, help="GiB of memory of a machine (default 64)")
    parser.add_argument("--cores", type=int, default=2, help="cores that searches were measured on (default 2)")


def run(arguments: argparse.Namespace) -> None:
    """Print the plan as Markdown."""
    steps = read_csv(arguments.steps, STEP_COLUMNS)
    embedding = read_csv(arguments.embedding, EMBEDDING_COLUMNS)
    print(plan(steps, embedding, arguments.vectors, arguments.memory, arguments.cores))


def plan(steps: pd.DataFrame, embedding: pd.DataFrame, counts: list[int], memory: int, cores: int) -> str:
    """Return the Markdown of the plan: one table a number of vectors, and what it assumes."""
    measured = int(steps["vectors"].max())
    stages = [*embedding_stages(embedding, cores), *measured_stages(steps, cores)]
    parts = []
    for vectors in counts:
        table = tabulate([stage.plan(vectors, memory * GIB) for stage in stages], headers="keys", tablefmt="github")
        parts += [f"## {vectors:,} vectors\n", table, ""]
    parts += [
        "## What this assumes\n",
        f"- Rates are those of {measured:,} vectors, the largest corpus that was measured, and of the texts above, "
        f"on {embedding['machine'].iloc[0]}. A stage's time is proportional to the vectors, as measured there.",
        f"- An index is split over machines of {memory} GiB, of whose memory it takes {LEFT_FREE:.0%}; each answers "
        "for its share and the best of all are merged. float32 isn't held: it is read through, once for all queries.",
        "- Hours are those of one core. Embedding, encoding and searching split over as many cores and machines as "
        "there are; fitting int8 is one pass over the float32 vectors, which only a disk limits.",
        "- Searches are of the queries that were measured, exact, all of the corpus; evaluation depends on queries "
        "and candidates alone.",
    ]
    return "\n".join(parts)


def embedding_stages(embedding: pd.DataFrame, cores: int) -> list[Stage]:
    """Return a stage for each kind of text whose embedding was measured, on all ``cores``."""
    texts = embedding.drop_duplicates("ours_docs_per_second")
    names = texts["what"].str.partition(", beside")[0]
    return [Stage(name, 1 / rate, 0, cores) for name, rate in zip(names, texts["ours_docs_per_second"], strict=True)]


def measured_stages(steps: pd.DataFrame, cores: int) -> list[Stage]:
    """Return the stages of the largest corpus; what doesn't grow with it is left out."""
    vectors = int(steps["vectors"].max())
    own = steps[(steps["vectors"] == vectors) & ~steps["step"].isin(["generate", "define-method", "finished"])]
    sums = own.groupby("step", sort=False)[["seconds", "output_bytes"]].sum()
    return [
        Stage(name, row.seconds / vectors, row.output_bytes / vectors, cores if name.startswith("search") else 1)
        for name, row in sums.iterrows()
        if not name.startswith("evaluate-run")
    ]


def machines_for(index_bytes: float, memory: int) -> int:
    """Return how many machines of ``memory`` bytes hold an index."""
    return math.ceil(index_bytes / (LEFT_FREE * memory))


def size(count: float) -> str:
    """Write bytes in the largest decimal unit that leaves one or more."""
    unit = min(int(math.log10(max(count, 1)) // 3), 4)
    return f"{count / 1000**unit:.3g} {('B', 'kB', 'MB', 'GB', 'TB')[unit]}"


def read_csv(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read a benchmark's CSV; one that is missing, or lacks a column, is an InputError."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; make bench and make bench-scale write what is needed")
    table = pd.read_csv(path)
    missing = [column for column in columns if column not in table]
    if missing:
        raise InputError(f"{path}: no column {missing[0]!r}; give what the benchmark wrote")
    return table
