"""Say what a corpus that nobody has measured would need, from what was measured on smaller ones.

python benchmarks/plan_scale.py --steps STEPS.csv --embedding EMBEDDING.csv
"""

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pandas as pd
from tabulate import tabulate

from embquant.cli import add_options
from embquant.errors import InputError
from embquant.study.plan import size

GIB = 1 << 30
HOUR = 3600
STEP_COLUMNS = ("step", "name", "vectors", "seconds", "output_bytes")
EMBEDDING_COLUMNS = ("what", "ours_docs_per_second", "machine")
GROWING = ("build-store", "search-index")
"""Steps whose work is proportional to the corpus."""
INDEX_SHARE = 0.8
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
        return self.name.startswith("build-store")

    def plan(self, vectors: int, memory: int) -> dict[str, str]:
        """Return the row of the table for ``vectors`` on machines of ``memory`` bytes."""
        written = self.bytes_per_vector * vectors
        hours = self.seconds_per_vector * vectors * self.cores / HOUR
        machines = machines_for(written, memory) if self.held else 1
        return {
            "stage": self.name,
            "writes": size(written) if written else "–",
            "core hours": f"{hours:,.1f}",
            "machines": f"{machines:,}" if self.held else "any number",
        }


def plan_scale(
    *,
    steps: Annotated[Path, "CSV of the steps that make bench-scale measured"],
    embedding: Annotated[Path, "CSV that benchmarks/embedding.py wrote"],
    vectors: Annotated[Sequence[int], "numbers of vectors planned for"] = (10**8, 10**9),
    memory: Annotated[int, "GiB of memory of a machine"] = 64,
    cores: Annotated[int, "cores that searches were measured on"] = 2,
) -> None:
    """Estimate from measured rates what a larger corpus needs."""
    print(plan(read_csv(steps, STEP_COLUMNS), read_csv(embedding, EMBEDDING_COLUMNS), vectors, memory, cores))


def plan(steps: pd.DataFrame, embedding: pd.DataFrame, counts: Sequence[int], memory: int, cores: int) -> str:
    """Return the Markdown of the plan: one table per number of vectors, and what the plan assumes."""
    measured = int(steps["vectors"].max())
    stages = [*embedding_stages(embedding, steps, cores), *measured_stages(steps, cores)]
    parts = [
        "# What more vectors need\n",
        "`make bench-scale` and `make bench BENCHMARKS=embedding` measured smaller corpora. This page scales the",
        "results up. In this project's environment it is written by\n",
        "    python benchmarks/plan_scale.py --steps results/benchmarks/scale/steps.csv \\",
        "        --embedding results/benchmarks/embedding.csv\n",
    ]
    for vectors in counts:
        table = tabulate([stage.plan(vectors, memory * GIB) for stage in stages], headers="keys", tablefmt="github")
        parts += [f"## {vectors:,} vectors\n", table, ""]
    parts += [
        "## What this assumes\n",
        f"- Rates are those of {measured:,} vectors, the largest corpus that was measured, and of the texts above, "
        f"on {embedding['machine'].iloc[0]}. A stage's time is proportional to the number of vectors, as measured.",
        f"- An index is built and searched in memory. It is split over machines of {memory} GiB and takes "
        f"{INDEX_SHARE:.0%} of each. Each machine searches its share, and the best of all results are merged. A study "
        "maps the index instead and reads it once for all queries, in memory that doesn't grow with the corpus.",
        "- Hours are those of one core. Embedding and searching can be split over any number of cores. A codec is "
        "fitted, and its store built, by one.",
        "- Searches are exact, with as many queries as were measured. What doesn't grow with the corpus is left out.",
    ]
    return "\n".join(parts)


def embedding_stages(embedding: pd.DataFrame, steps: pd.DataFrame, cores: int) -> list[Stage]:
    """Return a stage for each kind of text whose embedding was measured, on all ``cores``."""
    texts = embedding.drop_duplicates("ours_docs_per_second")
    names = texts["what"].str.partition(", beside")[0]
    largest = of_largest(steps)
    width = largest.loc[largest["name"].str.startswith("part-"), "output_bytes"].sum() / largest["vectors"].max()
    return [
        Stage(f"{name} each", 1 / rate, width, cores)
        for name, rate in zip(names, texts["ours_docs_per_second"], strict=True)
    ]


def measured_stages(steps: pd.DataFrame, cores: int) -> list[Stage]:
    """Return the stages of the largest corpus whose work grows with it."""
    largest = of_largest(steps)
    vectors = largest["vectors"].max()
    sums = largest.groupby("step", sort=False)[["seconds", "output_bytes"]].sum()
    return [
        Stage(
            name,
            row.seconds / vectors,
            row.output_bytes / vectors if name.startswith("build-store") else 0,
            cores if name.startswith("search-index") else 1,
        )
        for name, row in sums.iterrows()
        if name.startswith(GROWING)
    ]


def of_largest(steps: pd.DataFrame) -> pd.DataFrame:
    """Return the steps of the largest corpus."""
    return steps[steps["vectors"] == steps["vectors"].max()]


def machines_for(index_bytes: float, memory: int) -> int:
    """Return how many machines of ``memory`` bytes hold an index."""
    return math.ceil(index_bytes / (INDEX_SHARE * memory))


def read_csv(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read a benchmark's CSV; one that is missing, or lacks a column, is an InputError."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; make bench and make bench-scale write what is needed")
    table = pd.read_csv(path)
    missing = [column for column in columns if column not in table]
    if missing:
        raise InputError(f"{path}: no column {missing[0]!r}; give what the benchmark wrote")
    return table


def main(words: Sequence[str] | None = None) -> None:
    """Plan as the command line says."""
    parser = argparse.ArgumentParser(description=plan_scale.__doc__)
    add_options(parser, plan_scale)
    try:
        plan_scale(**vars(parser.parse_args(words)))
    except InputError as error:
        sys.exit(f"embquant: error: {error}")


if __name__ == "__main__":
    main()
