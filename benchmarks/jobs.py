"""How much time and memory does each command of a study take, if its jobs run one after the other?

The formulas of workflow/rules/resources.smk follow from it. Without --vectors the study of --config runs; with it, one
of so many jittered vectors, which stand in their files as precomputed embeddings do.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import vectors
import yaml
from harness import FOLDER
from processes import memory_of
from tabulate import tabulate

from embquant.files.parquet import write_embeddings
from workflow import running_commands

ROOT = Path(__file__).parents[1]
QUERIES = 1000
SAMPLED = 0.005
MIB = 1 << 20
STUDY = {
    "study": "vectors",
    "datasets": {"vectors": {"source": "files", "path": "vectors"}},
    "models": {"given": {"type": "precomputed", "corpus": "corpus.parquet", "queries": "queries.parquet"}},
    "codecs": {family: {"family": family} for family in ("float32", "binary", "int8")}
    | {"pq": {"family": "pq", "pieces": 48}, "rotated": {"family": "int8", "transform": "rotation"}},
    "methods": {
        "float32": {"codec": "float32", "index": "flat"},
        "binary": {"codec": "binary", "index": "flat"},
        "int8": {"codec": "int8", "index": "flat"},
        "pq": {"codec": "pq", "index": "flat"},
        "rotated": {"codec": "rotated", "index": "flat"},
        "int8-hnsw": {"codec": "int8", "index": "hnsw"},
        "float32-hnsw": {"codec": "float32", "index": "hnsw"},
        "float32-ivf": {"codec": "float32", "index": "ivf"},
    },
    "rescore": {"stores": ["binary", "int8", "float32"], "multipliers": [1, 4, 10]},
    "timing": {"rounds": 1, "single_queries": 10, "seconds": 0},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=ROOT / "config.yaml", help="the study (default config.yaml)")
    parser.add_argument("--vectors", type=int, help="a study of so many made vectors instead")
    parser.add_argument(
        "--methods", nargs="+", default=list(STUDY["methods"]), help="which of its methods (default all)"
    )
    parser.add_argument("--cores", type=int, default=1, help="threads of a job that takes all (default 1)")
    args = parser.parse_args()
    results = FOLDER / "jobs"
    results.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=results) as folder:
        config = made_study(Path(folder), args.vectors, args.methods) if args.vectors else args.config
        table = measure(config.resolve(), folder, args.cores)
    path = results / f"{args.vectors or config.stem}.csv"
    table.to_csv(path, index=False)
    print(tabulate(table, headers="keys", tablefmt="github", showindex=False, floatfmt=".0f"))


def made_study(folder: Path, count: int, methods: list[str]) -> Path:
    """Write the collection, its embeddings and the configuration; return the latter's path."""
    collection = folder / "vectors"
    collection.mkdir()
    dim = vectors.embeddings().shape[1]
    for role, seed, rows in (("corpus", 0, count), ("queries", 1, QUERIES)):
        with (collection / f"{role}.jsonl").open("w") as file:
            file.writelines(json.dumps({"_id": str(row), "text": f"{role} {row}"}) + "\n" for row in range(rows))
        starts = np.arange(0, rows, vectors.BLOCK)
        blocks = zip(starts, vectors.jittered(rows, seed=seed), strict=True)
        named = ((list(map(str, range(start, start + len(block)))), block) for start, block in blocks)
        write_embeddings(folder / f"{role}.parquet", dim, named)
    chosen = {name: STUDY["methods"][name] for name in methods}
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump({**STUDY, "methods": chosen}, sort_keys=False))
    return path


def measure(config: Path, folder: str, cores: int) -> pd.DataFrame:
    """Run the study one job at a time; return one row per command, with the most of its jobs."""
    words = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--jobs", "1"]
    words += ["--snakefile", str(ROOT / "Snakefile"), "--configfile", str(config), "--directory", folder]
    log = Path(folder) / "snakemake.txt"
    peaks: dict[tuple[int, str], np.ndarray] = defaultdict(lambda: np.zeros(3))
    with log.open("w") as said:
        process = subprocess.Popen(words, stdout=said, stderr=subprocess.STDOUT)
        started: dict[int, float] = {}
        while process.poll() is None:
            for pid, command in running_commands(process.pid).items():
                began = started.setdefault(pid, time.perf_counter())
                held = np.array(memory_of(pid, with_children=True)) / MIB
                now = np.array([time.perf_counter() - began, *held])
                peaks[pid, command] = np.maximum(peaks[pid, command], now)
            time.sleep(SAMPLED)
    if process.returncode:
        sys.exit(log.read_text() + "the study failed")
    rows = [(command, *values) for (_, command), values in peaks.items()]
    table = pd.DataFrame(rows, columns=["command", "seconds", "anonymous_mib", "mapped_mib"])
    return table.groupby("command", sort=False).max().reset_index()


if __name__ == "__main__":
    main()
